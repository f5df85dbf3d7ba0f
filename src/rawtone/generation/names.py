"""How the files of clips are named."""

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

_LONGEST = 40


def stem(temperature: float | Mapping[float, float], seed: int, label: str | None = None) -> str:
    """Name a clip within the folder of its checkpoint.

    Args:
        temperature: with two digits where that is exact; of a schedule with their seconds.
        seed: of its stream.
        label: what stands for its label in names of files, if it has one.
    """
    if isinstance(temperature, Mapping):
        points = [f"{_digits(value)}-at-{second:g}" for second, value in temperature.items()]
        heat = _short("-to-".join(points))
    else:
        heat = _digits(temperature)
    return f"{label}-t{heat}-s{seed}" if label else f"t{heat}-s{seed}"


def _digits(temperature: float) -> str:
    short = f"{temperature:.2f}"
    return short if float(short) == temperature else repr(temperature)


def _short(name: str) -> str:
    """Keep long names apart where they are cut: a file's name has 255 bytes at most."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def in_words(points: Mapping[float, Any]) -> str:
    """Say what a schedule is, as in "1 at 0 s to 0.8 at 10 s"."""
    told = (value if isinstance(value, str) else f"{value:g}" for value in points.values())
    return " to ".join(f"{value} at {at:g} s" for at, value in zip(points, told, strict=True))


def of_labels(labels: Sequence[str]) -> list[str]:
    """Find what stands for labels in names of files.

    Labels are tags and folders of strangers, with any characters and of any length.

    Args:
        labels: all labels of a model.

    Returns:
        For each a name of its own, also where capitals do not count, of letters, digits and hyphens
        as far as the label has any.
    """
    names: list[str] = []
    for label in labels:
        plain = re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-")[:_LONGEST] or "label"
        numbered = (f"{plain}-{number}" for number in itertools.count(2))
        taken = {name.casefold() for name in names}
        names.append(
            next(n for n in itertools.chain([plain], numbered) if n.casefold() not in taken)
        )
    return names
