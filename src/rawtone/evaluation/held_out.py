"""The held-out audio as a model hears it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawtone.audio import quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.bits import first_unheard
from rawtone.settings import Quantizer, WaveNet
from rawtone.training.batches import Batch, Windows

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
    def windows(self) -> Windows:
        """Windows over the split's chunks, with the model's context."""
        quantizer = Quantizer(**self.config["quantizer"])
        codec = quantizers.make(quantizer.kind, quantizer.levels)
        rows = self.chunks.rows(self.split)
        context = WaveNet(**self.config["model"]).receptive_field
        lengths = self.chunks.lengths[rows]
        return Windows(
            *(self.chunks.pcm, rows, lengths, codec.table(), int(codec.silence)),
            *(context, _WINDOW, _BATCH, 0),
        )

    @property
    def batches(self) -> Iterator[Batch]:
        """Batches in which every sample is predicted once."""
        rows = self.windows.rows
        tracks = [self.chunks.tracks[row] for row in rows]
        size, overlap = self.chunks.pcm.shape[1], self.chunks.overlap
        starts = self.chunks.starts[rows]
        yield from self.windows.sweep(first_unheard(tracks, starts, size, overlap))

    @cached_property
    def codes(self) -> NDArray[np.int32]:
        """All samples of the split as codes, int32 [samples]."""
        return np.concatenate([batch.targets[batch.weights > 0] for batch in self.batches])
