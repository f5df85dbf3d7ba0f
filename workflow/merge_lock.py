"""Merge two people's dvc.lock, stage by stage; git calls this once `make setup` has registered it.

Text merging fails there: stages of two experiments stand side by side, and hashes cannot be chosen
line by line. Stage by stage no choice can be wrong. An entry that fits the files says that there is
nothing to do, and one that does not is made again by the next `snakemake` or `dvc repro`.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

Stages = dict[str, Any]


def merged(base: Stages, ours: Stages, theirs: Stages) -> Stages:
    """Return the entries of both sides; where both changed one, ours.

    Args:
        base: stages of the common ancestor, by name.
        ours: those of the branch that is merged into.
        theirs: those of the other branch.

    Returns:
        Stages in our order, theirs after them. One that a side removed is gone unless the other
        changed it.
    """
    chosen = {name: _choose(name, base, ours, theirs) for name in (*ours, *theirs)}
    return {name: entry for name, entry in chosen.items() if entry is not None}


def _choose(name: str, base: Stages, ours: Stages, theirs: Stages) -> Any:
    before, mine, other = (side.get(name) for side in (base, ours, theirs))
    if mine == before:
        return other
    return mine if mine is not None or other == before else other


def _read(path: str) -> dict[str, Any]:
    return yaml.safe_load(Path(path).read_text()) or {}


def main(base: str, ours: str, theirs: str) -> None:
    """Merge as git asks for it: the result replaces `ours`."""
    sides = [_read(path) for path in (base, ours, theirs)]
    stages = merged(*(side.get("stages", {}) for side in sides))
    text = yaml.safe_dump({**sides[2], **sides[1], "stages": stages}, sort_keys=False)
    Path(ours).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:4])
