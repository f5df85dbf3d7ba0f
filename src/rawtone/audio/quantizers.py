"""Samples to codes and back: mu-law, A-law and linear, with any number of levels.

A sample x from -1 to 1 is bent by the curve F of its kind to s = F(x), again from -1 to 1, and s is
rounded to one of `levels` codes. Decoding gives the middle of the code, so encoding that gives the
code again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind = Literal["mu-law", "a-law", "linear"]
Codes = NDArray[np.unsignedinteger[Any]]
_Curve = Callable[[NDArray[np.float64], int], NDArray[np.float64]]

_Scalar = TypeVar("_Scalar", bound=np.generic)

A = 87.6
_LN_EA = 1.0 + math.log(A)


def _mu_law(x: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """Bend by mu-law, mu = levels - 1 (van den Oord et al. 2016, eq. in 2.2)."""
    mu = levels - 1
    bent: NDArray[np.float64] = np.copysign(np.log1p(mu * np.abs(x)) / math.log1p(mu), x)
    return bent


def _mu_law_inverse(s: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    mu = levels - 1
    return np.copysign(np.expm1(np.abs(s) * math.log1p(mu)) / mu, s)


def _a_law(x: NDArray[np.float64], _levels: int) -> NDArray[np.float64]:
    """Bend by A-law, A = 87.6 (the continuous curve of ITU-T G.711)."""
    size = np.abs(x)
    bent = np.where(size < 1 / A, A * size, 1.0 + np.log(np.maximum(A * size, 1.0)))
    return np.copysign(bent / _LN_EA, x)


def _a_law_inverse(s: NDArray[np.float64], _levels: int) -> NDArray[np.float64]:
    size = np.abs(s) * _LN_EA
    return np.copysign(np.where(size < 1.0, size, np.exp(size - 1.0)) / A, s)


def _straight(x: NDArray[np.float64], _levels: int) -> NDArray[np.float64]:
    return x


_CURVES: dict[str, tuple[_Curve, _Curve]] = {
    "mu-law": (_mu_law, _mu_law_inverse),
    "a-law": (_a_law, _a_law_inverse),
    "linear": (_straight, _straight),
}


@dataclass(frozen=True)
class Quantizer:
    """One kind of curve with one number of levels.

    mu-law and A-law round s to codes whose ends are -1 and 1: q = floor((s + 1) / 2 * (levels - 1)
    + 1/2), as tensorflow-wavenet does. Linear rounds to multiples of 2 / levels, so that zero is
    a code and 65,536 levels are 16-bit PCM itself: q = floor((x + 1) / 2 * levels + 1/2), at most
    levels - 1. (SampleRNN's linear cuts off where this one rounds: its decoding leans by half
    a step, and encoding that again is off by one for half of the codes.)

    Attributes:
        kind: The curve.
        levels: Number of codes, 2 to 65,536.
    """

    kind: Kind
    levels: int

    def __post_init__(self) -> None:
        if self.kind not in _CURVES or not 2 <= self.levels <= 65536:
            raise ValueError(
                f"Expected one of {', '.join(_CURVES)} with 2 to 65,536 levels. "
                f"Received: kind={self.kind!r}, levels={self.levels}."
            )

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """The smallest type that holds every code."""
        return np.uint8 if self.levels <= 256 else np.uint16

    @property
    def silence(self) -> int:
        """The code of zero."""
        return int(self.table()[0])

    @property
    def steps(self) -> int:
        """How many cells fit between -1 and 1: code q stands at s = 2 q / steps - 1."""
        return self.levels if self.kind == "linear" else self.levels - 1

    def encode(self, samples: ArrayLike) -> Codes:
        """Give every sample its code.

        Args:
            samples: Of any shape: int16 PCM, or floats, of which those beyond -1 and 1 are clipped.

        Returns:
            Codes of the same shape, uint8 up to 256 levels, otherwise uint16.
        """
        array = np.asarray(samples)
        if array.dtype == np.int16:
            codes: Codes = self.table()[array]
            return codes
        return self._encode(np.clip(array.astype(np.float64), -1.0, 1.0))

    def _encode(self, x: NDArray[np.float64]) -> Codes:
        bend, _ = _CURVES[self.kind]
        codes = np.floor((bend(x, self.levels) + 1.0) / 2.0 * self.steps + 0.5)
        encoded: Codes = np.minimum(codes, self.levels - 1).astype(self.dtype)
        return encoded

    def decode(self, codes: ArrayLike) -> NDArray[np.float32]:
        """Give every code its sample.

        Args:
            codes: Whole numbers from 0 to levels - 1, of any shape.

        Returns:
            float32 of the same shape, from -1 to 1.
        """
        samples: NDArray[np.float32] = _middles(self)[np.asarray(codes)]
        return samples

    def edges(self) -> NDArray[np.float64]:
        """Return where each code's cell begins, and where the last one ends.

        Returns:
            float64 [levels + 1], ascending from -1 to 1: samples between the edges q and q + 1 are
            encoded as q.
        """
        return _edges(self)

    def table(self) -> Codes:
        """Return the codes of all 16-bit samples.

        Returns:
            Codes [65536], indexed by the sample itself (`table[pcm]`): -1 is the last entry, as
            Python counts. By its bits as uint16 where negative indices are not known.
        """
        return _codes_of_pcm(self)


@cache
def _codes_of_pcm(quantizer: Quantizer) -> Codes:
    pcm = np.arange(65536, dtype=np.uint16).view(np.int16)
    return _frozen(quantizer._encode(pcm / 32768.0))


@cache
def _middles(quantizer: Quantizer) -> NDArray[np.float32]:
    s = 2.0 * np.arange(quantizer.levels) / quantizer.steps - 1.0
    _, unbend = _CURVES[quantizer.kind]
    return _frozen(np.clip(unbend(s, quantizer.levels), -1.0, 1.0).astype(np.float32))


@cache
def _edges(quantizer: Quantizer) -> NDArray[np.float64]:
    s = (2.0 * np.arange(quantizer.levels + 1) - 1.0) / quantizer.steps - 1.0
    _, unbend = _CURVES[quantizer.kind]
    edges = unbend(np.clip(s, -1.0, 1.0), quantizer.levels)
    # the last code of the linear kind takes what would round to one more, too
    edges[[0, -1]] = -1.0, 1.0
    return _frozen(edges)


def _frozen(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    array.setflags(write=False)  # the cache hands the same array to everyone
    return array


@cache
def make(kind: Kind, levels: int) -> Quantizer:
    """Return the quantizer of a kind and number of levels.

    Raises:
        ValueError: There is no such kind, or the levels are not from 2 to 65,536.
    """
    return Quantizer(kind, levels)
