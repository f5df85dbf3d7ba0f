"""Codes as amplitudes, as tensors: for families that compute with sound, not with symbols."""

from typing import Any

import numpy as np
from keras import ops

from rawtone.audio.quantizers import Quantizer


class Amplitudes:
    """Turns codes into amplitudes and back.

    Args:
        quantizer: whose codes they are.
    """

    def __init__(self, quantizer: Quantizer) -> None:
        edges = quantizer.edges()
        self._middles = ((edges[1:] + edges[:-1]) / 2).astype(np.float32)
        self._widths = np.diff(edges).astype(np.float32)
        # by the bits of a 16-bit sample, which are not negative
        self._codes = quantizer.table().astype(np.int32)

    def of(self, codes: Any) -> Any:
        """Return the middle of each code's cell, float32 of the same shape, from -1 to 1."""
        return ops.take(ops.convert_to_tensor(self._middles), codes, axis=0)

    def widths(self, codes: Any) -> Any:
        """Return how wide each code's cell is, float32 of the same shape."""
        return ops.take(ops.convert_to_tensor(self._widths), codes, axis=0)

    def encode(self, amplitudes: Any) -> Any:
        """Return the code of each amplitude, taken as 16-bit PCM; int32 of the same shape."""
        pcm = ops.clip(ops.round(amplitudes * 32768.0), -32768.0, 32767.0)
        return ops.take(ops.convert_to_tensor(self._codes), ops.cast(pcm, "int32") % 65536, axis=0)
