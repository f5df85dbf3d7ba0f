"""The batch order: every batch is a pure function of (seed, corpus, its index)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# Share of training windows that begin out of silence, as every stream does when music is generated.
# Without them, silence is a state from which a model never learned a way out.
FROM_SILENCE = 0.1


@dataclass(frozen=True)
class Batch:
    """Windows of audio as codes.

    Attributes:
        codes: int32 [batch, context + window - 1], what the model hears.
        targets: int32 [batch, window], what it has to predict.
        weights: float32 [batch, window], 0 beyond the end of a chunk that is shorter than a window.
        index: its place in the batch order, if it has one.
    """

    codes: NDArray[np.int32]
    targets: NDArray[np.int32]
    weights: NDArray[np.float32]
    index: int | None = None


@dataclass(frozen=True)
class Windows:
    """Draws windows from chunks; every position of every chunk is equally likely.

    Args:
        pcm: int16 [chunks, samples], usually mapped from disk.
        rows: the chunks to draw from.
        lengths: samples of audio in each of `rows`.
        codebook: integer [65536], the code of each int16 at its bits read as uint16.
        silence: the code of zero.
        context: samples the model hears before the first it predicts.
        window: samples predicted.
        batch_size: windows in a batch.
        seed: of the whole order.
        from_silence: share of windows that hear silence in place of their past.
    """

    pcm: NDArray[np.int16]
    rows: NDArray[np.int64]
    lengths: NDArray[np.int64]
    codebook: NDArray[np.integer]
    silence: int
    context: int
    window: int
    batch_size: int
    seed: int
    from_silence: float = 0.0

    @cached_property
    def _positions(self) -> NDArray[np.int64]:
        """Where a window can begin in each chunk, counted."""
        return np.maximum(self.lengths - self.window, 0) + 1

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum(self._positions)

    def draw(self, index: int) -> list[tuple[int, int, bool]]:
        """Draw the windows of a batch, always the same for the same index.

        Returns:
            For each window its chunk (an index into `rows`), its first sample to predict, and
            whether it hears silence before that.
        """
        random = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, 0, index]))
        drawn = random.integers(self._ends[-1], size=self.batch_size)
        from_silence = random.random(self.batch_size) < self.from_silence
        chosen = np.searchsorted(self._ends, drawn, side="right")
        starts = drawn - (self._ends[chosen] - self._positions[chosen])
        return list(zip(chosen.tolist(), starts.tolist(), from_silence.tolist(), strict=True))

    def batch(self, index: int) -> Batch:
        """Return the batch of an index, always the same for the same index."""
        return self._batch(
            [
                self._window(chunk, start, begin=start if fresh else 0)
                for chunk, start, fresh in self.draw(index)
            ],
            index,
        )

    def sweep(self, firsts: NDArray[np.int64]) -> Iterator[Batch]:
        """Yield batches in which every sample of the chunks is predicted exactly once.

        Args:
            firsts: for each chunk, its first sample to predict; those before it (which the chunk
                before holds, too) are only heard.
        """
        places = [
            (chunk, start)
            for chunk, (first, length) in enumerate(zip(firsts, self.lengths, strict=True))
            for start in range(int(first), int(length), self.window)
        ]
        for index in range(0, len(places), self.batch_size):
            windows = [self._window(*place, begin=0) for place in places[index:][: self.batch_size]]
            idle = (np.zeros_like(windows[0][0]), np.zeros_like(windows[0][1]))
            yield self._batch(windows + [idle] * (self.batch_size - len(windows)))

    def _batch(
        self,
        windows: list[tuple[NDArray[np.int32], NDArray[np.float32]]],
        index: int | None = None,
    ) -> Batch:
        codes, weights = (np.stack(part) for part in zip(*windows, strict=True))
        return Batch(codes[:, :-1], codes[:, self.context :], weights, index)

    def _window(
        self, chunk: int, start: int, begin: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return codes and weights of the window at `start`; before `begin` there is silence."""
        end = min(start + self.window, int(self.lengths[chunk]))
        begin = max(start - self.context, begin)
        audio = self.pcm[self.rows[chunk], begin:end]
        codes = np.full(self.context + self.window, self.silence, dtype=np.int32)
        first = self.context - (start - begin)
        codes[first : first + len(audio)] = self.codebook[audio.view(np.uint16)]
        weights = np.zeros(self.window, dtype=np.float32)
        weights[: end - start] = 1.0
        return codes, weights
