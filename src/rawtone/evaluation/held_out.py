"""The held-out audio as a model hears it."""

from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class HeldOut:
    """The audio of a split, each sample once, as one model hears it.

    Args:
        chunks: of the corpus.
        split: which part.
        config: of the experiment, as published.
    """

    chunks: Chunks
    split: str
    config: dict[str, Any]

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
        return order(self.chunks, self.split, quantizer, model, sizes, labels=labels)

    @property
    def batches(self) -> Iterator[Batch]:
        """Batches in which every sample is predicted once."""
        yield from self.order.sweep(self.firsts)

    @property
    def firsts(self) -> NDArray[np.int64]:
        """Return the first sample of each chunk that the chunk before it does not hold, too."""
        rows = self.order.excerpts.rows
        tracks = [self.chunks.tracks[row] for row in rows]
        size, overlap = self.chunks.pcm.shape[1], self.chunks.overlap
        return first_unheard(tracks, self.chunks.starts[rows], size, overlap)

    @cached_property
    def codes(self) -> NDArray[np.int32]:
        """All samples of the split as codes, chunk after chunk.

        Returns:
            int32 [samples], of stereo audio [samples, channels].
        """
        batches = Windows(self.order.excerpts).sweep(self.firsts)  # walks go side by side
        return np.concatenate([batch.targets[batch.weights > 0] for batch in batches])
