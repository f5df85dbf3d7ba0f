"""The clips that are asked for: all labels, temperatures and seeds, as streams."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rawtone.errors import UserError, nearest
from rawtone.generation import names
from rawtone.generation.streams import Stream
from rawtone.sampling_settings import Sampling


@dataclass(frozen=True)
class Clip:
    """A clip that is asked for.

    Attributes:
        stream: that it is made of.
        stem: its name within the folder of its checkpoint.
        told: what clips.json says of it.
    """

    stream: Stream
    stem: str
    told: dict[str, Any]


def grid(sampling: Sampling, labels: Sequence[str]) -> list[Clip]:
    """Return the clips of a checkpoint.

    Args:
        sampling: what is asked for.
        labels: of the model, by number; none where it is not told any.

    Raises:
        UserError: the model has no such label.
    """
    chosen: list[Any] = [None]
    if labels:
        chosen = list(labels) if sampling.labels == "all" else list(sampling.labels)
    numbers = [number_of(label, labels) for label in chosen]
    told = [_in_words(label) for label in chosen]
    morphs = [words for words, number in zip(told, numbers, strict=True) if _varies(number)]
    files = dict(zip([*labels, *morphs], names.of_labels([*labels, *morphs]), strict=True))
    axes = zip(chosen, numbers, told, strict=True)
    return [
        Clip(
            Stream(seed, along(temperature), number, sampling.top_p),
            names.stem(temperature, seed, files.get(words)),
            _told(label, "label") | _told(temperature, "temperature") | {"seed": seed},
        )
        for (label, number, words), temperature, seed in itertools.product(
            axes, sampling.temperatures, sampling.seeds
        )
    ]


def along(temperature: float | Mapping[float, float]) -> float | tuple[tuple[float, float], ...]:
    """Return a temperature, or a schedule of some, as streams have it."""
    return tuple(temperature.items()) if isinstance(temperature, Mapping) else temperature


def number_of(
    label: str | Mapping[float, str] | None, labels: Sequence[str], where: str = "sampling.labels"
) -> int | tuple[tuple[float, int], ...]:
    """Return the number of a label, or a schedule of some.

    Args:
        label: None where the model is not told any.
        labels: of the model, by number.
        where: what to mend if there is no such label.

    Raises:
        UserError: the model has no such label.
    """
    if isinstance(label, Mapping):
        return tuple((at, _number(each, labels, where)) for at, each in label.items())
    return 0 if label is None else _number(label, labels, where)


def _number(label: str, labels: Sequence[str], where: str) -> int:
    if label not in labels:
        raise UserError(
            f"{where}: the model has learned no label '{label}'; "
            f"{nearest(label, list(labels))} It has: {', '.join(labels)}"
        )
    return list(labels).index(label)


def _varies(value: Any) -> bool:
    return isinstance(value, Mapping | tuple)


def _in_words(value: Any) -> Any:
    return names.in_words(value) if _varies(value) else value


def _told(value: Any, key: str) -> dict[str, Any]:
    """Say what a value is; of a schedule, in words and by its points."""
    if value is None:
        return {}
    points = {f"{key}_schedule": dict(value)} if _varies(value) else {}
    return {key: _in_words(value)} | points
