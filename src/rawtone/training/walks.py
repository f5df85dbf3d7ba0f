"""The batch order of families that carry state: each lane walks through chunks from end to end.

As with windows drawn at random, every batch is a pure function of (seed, corpus, its index). Chunks
come in an order that is shuffled anew for every pass over the corpus, so many side by side as a
batch has windows. When all have been walked through, the next ones begin, with nothing carried.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from rawtone.training.batches import Batch, Excerpts, Place


@dataclass(frozen=True)
class Walks:
    """Walks through chunks, window by window.

    Args:
        excerpts: what to walk through.
    """

    excerpts: Excerpts

    @cached_property
    def _windows(self) -> int:
        """Windows to a walk, enough for the longest chunk."""
        return -(-int(self.excerpts.lengths.max()) // self.excerpts.window)

    def draw(self, index: int) -> list[Place]:
        """Return where the windows of a batch lie, always the same for the same index."""
        walk, window = divmod(index, self._windows)
        first = walk * self.excerpts.batch_size
        return self._at(range(first, first + self.excerpts.batch_size), window)

    def _at(self, turns: range, window: int) -> list[Place]:
        start = window * self.excerpts.window
        return [Place(self._chunk(turn), start, fresh=window == 0) for turn in turns]

    def _chunk(self, turn: int) -> int:
        count = len(self.excerpts.rows)
        epoch, place = divmod(turn, count)
        return int(_order(self.excerpts.seed, epoch, count)[place])

    def batch(self, index: int) -> Batch:
        """Return the batch of an index, always the same for the same index."""
        return self.excerpts.cut(self.draw(index), index)

    def turns(self, firsts: NDArray[np.int64]) -> Iterator[list[Place]]:
        """Yield windows in which every sample is predicted exactly once, those of a batch together.

        Args:
            firsts: for each chunk, its first sample that counts; those before it (which the chunk
                before holds, too) are only heard.
        """
        size, window = self.excerpts.batch_size, self.excerpts.window
        for group in range(0, len(self.excerpts.rows), size):
            chunks = range(group, min(group + size, len(self.excerpts.rows)))
            for start in range(0, int(self.excerpts.lengths[list(chunks)].max()), window):
                yield [
                    Place(chunk, start, scored=int(firsts[chunk]), fresh=start == 0)
                    for chunk in chunks
                ]

    def sweep(self, firsts: NDArray[np.int64]) -> Iterator[Batch]:
        """Yield the windows of `turns` in batches.

        Args:
            firsts: for each chunk, its first sample that counts.
        """
        yield from map(self.excerpts.cut, self.turns(firsts))


@lru_cache(maxsize=2)  # a batch may lie across the end of one pass
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    random = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, epoch]))
    return random.permutation(count)
