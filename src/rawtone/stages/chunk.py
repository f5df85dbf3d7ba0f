"""chunk: tracks -> an array of chunks that training maps into memory, and a table of them.

Tracks are read twice, chunk by chunk: once for their levels, which decide what is kept, and once to
copy what is kept into an array whose size is then known. So memory never holds more than a chunk a
worker. Levels are remembered: of tracks that were measured before, only what is kept is read.
"""

import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, chain, groupby
from pathlib import Path
from typing import Any

import numpy as np

from rawtone import files
from rawtone.audio import pcm
from rawtone.corpus import chunks, labels, splits, table
from rawtone.corpus.chunks import Excerpt
from rawtone.corpus.measured import Measured
from rawtone.corpus.remembered import Remembered
from rawtone.corpus.tracks import TRACKS, USED
from rawtone.corpus.workers import in_parallel
from rawtone.errors import UserError
from rawtone.stages import layout

_log = logging.getLogger("rawtone")

_GAP_SECONDS = 0.5  # where the settings do not say
_Parts = Callable[[int], list[tuple[str, Excerpt]]]


@dataclass(frozen=True)
class _Track:
    id: str
    label: str
    group: str
    same_as: str
    measured: Measured

    @property
    def samples(self) -> int:
        return self.measured.samples


@dataclass(frozen=True)
class _Format:
    sample_rate: int
    channels: int
    chunk: int
    overlap: int
    padded: bool
    silence_dbfs: float
    trim_dbfs: float | None
    each: int | None
    evenly: bool
    gap: int


@dataclass(frozen=True)
class _Considered:
    track: _Track
    excerpt: Excerpt
    split: str
    level_dbfs: float = 0.0
    silence: int = 0
    left_out: str = ""

    @property
    def status(self) -> str:
        silent = 2 * self.silence >= self.excerpt.length
        return self.left_out or (chunks.SILENT if silent else chunks.KEPT)

    @property
    def kept(self) -> bool:
        return self.status == chunks.KEPT


def run(name: str) -> None:
    """Cut the tracks of a corpus.

    Args:
        name: The corpus.

    Raises:
        UserError: nothing is left to train, validate or test on.
    """
    settings = layout.read_settings("chunk", name)
    form = _form(settings)
    remembered = Remembered(
        layout.remembered("chunks", name), [form.sample_rate, form.silence_dbfs, form.trim_dbfs]
    )
    tracks = _tracks(name, settings, form, remembered)
    try:
        considered, split_by, notes = _consider(name, tracks, form, settings["split"])
    finally:
        remembered.save()
    remembered.keep(track.measured.path.name for track in tracks)
    kept = [chunk for chunk in considered if chunk.kept]
    _check_enough(name, considered, form)
    folder = layout.chunks(name)
    _write_array(folder / "chunks.npy", kept, form)
    table.write(folder / "chunks.csv", chunks.COLUMNS, _rows(considered, form))
    summary = _summary(considered, form) | {"split_by": split_by, "notes": notes}
    files.write_json(folder / "corpus.json", summary)
    _report(summary, len(considered))


def _form(settings: dict[str, Any]) -> _Format:
    rate, chunking = settings["sample_rate"], settings["chunk"]
    chunk = round(chunking["seconds"] * rate)
    each = settings.get("each", {})
    return _Format(
        sample_rate=rate,
        channels=settings["channels"],
        chunk=chunk,
        overlap=min(round(chunking["overlap"] * rate), chunk - 1),
        padded=chunking["partial"] == "pad",
        silence_dbfs=chunking["silence_dbfs"],
        trim_dbfs=chunking.get("trim_dbfs"),
        each=round(each["seconds"] * rate) if each else None,
        evenly=each.get("which") == "even",
        gap=math.ceil(settings["split"].get("gap", _GAP_SECONDS) * rate),
    )


def _tracks(
    name: str, settings: dict[str, Any], form: _Format, remembered: Remembered
) -> list[_Track]:
    folder = layout.tracks(name)
    if not (folder / TRACKS).exists():
        raise UserError(f"{folder / 'tracks.csv'}: no such file; run: rawtone convert {name}")
    tracks = []
    for row in table.read(folder / TRACKS):
        if row["status"] != USED:
            continue
        path = folder / row["file"]
        if not path.exists():
            raise UserError(f"{path}: is gone; run: rawtone convert {name}")
        label = labels.of_track(row, settings["label"])
        group = splits.group(row, settings["split"]["by"])
        measured = Measured(path, form.sample_rate, form.silence_dbfs, form.trim_dbfs, remembered)
        same_as = row.get("duplicate_of", "")
        tracks.append(_Track(row["id"], label, group, same_as, measured))
    return sorted(tracks, key=lambda track: track.id)


def _consider(
    name: str, tracks: Sequence[_Track], form: _Format, split: dict[str, Any]
) -> tuple[list[_Considered], str, list[str]]:
    by, shares = split["by"], (split["validation"], split["test"])
    notes: list[str] = []
    same = {track.id: track.same_as for track in tracks if track.same_as}
    if by != "time":
        whole = _cut_all(tracks, form, _all_to_train)
        # A track that is silent throughout would stand for a split in which nothing is left.
        sounding = [cut[0].track for cut in whole if any(chunk.kept for chunk in cut)]
        alone = {track.id: track.group for track in sounding}
        groups = splits.joined(alone, same, *shares)
        found = len(set(groups.values()))
        if found >= splits.FEWEST_TRACKS:
            given, notes = splits.by_group(groups, *shares)
            notes += splits.notes_on_groups(alone, by) + splits.notes_on_duplicates(same, by)
            return list(_give(whole, given)), by, notes
        _check_fallback(name, by, found)
        notes = [
            f"too few tracks to hold out whole ones ({found} of at least "
            f"{splits.FEWEST_TRACKS}): the end of every track is held out instead"
        ]
    parts = partial(splits.by_time, validation=shares[0], test=shares[1], gap=form.gap)
    considered = list(chain(*_cut_all(tracks, form, parts)))
    notes += _notes_on_gap(form) + splits.notes_on_duplicates(same, "time")
    return considered, "time", notes


def _notes_on_gap(form: _Format) -> list[str]:
    seconds = form.gap / form.sample_rate
    return [f"split by time: {seconds:g} s between its parts are left out"] if form.gap else []


def _check_fallback(name: str, by: str, groups: int) -> None:
    """Refuse to split by time what the user wants to be held out whole."""
    if by != "track":
        raise UserError(
            f"corpora.{name}.split.by: expected at least {splits.FEWEST_TRACKS} with {by}, found "
            f"{groups}; set it to track or time, or add recordings"
        )


def _all_to_train(samples: int) -> list[tuple[str, Excerpt]]:
    return [("train", Excerpt(0, samples))]


def _give(whole: Sequence[Sequence[_Considered]], given: dict[str, str]) -> Iterator[_Considered]:
    for chunk in (chunk for cut in whole for chunk in cut):
        yield replace(chunk, split=given.get(chunk.track.id, "train"))


def _cut_all(tracks: Sequence[_Track], form: _Format, parts: _Parts) -> list[list[_Considered]]:
    def cut(track: _Track) -> list[_Considered]:
        considered = _cut(track, form, parts)
        track.measured.save()
        return considered

    return list(in_parallel(cut, tracks, "chunk: levels", os.cpu_count() or 1))


def _cut(track: _Track, form: _Format, parts: _Parts) -> list[_Considered]:
    """Cut a track into all that has a row, in order: chunks, and what is left out around them."""
    heard = track.measured.sounding()
    used = heard
    if form.each is not None and not form.evenly:
        used = Excerpt(heard.start, min(heard.length, form.each))
    cut = [
        _Considered(track, excerpt, "", left_out=why)
        for why, excerpt in (
            (chunks.TRIMMED, Excerpt(0, heard.start)),
            (chunks.BEYOND, Excerpt(used.stop, heard.stop - used.stop)),
            (chunks.TRIMMED, Excerpt(heard.stop, track.samples - heard.stop)),
        )
        if excerpt.length
    ]
    stop = 0
    for split, within in parts(used.length):
        if within.start > stop:
            gap = Excerpt(used.start + stop, within.start - stop)
            cut.append(_Considered(track, gap, "", left_out=chunks.GAP))
        stop = within.stop
        stretch = Excerpt(used.start + within.start, within.length)
        cut += _weigh(track, split, stretch, form, used.length)
    return sorted(cut, key=lambda chunk: chunk.excerpt)


def _weigh(
    track: _Track, split: str, stretch: Excerpt, form: _Format, of: int
) -> list[_Considered]:
    cut = chunks.grid(stretch, form.chunk, form.overlap)
    picked = set(range(len(cut)))
    if form.evenly and form.each is not None and of > form.each:
        share = form.each * stretch.length // (of * form.chunk)
        picked = chunks.spread(len(cut), max(1, share))
    measured = iter(track.measured.levels([cut[place] for place in sorted(picked)]))
    return [
        _Considered(track, excerpt, split, *next(measured))
        if place in picked
        else _Considered(track, excerpt, split, left_out=chunks.BEYOND)
        for place, excerpt in enumerate(cut)
    ]


def _check_enough(name: str, considered: Sequence[_Considered], form: _Format) -> None:
    corpus = f"corpus '{name}'"
    level = f"{form.silence_dbfs:g} dBFS"
    if not any(chunk.kept for chunk in considered):
        raise UserError(
            f"{corpus}: all {len(considered)} chunks are silent below {level}; lower "
            f"corpora.{name}.chunk.silence_dbfs or add louder recordings"
        )
    for split in chunks.SPLITS:
        if not any(chunk.kept for chunk in considered if chunk.split == split):
            raise UserError(
                f"{corpus}: nothing is left for {split}: every chunk there is silent below {level} "
                f"or the recordings are too short; add recordings, or change "
                f"corpora.{name}.split or corpora.{name}.chunk.silence_dbfs"
            )


def _write_array(path: Path, kept: Sequence[_Considered], form: _Format) -> None:
    """Write the array row by row: mapped into memory, all of it would count as ours."""
    shape = (len(kept), form.chunk) + ((form.channels,) if form.channels > 1 else ())
    size = 2 * form.chunk * form.channels
    with files.atomic(path) as temporary:
        with temporary.open("wb") as array:
            header = {"descr": "<i2", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(array, header)
            begin = array.tell()
            array.truncate(begin + len(kept) * size)

        def write(row: int, of_track: Sequence[_Considered]) -> None:
            parts = ((chunk.excerpt.start, chunk.excerpt.length) for chunk in of_track)
            with temporary.open("r+b") as array:
                for audio in pcm.read_parts(of_track[0].track.measured.path, parts):
                    array.seek(begin + row * size)
                    array.write(np.ascontiguousarray(audio, "<i2").data)
                    row += 1

        by_track = [list(of) for _, of in groupby(kept, key=lambda chunk: chunk.track.id)]
        rows = accumulate(map(len, by_track), initial=0)
        jobs = list(zip(rows, by_track, strict=False))
        for _ in in_parallel(lambda job: write(*job), jobs, "chunk: array", os.cpu_count() or 1):
            pass


def _rows(considered: Sequence[_Considered], form: _Format) -> Iterator[dict[str, str | int]]:
    row = 0
    for chunk in considered:
        length = chunk.excerpt.length
        yield {
            "track": chunk.track.id,
            "start": chunk.excerpt.start,
            "length": form.chunk if form.padded and not chunk.left_out else length,
            "level_dbfs": "" if chunk.left_out else f"{chunk.level_dbfs:.2f}",
            "silent_fraction": "" if chunk.left_out else f"{chunk.silence / length:.4f}",
            "label": chunk.track.label,
            "split": chunk.split,
            "row": row if chunk.kept else "",
            "status": chunk.status,
        }
        row += chunk.kept


def _summary(considered: Sequence[_Considered], form: _Format) -> dict[str, Any]:
    kept = [chunk for chunk in considered if chunk.kept]
    tracks = {split: {c.track.id for c in kept if c.split == split} for split in chunks.SPLITS}
    dropped = Counter(chunk.status for chunk in considered if not chunk.kept)
    return {
        "sample_rate": form.sample_rate,
        "channels": form.channels,
        "chunk_samples": form.chunk,
        "overlap_samples": form.overlap,
        "tracks": {split: len(ids) for split, ids in tracks.items()},
        "seconds": {split: _seconds(kept, split, form) for split in chunks.SPLITS},
        "chunks": {split: sum(c.split == split for c in kept) for split in chunks.SPLITS},
        "dropped": dict(dropped),
    }


def _seconds(kept: Sequence[_Considered], split: str, form: _Format) -> float:
    """Count audio once that two chunks share."""
    samples, track, heard_to = 0, "", 0
    for chunk in (chunk for chunk in kept if chunk.split == split):
        heard_to = heard_to if chunk.track.id == track else 0
        track = chunk.track.id
        samples += chunk.excerpt.stop - max(chunk.excerpt.start, heard_to)
        heard_to = chunk.excerpt.stop
    return round(samples / form.sample_rate, 3)


def _report(summary: dict[str, Any], considered: int) -> None:
    kept = sum(summary["chunks"].values())
    parts = ", ".join(f"{n} {split}" for split, n in summary["chunks"].items())
    _log.info(
        "kept %d of %d chunks (%s), split by %s", kept, considered, parts, summary["split_by"]
    )
    for note in summary["notes"]:
        _log.info("%s", note)
