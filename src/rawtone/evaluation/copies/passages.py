"""The training recordings, laid one after another on a single time line."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.pcm import Pcm
from rawtone.corpus.chunks import Chunks


@dataclass(frozen=True)
class Passage:
    """A stretch of a track that chunks cover without a break.

    Attributes:
        track: its id.
        start: first sample within the track.
        rows: the chunks, in order.
        heads: samples of each chunk that the chunks before it hold already.
    """

    track: str
    start: int
    rows: tuple[int, ...]
    heads: tuple[int, ...]

    def audio(self, chunks: Chunks) -> Pcm:
        """Return int16 [samples] or [samples, channels]."""
        parts = [
            chunks.pcm[row, head : chunks.lengths[row]]
            for row, head in zip(self.rows, self.heads, strict=True)
        ]
        return np.concatenate(parts)


def passages(chunks: Chunks, rows: NDArray[np.int64], longest: int) -> Iterator[Passage]:
    """Put chunks together to the stretches of tracks that they were cut from.

    Args:
        chunks: of a corpus.
        rows: of the chunks to take; those of a track ascending by start.
        longest: samples after which a new passage begins, so that memory is bounded.

    Yields:
        Passages in the order of `rows`.
    """
    for track, of_track in groupby(rows.tolist(), key=lambda row: chunks.tracks[row]):
        taken: list[tuple[int, int]] = []
        start = stop = 0
        for row in of_track:
            first, beyond = int(chunks.starts[row]), int(chunks.starts[row] + chunks.lengths[row])
            if taken and (first > stop or stop - start > longest):
                yield _passage(track, start, taken)
                taken = []
            if not taken:
                start = stop = max(first, stop)
            taken.append((row, stop - first))
            stop = max(stop, beyond)
        yield _passage(track, start, taken)


def _passage(track: str, start: int, taken: list[tuple[int, int]]) -> Passage:
    rows, heads = zip(*taken, strict=True)
    return Passage(track, start, rows, heads)


@dataclass(frozen=True)
class Line:
    """Where passages lie on the time line.

    Attributes:
        tracks: of each passage.
        seconds: float64 [passages], where each begins in its track.
        frames: int64 [passages, 2], first frame of each on the line, and the one after its last.
    """

    tracks: tuple[str, ...]
    seconds: NDArray[np.float64]
    frames: NDArray[np.int64]

    def passage(self, first: int, stop: int) -> int:
        """Return the passage that most of a stretch of the line lies in.

        Args:
            first: frame of the stretch.
            stop: the frame after its last.
        """
        shared = np.minimum(self.frames[:, 1], stop) - np.maximum(self.frames[:, 0], first)
        return int(shared.argmax())
