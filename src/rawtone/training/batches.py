"""The batch order: every batch is a pure function of (seed, corpus, its index)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

# Share of training windows that begin out of silence, as every stream does when music is generated.
# Without them, silence is a state from which a model never learned a way out.
FROM_SILENCE = 0.1


class Place(NamedTuple):
    """Where a window lies.

    Attributes:
        chunk: an index into the rows.
        start: its first sample to predict.
        begin: its first sample that is heard; before it there is silence.
        scored: its first sample that counts.
        fresh: whether nothing is carried into it.
    """

    chunk: int
    start: int
    begin: int = 0
    scored: int = 0
    fresh: bool = True


@dataclass(frozen=True)
class Batch:
    """Windows of audio as codes; of stereo audio the codes have one axis more, of channels.

    Attributes:
        codes: int32 [batch, context + window - hop], what the model hears.
        targets: int32 [batch, window], what it has to predict.
        weights: float32 [batch, window], 0 beyond the end of a chunk that is shorter than a window.
        labels: int32 [batch], the label of each window's chunk.
        fresh: bool [batch], whether nothing is carried into a window from the batch before.
        index: its place in the batch order, if it has one.
    """

    codes: NDArray[np.int32]
    targets: NDArray[np.int32]
    weights: NDArray[np.float32]
    labels: NDArray[np.int32]
    fresh: NDArray[np.bool_]
    index: int | None = None


@dataclass(frozen=True)
class Excerpts:
    """Chunks as codes, and the size of what is cut from them.

    Attributes:
        pcm: int16 [chunks, samples] or [chunks, samples, channels], usually mapped from disk.
        rows: the chunks to draw from.
        lengths: samples of audio in each of `rows`.
        labels: int32, the label of each of `rows`.
        codebook: integer [65536], the code of each int16 at its bits read as uint16.
        silence: the code of zero.
        context: samples the model hears before the first it predicts.
        hop: samples that it predicts at once.
        window: samples predicted.
        batch_size: windows in a batch.
        seed: of the whole order.
    """

    pcm: NDArray[np.int16]
    rows: NDArray[np.int64]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int32]
    codebook: NDArray[np.integer]
    silence: int
    context: int
    hop: int
    window: int
    batch_size: int
    seed: int

    def only(self, chosen: NDArray[np.int64]) -> Self:
        """Return the same without some of the chunks.

        Args:
            chosen: indices of those that stay.
        """
        kept = {name: getattr(self, name)[chosen] for name in ("rows", "lengths", "labels")}
        return replace(self, **kept)

    def cut(self, places: Sequence[Place], index: int | None = None) -> Batch:
        """Return a batch of windows.

        Args:
            places: of as many windows as a batch has, or fewer; the rest weighs nothing.
            index: of the batch.
        """
        shape = (self.batch_size, self.context + self.window, *self.pcm.shape[2:])
        codes = np.full(shape, self.silence, dtype=np.int32)
        weights = np.zeros((self.batch_size, self.window), dtype=np.float32)
        labels, fresh = np.zeros(self.batch_size, np.int32), np.ones(self.batch_size, np.bool_)
        for lane, place in enumerate(places):
            self._fill(place, codes[lane], weights[lane])
            labels[lane], fresh[lane] = self.labels[place.chunk], place.fresh
        heard, targets = codes[:, : shape[1] - self.hop], codes[:, self.context :]
        return Batch(heard, targets, weights, labels, fresh, index)

    def _fill(self, place: Place, codes: NDArray[np.int32], weights: NDArray[np.float32]) -> None:
        end = min(place.start + self.window, int(self.lengths[place.chunk]))
        begin = max(place.start - self.context, place.begin)
        audio = self.pcm[self.rows[place.chunk], begin : max(end, begin)]
        first = self.context - (place.start - begin)
        codes[first : first + len(audio)] = self.codebook[audio.view(np.uint16)]
        weights[max(place.scored - place.start, 0) : max(end - place.start, 0)] = 1.0


@dataclass(frozen=True)
class Windows:
    """Draws windows from chunks; every position of every chunk is equally likely.

    Args:
        excerpts: what to draw from.
        from_silence: share of windows that hear silence in place of their past.
    """

    excerpts: Excerpts
    from_silence: float = 0.0

    @cached_property
    def _positions(self) -> NDArray[np.int64]:
        """Where a window can begin in each chunk, counted."""
        return np.maximum(self.excerpts.lengths - self.excerpts.window, 0) + 1

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum(self._positions)

    def draw(self, index: int) -> list[Place]:
        """Draw the windows of a batch, always the same for the same index."""
        size, seed = self.excerpts.batch_size, self.excerpts.seed
        random = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, index]))
        drawn = random.integers(self._ends[-1], size=size)
        from_silence = random.random(size) < self.from_silence
        chosen = np.searchsorted(self._ends, drawn, side="right")
        starts = drawn - (self._ends[chosen] - self._positions[chosen])
        found = zip(chosen.tolist(), starts.tolist(), from_silence.tolist(), strict=True)
        return [Place(chunk, start, start if silent else 0) for chunk, start, silent in found]

    def batch(self, index: int) -> Batch:
        """Return the batch of an index, always the same for the same index."""
        return self.excerpts.cut(self.draw(index), index)

    def places(self, firsts: NDArray[np.int64]) -> list[Place]:
        """Return windows in which every sample of the chunks is predicted exactly once.

        Args:
            firsts: for each chunk, its first sample to predict; those before it (which the chunk
                before holds, too) are only heard.
        """
        return [
            Place(chunk, start)
            for chunk, (first, length) in enumerate(zip(firsts, self.excerpts.lengths, strict=True))
            for start in range(int(first), int(length), self.excerpts.window)
        ]

    def turns(self, firsts: NDArray[np.int64]) -> Iterator[list[Place]]:
        """Yield the windows of `places`, those of a batch together.

        Args:
            firsts: for each chunk, its first sample to predict.
        """
        places, size = self.places(firsts), self.excerpts.batch_size
        for index in range(0, len(places), size):
            yield places[index : index + size]

    def sweep(self, firsts: NDArray[np.int64]) -> Iterator[Batch]:
        """Yield the windows of `places` in batches.

        Args:
            firsts: for each chunk, its first sample to predict.
        """
        yield from map(self.excerpts.cut, self.turns(firsts))
