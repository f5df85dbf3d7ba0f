"""What is heard of clips of two channels."""

import numpy as np

from rawtone.evaluation.listening import mono


def test_channels_are_mixed_to_be_heard() -> None:
    stereo = np.array([[16384, 0], [-32768, 32767 - 1]], np.int16)
    np.testing.assert_array_equal(mono(stereo), [0.25, -1 / 32768])
    np.testing.assert_array_equal(mono(stereo[:, 0]), [0.5, -1.0])
