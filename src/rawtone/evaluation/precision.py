"""What weights of fewer bits cost in bits per sample, on held-out audio."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rawtone.evaluation.bits import loss_per_sample
from rawtone.evaluation.held_out import HeldOut
from rawtone.training.batches import Batch, Windows

LANES = 16
SAMPLES = 4000  # of an excerpt, at most
BATCHES = 2  # of 16 excerpts, at most

_WORDS = {"bfloat16": "16-bit", "int8": "8-bit"}


class Scoring(Protocol):
    """A family's kernel, of which only this is needed."""

    def state(self, lanes: int, labels: NDArray[np.float32]) -> list[NDArray[Any]]:
        """Return what streams have heard after endless silence."""
        ...

    def score(self, state: list[NDArray[Any]], codes: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the logarithms of the probabilities of codes [n, lanes]."""
        ...


@dataclass(frozen=True)
class Cost:
    """How much worse a model predicts with weights of fewer bits.

    Attributes:
        precision: of the weights, bfloat16 or int8.
        split: of the corpus that was heard.
        bits: a sample.
        float32_bits: a sample, of the same samples.
        samples: that were scored.
    """

    precision: str
    split: str
    bits: float
    float32_bits: float
    samples: int

    @property
    def words(self) -> str:
        """Say it in a line."""
        return (
            f"{_WORDS[self.precision]} weights cost {self.bits - self.float32_bits:.4f} bits a "
            f"sample on {self.split} ({self.bits:.4f} against {self.float32_bits:.4f})"
        )


def cost(kernel: Callable[[Any], Scoring], precision: str, held_out: HeldOut) -> Cost:
    """Measure what a precision costs, on excerpts from all over a split.

    Args:
        kernel: makes a family's kernel, given the precision of its weights.
        precision: bfloat16 or int8.
        held_out: what is heard.
    """
    heard = list(_excerpts(held_out))
    labels = len(held_out.config.get("labels", ()))
    bits, full = (
        loss_per_sample(heard, partial(_bits, kernel(kept), labels))
        for kept in (precision, "float32")
    )
    samples = int(sum(batch.weights.sum() for batch in heard))
    return Cost(precision, held_out.split, bits, full, samples)


def _excerpts(held_out: HeldOut) -> Iterator[Batch]:
    """Yield all of a split if it is short, or excerpts that lie evenly over it."""
    excerpts = held_out.of_size(LANES, SAMPLES).excerpts
    # what is carried from before a window is not at hand: it is heard instead
    windows = Windows(replace(excerpts, context=max(excerpts.context, excerpts.window)))
    places = windows.places(held_out.firsts)
    count = min(len(places), LANES * BATCHES)
    chosen = [places[index * len(places) // count] for index in range(count)]
    for start in range(0, count, LANES):
        yield windows.excerpts.cut(chosen[start : start + LANES])


def _bits(kernel: Scoring, labels: int, batch: Batch) -> float:
    """Return how many bits a kernel needs for all samples of a batch that count."""
    told = np.zeros((LANES, labels), np.float32)
    if labels:
        told[np.arange(LANES), batch.labels] = 1
    heard = np.concatenate([batch.codes, batch.targets[:, -1:]], axis=1)
    scores = kernel.score(kernel.state(LANES, told), np.ascontiguousarray(heard.T))
    counted = scores[-batch.targets.shape[1] :].T[batch.weights > 0]
    return float(-counted.sum() / np.log(2))
