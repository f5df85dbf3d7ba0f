"""The training audio as waveforms that a clip is slid along, at every sample.

A passage that lies in a clip makes the product of both sum up at one shift alone, however quiet it
is beside the rest. All shifts at once are one product of Fourier transforms a block.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawtone.evaluation.copies.alignment import Doubles, Products
from rawtone.evaluation.copies.whitening import Floats

Bytes = NDArray[np.int8]

_STEPS = 32  # of a byte, to a root mean square; what is beyond four of them is cut
_BLOCK = 1 << 18  # samples of a transform
_NEAR = 256  # shifts of which the best one stands for all
_LOUDEST_BIN = 3.0  # root mean squares of all: a tone that is held is no more than that


def in_bytes(values: Floats) -> Bytes:
    """Return values with a root mean square of 1 as bytes."""
    return np.clip(np.rint(values * _STEPS), -127, 127).astype(np.int8)


def piece(line: Bytes, at: int, samples: int) -> Floats:
    """Return a part of a time line, float32 [samples]; before and after it is silence."""
    found = line[max(at, 0) : max(at + samples, 0)]
    silent = np.zeros(samples, np.float32)
    silent[max(-at, 0) :][: len(found)] = found
    return silent


@dataclass(frozen=True)
class Agreement:
    """How alike a stretch of a clip and a passage are at the best shift.

    Attributes:
        likeness: correlation, from -1 to 1; 1 is the same.
        evidence: standard deviations of the sum of products above that of unrelated noise.
        prominence: the same sum in root mean squares of those at shifts beside. Music of the same
            notes on the same instrument correlates, too, but at many shifts. This allows for it,
            as the variance of Bartlett (Some Aspects of the Time-Correlation Problem in Regard to
            Tests of Significance, 1935) does, of which it is an estimate.
        moments: on how many frames the agreement rests.
    """

    likeness: float
    evidence: float
    prominence: float
    moments: float


@dataclass(frozen=True)
class Waveforms:
    """The whitened training audio and the transforms of its blocks.

    Attributes:
        line: int8 [samples], all passages on one time line.
        blocks: int8 [blocks, bins, 2], real and imaginary parts.
        longest: samples of a clip that can be looked for, at most.
        frame: samples of a frame.
    """

    line: Bytes
    blocks: Bytes
    longest: int
    frame: int

    @classmethod
    def of(cls, line: Bytes, longest: int, frame: int) -> "Waveforms":
        """Transform a time line block by block.

        Args:
            line: int8 [samples].
            longest: samples of a clip that will be looked for, at most.
            frame: samples of a frame.
        """
        hop = _hop(longest)
        count = -(-(len(line) + longest) // hop)
        blocks = np.empty((count, _BLOCK // 2 + 1, 2), np.int8)
        for number in range(count):
            blocks[number] = _levelled(np.fft.rfft(piece(line, number * hop - longest, _BLOCK)))
        return cls(line, blocks, longest, frame)

    def shifts(self, clip: Floats, most: int) -> NDArray[np.int64]:
        """Find where on the line a clip may begin.

        Args:
            clip: float32 [samples], whitened, at most `longest`.
            most: how many places to return at most.

        Returns:
            int64 [places], samples, the likeliest first; negative before the line's beginning.
        """
        spectrum = np.conj(np.fft.rfft(clip, _BLOCK))
        found = [self._best(number, spectrum) for number in range(len(self.blocks))]
        at, sums = (np.concatenate(column) for column in zip(*found, strict=True))
        kept: NDArray[np.int64] = at[np.argsort(-sums, kind="stable")[:most]]
        return kept

    def _best(
        self, number: int, spectrum: NDArray[np.complex64]
    ) -> tuple[NDArray[np.int64], Floats]:
        hop = _hop(self.longest)
        block = self.blocks[number].astype(np.float32).view(np.complex64)[:, 0]
        sums = np.fft.irfft(block * spectrum, _BLOCK)[:hop].reshape(-1, _NEAR)
        best = sums.argmax(axis=1)
        rows = np.arange(len(sums))
        return rows * _NEAR + best + (number * hop - self.longest), sums[rows, best]

    def compare(self, clip: Floats, at: NDArray[np.int64]) -> Products:
        """Compare a clip with the line at some shifts.

        Args:
            clip: float32 [samples], whitened.
            at: int64 [shifts], samples of the line where the clip begins.
        """
        heard = (piece(self.line, place, len(clip)) for place in at.tolist())
        return Products.of(*self._frames(clip, heard), self.frame)

    def _frames(self, clip: Floats, heard: Iterable[Floats]) -> tuple[Doubles, Doubles, Doubles]:
        """Return the products of each frame, squares of the clip, and of what is heard."""
        framed = self._framed(clip)
        both, squares = [], []
        for passage in map(self._framed, heard):
            both.append(_inner(framed, passage))
            squares.append(_inner(passage, passage))
        return np.array(both), _inner(framed, framed), np.array(squares)

    def _framed(self, audio: Floats) -> Floats:
        frames = -(-len(audio) // self.frame)
        if len(audio) < frames * self.frame:
            audio = np.pad(audio, (0, frames * self.frame - len(audio)))
        return audio.reshape(frames, self.frame)

    def agreement(self, clip: Floats, at: int, around: int) -> Agreement:
        """Measure how far a stretch of a clip agrees with the line, and with what lies beside it.

        Args:
            clip: float32 [samples], whitened: the stretch that was found.
            at: where on the line it begins, to some milliseconds.
            around: samples on either side that are beside it.
        """
        line = piece(self.line, at - around, len(clip) + 2 * around)
        sums = _slid(clip, line, 2 * around)
        near = np.abs(np.arange(2 * around) - around) <= self.frame // 2
        shift = int(np.where(near, sums, -np.inf).argmax())
        beside = float(np.sqrt(np.mean(sums[~near] ** 2))) + 1e-9
        found = Products.of(*self._frames(clip, line[None, shift : shift + len(clip)]), self.frame)
        power = np.sqrt(np.sum(clip**2) * np.sum(line[shift : shift + len(clip)] ** 2)) + 1e-9
        whole = float(found.both[0, -1])
        return Agreement(
            whole / float(power),
            whole / float(np.sqrt(found.variance[0, -1]) + 1e-9),
            whole / beside,
            whole**2 / float(np.sum(np.diff(found.both[0]) ** 2) + 1e-9),
        )


def _inner(one: Floats, other: Floats) -> Doubles:
    """Return the product of each row of one with that of the other."""
    products: Doubles = np.einsum("ij,ij->i", one, other).astype(np.float64)
    return products


def _slid(clip: Floats, line: Floats, shifts: int) -> Floats:
    """Return sums of products of a clip and a line at each shift from 0 on, float32 [shifts]."""
    size = 1 << (len(clip) + len(line) - 1).bit_length()
    product = np.fft.rfft(line, size) * np.conj(np.fft.rfft(clip, size))
    sums: Floats = np.fft.irfft(product, size)[:shifts].astype(np.float32)
    return sums


def _hop(longest: int) -> int:
    """Return of how many shifts a block tells."""
    return (_BLOCK - longest) // _NEAR * _NEAR


def _levelled(spectrum: NDArray[np.complexfloating]) -> Bytes:
    """Return a spectrum in which no bin is far louder than others."""
    size = np.abs(spectrum)
    usual = np.sqrt(np.mean(size**2)) + 1e-9
    limited = spectrum / usual * np.minimum(1, _LOUDEST_BIN * usual / np.maximum(size, 1e-9))
    parts = np.stack([limited.real, limited.imag], axis=1)
    return in_bytes(parts.astype(np.float32) * np.sqrt(0.5))
