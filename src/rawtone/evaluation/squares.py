"""What a regression has to beat: squared errors of guesses that need no model."""

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.quantizers import Quantizer


def silence_error(codes: NDArray[np.integer], quantizer: Quantizer) -> float:
    """Return the mean squared error of always guessing silence.

    Args:
        codes: [samples] or [samples, channels].
        quantizer: that made them; errors are on its axis from -1 to 1.
    """
    away = _positions(codes, quantizer) - _positions(np.array([quantizer.silence]), quantizer)
    return float(np.mean(away**2))


def repetition_error(codes: NDArray[np.integer], quantizer: Quantizer) -> float:
    """Return the mean squared error of guessing that every sample is the one before again.

    Args:
        codes: [samples] or [samples, channels], in order.
        quantizer: that made them; errors are on its axis from -1 to 1.
    """
    heard = np.concatenate([np.full_like(codes[:1], quantizer.silence), codes])
    return float(np.mean(np.diff(_positions(heard, quantizer), axis=0) ** 2))


def _positions(codes: NDArray[np.integer], quantizer: Quantizer) -> NDArray[np.float64]:
    return 2.0 * codes.astype(np.float64) / quantizer.steps - 1.0
