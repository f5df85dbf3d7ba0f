"""The held-out audio as a model hears it, and as much of what it learned from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawtone import model_settings
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.bits import first_unheard
from rawtone.settings import Quantizer
from rawtone.training.batches import Batch, Windows
from rawtone.training.order import Order, order

_WINDOW, _BATCH = 8192, 4
_SEED = 0  # of its own, so that all experiments on a corpus are scored on the same chunks


@dataclass(frozen=True)
class HeldOut:
    """The audio of a split, each sample once, as one model hears it.

    Args:
        chunks: of the corpus.
        split: which part.
        config: of the experiment, as published.
        most: samples. Of a longer split, chunks are drawn until there are so many: always the same.
    """

    chunks: Chunks
    split: str
    config: dict[str, Any]
    most: int | None = None

    @cached_property
    def order(self) -> Order:
        """Batches over the split's chunks, as the family hears them."""
        return self.of_size(_BATCH, _WINDOW)

    def of_size(self, batch: int, window: int) -> Order:
        """Return batches of another size.

        Args:
            batch: windows in each.
            window: samples predicted in each window, at most; the family may need a bit less.
        """
        model = model_settings.model(self.config["model"])
        quantizer = Quantizer(**self.config["quantizer"])
        labels = tuple(self.config.get("labels", ()))
        sizes = (batch, window - window % model.stride)
        whole = order(self.chunks, self.split, quantizer, model, sizes, labels=labels)
        return replace(whole, excerpts=whole.excerpts.only(self._drawn))

    @property
    def batches(self) -> Iterator[Batch]:
        """Batches in which every sample is predicted once."""
        yield from self.order.sweep(self.firsts)

    @property
    def by_track(self) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        """The same batches, each with the track of every window: int64, places in `tracks`."""
        names = {track: place for place, track in enumerate(self.tracks)}
        rows = self.order.excerpts.rows
        track_of = np.array([names[self.chunks.tracks[row]] for row in rows])
        for places in self.order.turns(self.firsts):
            yield track_of[[place.chunk for place in places]], self.order.excerpts.cut(places)

    @cached_property
    def tracks(self) -> tuple[str, ...]:
        """The tracks that are heard, sorted."""
        return tuple(sorted({self.chunks.tracks[row] for row in self.order.excerpts.rows}))

    @property
    def samples(self) -> int:
        """How many samples are predicted."""
        return int((self.order.excerpts.lengths - self.firsts).sum())

    @property
    def firsts(self) -> NDArray[np.int64]:
        """Return the first sample of each chunk that the chunk before it does not hold, too.

        Of drawn chunks, too, wherever the chunk before them was kept: so that each is scored after
        as much as it would be among all.
        """
        return self._all_firsts[self._drawn]

    @cached_property
    def _all_firsts(self) -> NDArray[np.int64]:
        rows = self.chunks.rows(self.split)
        tracks = [self.chunks.tracks[row] for row in rows]
        size, overlap = self.chunks.pcm.shape[1], self.chunks.overlap
        return first_unheard(tracks, self.chunks.starts[rows], size, overlap)

    @cached_property
    def _drawn(self) -> NDArray[np.int64]:
        """Which of the split's chunks are heard, ascending."""
        samples = self.chunks.lengths[self.chunks.rows(self.split)] - self._all_firsts
        if self.most is None or samples.sum() <= self.most:
            return np.arange(len(samples))
        drawn = np.random.Generator(np.random.Philox(key=_SEED)).permutation(len(samples))
        enough = int(np.searchsorted(np.cumsum(samples[drawn]), self.most)) + 1
        return np.sort(drawn[:enough])

    @cached_property
    def codes(self) -> NDArray[np.int32]:
        """All samples of the split as codes, chunk after chunk.

        Returns:
            int32 [samples], of stereo audio [samples, channels].
        """
        batches = Windows(self.order.excerpts).sweep(self.firsts)  # walks go side by side
        return np.concatenate([batch.targets[batch.weights > 0] for batch in batches])
