"""How alike a clip and a passage are at one shift, from where to where."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rawtone.evaluation.copies.whitening import FRAME_SECONDS

Doubles = NDArray[np.float64]

LEAST_SECONDS = 1.0  # shorter likenesses are notes
_LONGER = 1.3  # from one length that is tried to the next
_LITTLE = 1e-3  # of all variance: stretches of less are as good as silent


@dataclass(frozen=True)
class Stretch:
    """A part of a clip that is like a passage.

    Attributes:
        first: its first frame.
        frames: how many.
        evidence: by how many standard deviations their products sum up to more than those of
            unrelated noise as loud, moment by moment.
    """

    first: int
    frames: int
    evidence: float


@dataclass(frozen=True)
class Products:
    """What a clip and passages have in common, summed up over frames.

    Attributes:
        both: float64 [passages, frames + 1], sums of products up to each frame.
        variance: float64 [passages, frames + 1], what noise as loud would make of it.
    """

    both: Doubles
    variance: Doubles

    @classmethod
    def of(cls, both: Doubles, clip: Doubles, passage: Doubles, samples: int) -> Self:
        """Sum up the figures of single frames.

        Args:
            both: float64 [passages, frames], products.
            clip: float64 [frames], squares.
            passage: float64 [passages, frames], squares.
            samples: of a frame.
        """
        return cls(_sums(both), _sums(clip * passage / samples))

    @property
    def frames(self) -> int:
        """How many frames the clip has."""
        return int(self.both.shape[1]) - 1

    def best(self, lengths: list[int]) -> list[Stretch]:
        """Return the stretch of the most evidence in each passage.

        Args:
            lengths: of the stretches to try, in frames; one at least.
        """
        tried = [self._of_length(frames) for frames in lengths]
        evidence = np.array([found for found, _ in tried])
        return [
            Stretch(int(tried[n][1][row]), lengths[n], float(evidence[n, row]))
            for row, n in enumerate(evidence.argmax(axis=0).tolist())
        ]

    def _of_length(self, frames: int) -> tuple[Doubles, NDArray[np.int64]]:
        """Return the most evidence in each passage and where it begins: both [passages]."""
        variance = self.variance[:, frames:] - self.variance[:, :-frames]
        both = self.both[:, frames:] - self.both[:, :-frames]
        evidence = both / np.sqrt(variance + _LITTLE * self.variance[:, -1:] + 1e-9)
        first = evidence.argmax(axis=1)
        return evidence[np.arange(len(first)), first], first


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
