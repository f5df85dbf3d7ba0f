"""How alike a clip and a passage are at one shift, from where to where."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rawtone.evaluation.copies.whitening import FRAME_SECONDS

Doubles = NDArray[np.float64]

LEAST_SECONDS = 1.0  # shorter likenesses are notes
_LONGER = 1.3  # from one length that is tried to the next
_SILENT = 0.25  # of the usual power: where there is less, there is little to compare


@dataclass(frozen=True)
class Stretch:
    """A part of a clip that is like a passage.

    Attributes:
        first: its first frame.
        frames: how many.
        likeness: correlation of both, from -1 to 1; 1 is the same.
        evidence: by how many standard deviations it is above that of unrelated noise.
    """

    first: int
    frames: int
    likeness: float
    evidence: float


@dataclass(frozen=True)
class Products:
    """What a clip and passages have in common, summed up frame by frame.

    Attributes:
        both: float64 [passages, frames + 1], sums of products up to each frame.
        clip: float64 [frames + 1], sums of squares of the clip.
        passage: float64 [passages, frames + 1], sums of squares of the passages.
        freedom: independent values in a frame.
    """

    both: Doubles
    clip: Doubles
    passage: Doubles
    freedom: float

    @classmethod
    def of(cls, clip: Doubles, both: Doubles, passage: Doubles, freedom: float) -> Self:
        """Sum up the figures of single frames.

        Args:
            clip: float64 [frames], squares.
            both: float64 [passages, frames], products.
            passage: float64 [passages, frames], squares.
            freedom: independent values in a frame.
        """
        return cls(_sums(both), _sums(clip), _sums(passage), freedom)

    @property
    def frames(self) -> int:
        """How many frames the clip has."""
        return len(self.clip) - 1

    def best(self, lengths: list[int]) -> list[Stretch]:
        """Return the stretch of the most evidence in each passage.

        Args:
            lengths: of the stretches to try, in frames; one at least.
        """
        tried = [self._of_length(frames) for frames in lengths]
        likeness = np.array([found for found, _ in tried])
        evidence = likeness * np.sqrt(np.array(lengths)[:, None] * self.freedom)
        chosen = evidence.argmax(axis=0)
        return [
            Stretch(
                int(tried[n][1][row]), lengths[n], float(likeness[n, row]), float(evidence[n, row])
            )
            for row, n in enumerate(chosen.tolist())
        ]

    def _of_length(self, frames: int) -> tuple[Doubles, NDArray[np.int64]]:
        """Return the highest likeness in each passage and where it begins: both [passages]."""
        power = _over(self.clip, frames) * _over(self.passage, frames)
        both = self.both[:, frames:] - self.both[:, :-frames]
        likeness = both / np.sqrt(power + 1e-12)
        first = likeness.argmax(axis=1)
        return likeness[np.arange(len(first)), first], first


def lengths(frames: int, longer: float = _LONGER) -> list[int]:
    """Return the lengths of stretches to try in a clip, in frames, shortest first.

    Args:
        frames: of the clip, at least those of `LEAST_SECONDS`.
        longer: one length divided by the one before it.
    """
    found = [round(LEAST_SECONDS / FRAME_SECONDS)]
    while found[-1] < frames:
        found.append(min(frames, max(found[-1] + 1, round(found[-1] * longer))))
    return found


def _sums(rows: Doubles) -> Doubles:
    return np.concatenate([np.zeros((*rows.shape[:-1], 1)), np.cumsum(rows, axis=-1)], axis=-1)


def _over(sums: Doubles, frames: int) -> Doubles:
    """Return the power of each stretch of a length."""
    usual = _SILENT * sums[..., -1:] / (sums.shape[-1] - 1) * frames
    power: Doubles = np.maximum(sums[..., frames:] - sums[..., :-frames], usual)
    return power
