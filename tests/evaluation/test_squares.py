"""What a regression has to beat, of one channel and of two."""

import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.evaluation.squares import repetition_error, silence_error

QUANTIZER = quantizers.make("linear", 256)  # a code is 1 / 128


def test_channels_do_not_mix() -> None:
    """Each repeats its own sample before, and begins in silence."""
    still, loud = np.full(4, 128), np.array([128, 256, 128, 256]) - 64
    codes = np.stack([still, loud], axis=1)
    error = repetition_error(loud, QUANTIZER)
    assert error == pytest.approx((0.5**2 + 3 * 1**2) / 4)
    assert repetition_error(codes, QUANTIZER) == pytest.approx(error / 2)
    assert silence_error(codes, QUANTIZER) == pytest.approx(0.5**2 / 2)
