"""Carry unfinished runs to a folder that outlives this machine, and bring them back.

A borrowed machine goes without a word, and `runs/` with it. So while training goes on, copies of
the runs are made in a folder elsewhere: a mounted cloud drive, a network disk.

    <kept>/<key>/files/<sha256>         each content once, whole or not there
    <kept>/<key>/copies/00000007.json   which file of the run has which content; written last

A copy is the run as it was at one moment, so bringing it back is like going on after a kill at that
moment. Whatever cuts a copy off leaves the ones before as they were. Drives upload late and in any
order; that is why some older copies stay, and why every checksum is verified on the way back.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rawtone.errors import UserError
from rawtone.files import atomic, sha256, write_json
from rawtone.training.lock import exclusive

KEPT_COPIES = 3
_TRIES = 20
_GROWING = ("train.log", "tensorboard")  # appended to; all else is renamed into place, once
_Listing = dict[str, dict[str, Any]]  # by path inside the run: sha256, size, mtime_ns


def has_states(run: Path) -> bool:
    """Tell whether a run has anything to go on from."""
    return any((run / "checkpoints").glob("step-*"))


def has_copies(kept: Path, key: str) -> bool:
    """Tell whether there are copies of a run."""
    return bool(_copies(kept / key))


def carry(runs: Path, kept: Path) -> list[str]:
    """Copy every run that has new states since its last copy. Training may go on meanwhile.

    Args:
        runs: the folder of all runs.
        kept: the folder of all copies; the folder that it is in must be there, so that a drive
            that is not mounted any more is not taken for an empty one.

    Returns:
        What was copied, a line for each run.

    Raises:
        OSError: the folder is not there, or is full; the copies before are untouched.
    """
    kept.mkdir(exist_ok=True)
    found = sorted(run for run in runs.glob("[!.]*") if has_states(run))
    return [line for run in found if (line := _carry(run, kept / run.name))]


def _carry(run: Path, place: Path) -> str:
    number, last = _last_copy(place)
    with _held(run) as held:
        listing = {name: _entry(held / name, last.get(name)) for name in _names(held)}
        if _standing(listing) == _standing(last):
            return ""
        proven = {entry["sha256"] for entry in last.values()}
        for name, entry in listing.items():
            _put(held / name, place / "files" / entry["sha256"], entry["sha256"] in proven)
    write_json(place / "copies" / f"{number + 1:08d}.json", listing)
    _prune(place)
    size = sum(entry["size"] for entry in listing.values())
    return f"run {run.name}: copied up to step {_newest_step(listing)}, {size / 1e6:.1f} MB"


def _names(run: Path) -> list[str]:
    """List what belongs to a run; hidden are those files that are being written."""
    # Not by rglob, which fails where the trainer removes a folder meanwhile.
    places = ((Path(folder).relative_to(run), names) for folder, _, names in os.walk(run))
    files = (folder / name for folder, names in places for name in names)
    hidden = (name for name in files if not any(part.startswith(".") for part in name.parts))
    return sorted(str(name) for name in hidden if str(name) != "lock")


def _is_growing(name: str) -> bool:
    return name.split("/")[0] in _GROWING


def _standing(listing: _Listing) -> dict[str, str]:
    return {name: entry["sha256"] for name, entry in listing.items() if not _is_growing(name)}


@contextmanager
def _held(run: Path) -> Iterator[Path]:
    """Give a run's files second names, as they all were at one moment, and take those away again.

    The trainer may remove its own names meanwhile, however long copying takes.

    Raises:
        OSError: the run changed all the time.
    """
    held = run.with_name(f".{run.name}.held")
    try:
        for _ in range(_TRIES):
            shutil.rmtree(held, ignore_errors=True)
            if _link_all(run, held):
                break
        else:
            raise OSError(f"{run}: changes too fast to be copied")
        # After the states, so that the log holds the past of all of them.
        for name in filter(_is_growing, _names(run)):
            _copy(run / name, held / name)
        yield held
    finally:
        shutil.rmtree(held, ignore_errors=True)


def _link_all(run: Path, held: Path) -> bool:
    """Link the files that do not grow; tell whether they stayed the same all the while."""
    try:
        before = _identities(run)
        for name in before:
            (held / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(run / name, held / name)
            except FileNotFoundError:
                raise
            except OSError:  # no links here
                _copy(run / name, held / name)
        return _identities(run) == before
    except FileNotFoundError:
        return False


def _identities(run: Path) -> dict[str, tuple[int, int]]:
    stats = {name: (run / name).stat() for name in _names(run) if not _is_growing(name)}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    stat = source.stat()
    os.utime(target, ns=(stat.st_mtime_ns, stat.st_mtime_ns))


def _entry(file: Path, last: dict[str, Any] | None) -> dict[str, Any]:
    """Describe a file; who was not touched since the last copy is not read again."""
    stat = file.stat()
    entry = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    known = last if last and {key: last[key] for key in entry} == entry else None
    return entry | {"sha256": known["sha256"] if known else sha256(file)}


def _put(file: Path, place: Path, proven: bool) -> None:
    """Copy a file unless it is there; what no copy stands for may be there and damaged."""
    there = place.exists() and place.stat().st_size == file.stat().st_size
    if there and (proven or sha256(place) == place.name):
        return
    with atomic(place) as temporary:
        shutil.copyfile(file, temporary)


def _newest_step(listing: _Listing) -> int:
    states = [name for name in listing if name.startswith("checkpoints/step-")]
    return int(max(states).split("/")[1].removeprefix("step-"))


def _copies(place: Path) -> list[Path]:
    """Return the listings of a run's copies, the newest first."""
    return sorted((place / "copies").glob("[0-9]*.json"), reverse=True)


def _read(copy: Path) -> _Listing:
    """Return a listing, an empty one if its file is damaged."""
    try:
        listing: _Listing = json.loads(copy.read_text())
        whole = all({"sha256", "size", "mtime_ns"} <= set(entry) for entry in listing.values())
    except (ValueError, TypeError, AttributeError):
        return {}
    return listing if whole else {}


def _last_copy(place: Path) -> tuple[int, _Listing]:
    copies = _copies(place)
    return (int(copies[0].stem), _read(copies[0])) if copies else (0, {})


def _prune(place: Path) -> None:
    """Remove old copies and the contents that none of the others names."""
    copies = _copies(place)
    for copy in copies[KEPT_COPIES:]:
        copy.unlink()
    listings = map(_read, copies[:KEPT_COPIES])
    named = {entry["sha256"] for listing in listings for entry in listing.values()}
    half_written = (place / "copies").glob(".*")
    contents = (file for file in (place / "files").iterdir() if file.name not in named)
    for leftover in (*half_written, *contents):
        leftover.unlink(missing_ok=True)


def bring_back(kept: Path, runs: Path) -> list[str]:
    """Restore every run of which there are copies from its newest whole one.

    Args:
        kept: the folder of all copies; it need not be there.
        runs: the folder of all runs. A run that has a state there already is left as it is.

    Returns:
        What was done and what was passed over, line by line.

    Raises:
        UserError: no copy of some run is whole, or somebody trains it.
    """
    lines = []
    for place in sorted(place for place in kept.glob("*") if _copies(place)):
        run = runs / place.name
        if has_states(run):
            lines.append(f"run {run.name}: here already, left as it is")
            continue
        with exclusive(run):
            lines += _bring_back(place, run)
    return lines


def _bring_back(place: Path, run: Path) -> list[str]:
    coming, lines = run / ".coming", list[str]()
    for copy in _copies(place):
        listing = _read(copy)
        damage = _fetch(listing, place / "files", coming)
        if not damage:
            _move_in(coming, run)
            for damaged in _copies(place)[: len(lines)]:
                damaged.unlink()
            step = _newest_step(listing)
            return [*lines, f"run {run.name}: brought back, goes on from step {step}"]
        lines.append(f"run {run.name}: copy {copy.stem} passed over: {damage}")
    shutil.rmtree(coming, ignore_errors=True)
    raise UserError(
        f"{place}: none of its {len(lines)} copies is whole ({lines[0]}); nothing was deleted. "
        "Move the folder away to train anew"
    )


def _fetch(listing: _Listing, files: Path, coming: Path) -> str:
    """Restore a copy beside the run; return what is wrong with it, or nothing."""
    if not any(name.startswith("checkpoints/step-") for name in listing):
        return "its list of files is damaged"
    shutil.rmtree(coming, ignore_errors=True)
    for name, entry in listing.items():
        target = coming / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files / entry["sha256"], target)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            return f"{name} cannot be read ({error.strerror})"
        if sha256(target) != entry["sha256"]:
            return f"{name} is not what its checksum says"
        os.utime(target, ns=(entry["mtime_ns"], entry["mtime_ns"]))
    return ""


def _move_in(coming: Path, run: Path) -> None:
    """Put what came in place, the states last: only with them the run counts as brought back."""
    for part in sorted(coming.iterdir(), key=lambda part: part.name == "checkpoints"):
        if part.is_dir():
            shutil.rmtree(run / part.name, ignore_errors=True)
        part.rename(run / part.name)
    coming.rmdir()


def forget(kept: Path, key: str) -> None:
    """Remove the copies of a run that nobody will go on with.

    Args:
        kept: the folder of all copies.
        key: the name of the run.
    """
    for copy in _copies(kept / key):
        copy.unlink()
    shutil.rmtree(kept / key, ignore_errors=True)
