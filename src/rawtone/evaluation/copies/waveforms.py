"""The training audio as waveforms that a clip is slid along, at every sample.

A passage that lies in a clip makes the product of both sum up at one shift alone, however quiet it
is beside the rest. All shifts at once are one product of Fourier transforms a block.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawtone.evaluation.copies.alignment import Products
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
        frames = -(-len(clip) // self.frame)
        framed = np.zeros((frames, self.frame), np.float32)
        framed.reshape(-1)[: len(clip)] = clip
        both, passage = np.empty((2, len(at), frames))
        for row, place in enumerate(at.tolist()):
            heard = piece(self.line, place, frames * self.frame).reshape(framed.shape)
            both[row] = np.einsum("ij,ij->i", framed, heard)
            passage[row] = np.einsum("ij,ij->i", heard, heard)
        return Products.of(np.einsum("ij,ij->i", framed, framed), both, passage, self.frame)


def _hop(longest: int) -> int:
    """Return of how many shifts a block tells."""
    return (_BLOCK - longest) // _NEAR * _NEAR


def _levelled(spectrum: NDArray[np.complex64]) -> Bytes:
    """Return a spectrum in which no bin is far louder than others."""
    size = np.abs(spectrum)
    usual = np.sqrt(np.mean(size**2)) + 1e-9
    limited = spectrum / usual * np.minimum(1, _LOUDEST_BIN * usual / np.maximum(size, 1e-9))
    parts = np.stack([limited.real, limited.imag], axis=1)
    return in_bytes(parts.astype(np.float32) * np.sqrt(0.5))
