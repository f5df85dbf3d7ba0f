"""Streams: clips while they are made. All that decides one is a function of a sample's index."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Stream:
    """What decides a clip, besides the checkpoint and its prime.

    A schedule is points (second, value): linear between them, constant before the first and after
    the last.

    Attributes:
        seed: of its random numbers.
        temperature: 1 is what was learned; 0 takes the likeliest. Or a schedule.
        label: the number of its label, for models that are told one. Or a schedule, along which one
            label becomes another.
        top_p: the share of probability that the likeliest codes need to have; others are not drawn.
    """

    seed: int
    temperature: float | tuple[tuple[float, float], ...]
    label: int | tuple[tuple[float, int], ...] = 0
    top_p: float = 1.0


def temperatures(streams: Sequence[Stream], begin: int, count: int, sample_rate: int) -> Floats:
    """Return the temperature of every sample.

    Args:
        streams: one for each lane.
        begin: index of the first sample.
        count: how many.
        sample_rate: samples a second.

    Returns:
        float32 [count, lanes].
    """
    seconds = np.arange(begin, begin + count) / sample_rate
    lanes = [_along(seconds, stream.temperature) for stream in streams]
    return np.stack(lanes, axis=-1).astype(np.float32)


def _along(
    seconds: NDArray[np.float64], value: float | tuple[tuple[float, float], ...]
) -> NDArray[np.float64]:
    points = value if isinstance(value, tuple) else ((0.0, value),)
    times, values = ([float(point[axis]) for point in points] for axis in (0, 1))
    return np.asarray(np.interp(seconds, times, values))


def top_p(streams: Sequence[Stream]) -> Floats:
    """Return top-p of every lane, float32 [lanes]."""
    return np.array([stream.top_p for stream in streams], dtype=np.float32)


def labels(streams: Sequence[Stream], begin: int, sample_rate: int, number: int) -> Floats:
    """Return how much of each label the streams are told.

    Args:
        streams: one for each lane.
        begin: index of the sample at which they are told it.
        sample_rate: samples a second.
        number: of labels that there are.

    Returns:
        float32 [lanes, number]; each lane's sum is 1, where there are labels.
    """
    shares = np.zeros((len(streams), number), np.float32)
    for lane, stream in enumerate(streams if number else ()):
        shares[lane] = _shares(stream.label, begin / sample_rate, number)
    return shares


def _shares(
    label: int | tuple[tuple[float, int], ...], second: float, number: int
) -> NDArray[np.float64]:
    points = label if isinstance(label, tuple) else ((0.0, label),)
    every = np.eye(number)[[of for _, of in points]]
    times = [at for at, _ in points]
    return np.array([np.interp(second, times, share) for share in every.T])
