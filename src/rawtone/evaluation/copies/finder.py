"""Copies: the training passage most like a clip, and whether that is more than chance."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.pcm import Pcm
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.copies.index import Index, Match
from rawtone.evaluation.copies.limits import Limits, limit

_HELD_OUT = ("validation", "test")
_HELD_OUT_AT_MOST = 64  # chunks, drawn by seed; more would take minutes and move no limit by much
_AS_GOOD = 0.95  # of the best match's evidence: the earliest of these is told


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
        return cls(index, _limits(index, chunks, _drawn(chunks, seed)))

    def find(self, clip: Pcm, sample_rate: int) -> Copy | None:
        """Find the training passage that a clip is most like.

        Args:
            clip: int16 [samples] or [samples, channels].
            sample_rate: samples a second.

        Returns:
            The passage, the earliest of those that are as good; None if the clip is silent or
            shorter than a second, or the corpus has no training chunks.
        """
        matches = self.index.matches(clip, sample_rate)
        if not matches:
            return None
        above = [match.evidence / self.limits.of(match.track) for match in matches]
        good = [m for m, n in zip(matches, above, strict=True) if n >= _AS_GOOD * max(above)]
        chosen = min(good, key=lambda match: (match.order, match.from_seconds))
        return Copy(
            chosen.track,
            chosen.from_seconds,
            chosen.at_seconds,
            chosen.seconds,
            chosen.likeness,
            chosen.evidence > self.limits.of(chosen.track),
        )


def _drawn(chunks: Chunks, seed: int) -> NDArray[np.int64]:
    rows = np.concatenate([chunks.rows(split) for split in _HELD_OUT])
    if len(rows) <= _HELD_OUT_AT_MOST:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, _HELD_OUT_AT_MOST, replace=False))


def _limits(index: Index, chunks: Chunks, rows: NDArray[np.int64]) -> Limits:
    others: list[float] = []
    own: dict[str, list[float]] = defaultdict(list)
    for row in rows.tolist():
        track = chunks.tracks[row]
        matches = index.matches(chunks.pcm[row, : chunks.lengths[row]], chunks.sample_rate)
        with_own = [match for match in matches if match.track == track]
        with_others = [match for match in matches if match.track != track]
        own[track] += _most(with_own)
        others += _most(with_others)
    return Limits(limit(others), {track: limit(found) for track, found in own.items() if found})


def _most(matches: list[Match]) -> list[float]:
    return [max(match.evidence for match in matches)] if matches else []


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02d}"
