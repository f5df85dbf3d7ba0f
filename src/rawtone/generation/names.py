"""How the files of clips are named."""

import itertools
import re
from collections.abc import Sequence

_LONGEST = 40


def stem(temperature: float, seed: int, label: str | None = None) -> str:
    """Name a clip within the folder of its checkpoint.

    Args:
        temperature: with two digits where that is exact.
        seed: of its stream.
        label: what stands for its label in names of files, if it has one.
    """
    short = f"{temperature:.2f}"
    exact = short if float(short) == temperature else repr(temperature)
    return f"{label}-t{exact}-s{seed}" if label else f"t{exact}-s{seed}"


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
