"""Checkpoints: the complete state of a run at a step, whole on disk or not there.

A checkpoint is a folder. It is written beside its place, flushed, given a manifest of checksums and
renamed. Loading takes the newest that verifies.
"""

import json
import logging
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawtone.errors import UserError
from rawtone.files import atomic, sha256, write_json

Arrays = dict[str, NDArray[Any]]
KEPT_STATES = 2
_log = logging.getLogger("rawtone")


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write named arrays as an .npz file whose bytes depend on nothing but them."""
    with atomic(path) as temporary:
        np.savez(temporary, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})


def read_arrays(path: Path) -> Arrays:
    """Read named arrays of an .npz file.

    Raises:
        UserError: the file is not there, or is not whole.
    """
    try:
        # numpy leaves a file open that it cannot read
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: cannot be read as weights ({error})") from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def step_of(place: Path) -> int:
    """Return the step that a checkpoint's folder or a file of weights is named after."""
    return int(place.stem.removeprefix("step-"))


def save(folder: Path, step: int, arrays: Arrays, facts: dict[str, Any]) -> None:
    """Save a checkpoint, in place of one of the same step.

    Args:
        folder: of all checkpoints of the run.
        step: updates done so far.
        arrays: every array of the state.
        facts: what else belongs to the state, JSON only.
    """
    place = folder / f"step-{step:08d}"
    temporary, old = (folder / f".{place.name}.{kind}" for kind in ("new", "old"))
    temporary.mkdir(parents=True)
    try:
        write_arrays(temporary / "state.npz", arrays)
        write_json(temporary / "facts.json", facts)
        sums = {name: sha256(temporary / name) for name in ("facts.json", "state.npz")}
        write_json(temporary / "manifest.json", {"step": step, "sha256": sums})
        _sync_folder(temporary)
        if place.exists():
            place.rename(old)
        temporary.rename(place)
        _sync_folder(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def tidy(folder: Path) -> None:
    """Remove what a killed process left half-written; only for who holds the run's lock."""
    for old in folder.glob(".step-*.old"):
        place = folder / old.name.removeprefix(".").removesuffix(".old")
        if not place.exists():
            old.rename(place)
    for leftover in folder.glob(".step-*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def prune(folder: Path, step: int, every: int) -> None:
    """Remove the states that nobody will go back to.

    Args:
        folder: of all checkpoints of the run.
        step: updates done so far; what claims to be newer is left alone.
        every: the newest state at a multiple of this stays, as one to roll back to, beside the
            last `KEPT_STATES`.
    """
    places = sorted(place for place in folder.glob("step-*") if step_of(place) <= step)
    anchors = [place for place in places if step_of(place) % every == 0]
    for place in set(places) - {*places[-KEPT_STATES:], *anchors[-1:]}:
        shutil.rmtree(place)


def _damage(place: Path) -> str:
    """Return what is wrong with a checkpoint, or nothing."""
    try:
        sums = json.loads((place / "manifest.json").read_text())["sha256"]
        wrong = [name for name, expected in sums.items() if sha256(place / name) != expected]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"no good manifest ({error})"
    return f"{wrong[0]} is not what its checksum says" if wrong else ""


def newest(folder: Path) -> tuple[Path | None, list[str]]:
    """Find the newest checkpoint that verifies.

    Args:
        folder: of all checkpoints of the run.

    Returns:
        Its folder, None if there never was a checkpoint; and a line for each that was passed over,
        with the reason.

    Raises:
        UserError: there are checkpoints, and none of them is whole.
    """
    places = sorted(folder.glob("step-*"), reverse=True)
    passed: list[str] = []
    for place in places:
        damage = _damage(place)
        if not damage:
            return place, passed
        passed.append(f"checkpoint {place} passed over: {damage}")
        _log.warning("%s", passed[-1])
    if places:
        raise UserError(
            f"{folder}: none of its {len(places)} checkpoints is whole; nothing was deleted. "
            "Restore one from a backup, or move the folder away to train anew"
        )
    return None, passed


def read(place: Path) -> tuple[int, Arrays, dict[str, Any]]:
    """Return step, arrays and facts of a checkpoint as they were saved."""
    return step_of(place), read_arrays(place / "state.npz"), read_facts(place)


def read_facts(place: Path) -> dict[str, Any]:
    """Return the facts of a checkpoint as they were saved."""
    facts: dict[str, Any] = json.loads((place / "facts.json").read_text())
    return facts
