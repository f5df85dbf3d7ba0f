"""Copies: the training passage most like a clip, and whether that is more than chance."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.pcm import Pcm
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.copies.index import Index, Match
from rawtone.evaluation.copies.limits import Limits

_HELD_OUT = ("validation", "test")
_HELD_OUT_AT_MOST = 64  # chunks, drawn by seed; more would take minutes and move no limit by much
_AS_GOOD = 0.9  # as the best copy: the earliest of these is told


@dataclass(frozen=True)
class Copy:
    """The training passage that a clip is most like.

    Attributes:
        track: of the corpus.
        from_seconds: where the passage begins in the track.
        at_seconds: where it begins in the clip.
        seconds: how long it is.
        likeness: 0 to 1, correlation of both without level and timbre; 1 is the same recording,
            with nothing else beside it.
        is_copy: whether they are more alike than held-out recordings are to training recordings.
    """

    track: str
    from_seconds: float
    at_seconds: float
    seconds: float
    likeness: float
    is_copy: bool

    def words(self, title: str) -> str:
        """Say it.

        Args:
            title: of the track.
        """
        kind = "a copy of" if self.is_copy else "not a copy; most like"
        figures = f"{self.seconds:.1f} s, likeness {self.likeness:.2f}"
        return f"{kind} {title} from {_clock(self.from_seconds)} on ({figures})"


@dataclass(frozen=True)
class Copies:
    """Knows the training recordings of a corpus, and looks for them in clips.

    Attributes:
        index: of the training split.
        limits: what the held-out splits reach.
    """

    index: Index
    limits: Limits

    @classmethod
    def of(cls, chunks: Chunks, seed: int) -> "Copies":
        """Take in the training split; look for it in the held-out chunks.

        Args:
            chunks: of the corpus.
            seed: draws the held-out chunks where there are many.
        """
        index = Index.of(chunks, chunks.rows("train"))
        return cls(index, Limits.of(_held_out(index, chunks, seed)))

    def find(self, clip: Pcm, sample_rate: int) -> Copy | None:
        """Find the training passage that a clip is most like.

        Args:
            clip: int16 [samples] or [samples, channels].
            sample_rate: samples a second.

        Returns:
            The passage, of copies that are as good the earliest; None if the clip is silent or
            shorter than a second, or the corpus has no training chunks.
        """
        matches = self.index.matches(clip, sample_rate)
        if not matches:
            return None
        above = [self.limits.above(match) for match in matches]
        most = max(above)
        least = _AS_GOOD * most if most > 1 else most
        good = [match for match, n in zip(matches, above, strict=True) if n >= least]
        chosen = min(good, key=lambda match: (match.order, match.from_seconds))
        return Copy(
            chosen.track,
            round(chosen.from_seconds, 3),
            round(chosen.at_seconds, 3),
            round(chosen.seconds, 3),
            round(chosen.likeness, 3),
            is_copy=most > 1,
        )


def _drawn(chunks: Chunks, seed: int) -> NDArray[np.int64]:
    rows = np.concatenate([chunks.rows(split) for split in _HELD_OUT])
    if len(rows) <= _HELD_OUT_AT_MOST:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, _HELD_OUT_AT_MOST, replace=False))


def _held_out(index: Index, chunks: Chunks, seed: int) -> Iterator[tuple[str, list[Match]]]:
    """Yield the track of each held-out chunk that was drawn, and its matches."""
    for row in _drawn(chunks, seed).tolist():
        audio = chunks.pcm[row, : chunks.lengths[row]]
        yield chunks.tracks[row], index.matches(audio, chunks.sample_rate)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02d}"
