"""What weights of fewer bits cost in bits per sample, on held-out audio."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rawtone.evaluation.held_out import HeldOut
from rawtone.training.batches import Batch, Place

LANES = 16
SAMPLES = 4000  # scored in each lane

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
    heard = excerpts(held_out)
    bits, full = (bits_per_sample(kernel(kept), heard, held_out) for kept in (precision, "float32"))
    return Cost(precision, held_out.split, bits, full, int(heard.weights.sum()))


def excerpts(held_out: HeldOut) -> Batch:
    """Take excerpts that lie evenly over a split, each after as much as the model can hear."""
    windows = held_out.of_size(LANES, SAMPLES).excerpts
    room = np.maximum(windows.lengths - SAMPLES, 0)
    chunks = np.linspace(0, len(room) - 1, LANES).round().astype(int)
    shares = np.linspace(0, 1, LANES)  # how far into its chunk an excerpt lies
    places = [
        Place(int(chunk), round(float(share) * int(room[chunk])))
        for chunk, share in zip(chunks, np.roll(shares, LANES // 2), strict=True)
    ]
    return windows.cut(list(dict.fromkeys(places)))


def bits_per_sample(kernel: Scoring, heard: Batch, held_out: HeldOut) -> float:
    """Return how many bits a kernel needs for a batch's targets.

    Args:
        kernel: that hears the batch side by side.
        heard: a batch of 16 windows.
        held_out: that it comes from.
    """
    context = heard.codes.shape[1] - heard.targets.shape[1] + held_out.order.excerpts.hop
    codes = np.concatenate([heard.codes[:, :context], heard.targets], axis=1)
    labels = np.eye(len(held_out.config.get("labels", ())), dtype=np.float32)
    told = labels[heard.labels] if len(labels) else np.zeros((len(codes), 0), np.float32)
    state = kernel.state(len(codes), told)
    scores = kernel.score(state, np.ascontiguousarray(codes.T))[context:].T
    weights = heard.weights.astype(np.float64)
    return float(-(scores * weights).sum() / weights.sum() / np.log(2))
