"""chunk: tracks -> an array of chunks that training maps into memory, and a table of them.

Tracks are read twice, chunk by chunk: once for their levels, which decide what is kept, and once to
copy what is kept into an array whose size is then known. So memory never holds more than a chunk.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rawtone import files
from rawtone.audio import levels, pcm
from rawtone.corpus import chunks, labels, splits, table
from rawtone.corpus.chunks import Excerpt
from rawtone.corpus.tracks import TRACKS, USED
from rawtone.errors import UserError
from rawtone.stages import layout

_log = logging.getLogger("rawtone")


@dataclass(frozen=True)
class _Track:
    id: str
    label: str
    path: Path
    samples: int


@dataclass(frozen=True)
class _Format:
    sample_rate: int
    channels: int
    chunk: int
    overlap: int
    padded: bool
    silence_dbfs: float


@dataclass(frozen=True)
class _Considered:
    track: _Track
    excerpt: Excerpt
    split: str
    level_dbfs: float
    silence: int

    @property
    def kept(self) -> bool:
        return 2 * self.silence < self.excerpt.length


def run(name: str) -> None:
    """Cut the tracks of a corpus.

    Args:
        name: The corpus.

    Raises:
        UserError: nothing is left to train, validate or test on.
    """
    settings = layout.read_settings("chunk", name)
    form = _form(settings)
    tracks = _tracks(name, settings["label"])
    considered, split_by, notes = _consider(tracks, form, settings["split"])
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
    return _Format(
        sample_rate=rate,
        channels=settings["channels"],
        chunk=chunk,
        overlap=min(round(chunking["overlap"] * rate), chunk - 1),
        padded=chunking["partial"] == "pad",
        silence_dbfs=chunking["silence_dbfs"],
    )


def _tracks(name: str, label: str | None) -> list[_Track]:
    folder = layout.tracks(name)
    if not (folder / TRACKS).exists():
        raise UserError(f"{folder / 'tracks.csv'}: no such file; run: rawtone convert {name}")
    used = [row for row in table.read(folder / TRACKS) if row["status"] == USED]
    paths = [folder / row["file"] for row in used]
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: is gone; run: rawtone convert {name}")
    return sorted(
        (
            _Track(row["id"], labels.of_track(row, label), path, pcm.shape(path).samples)
            for row, path in zip(used, paths, strict=True)
        ),
        key=lambda track: track.id,
    )


def _consider(
    tracks: Sequence[_Track], form: _Format, split: dict[str, Any]
) -> tuple[list[_Considered], str, list[str]]:
    shares = split["validation"], split["test"]
    notes: list[str] = []
    if split["by"] == "track":
        whole = [_weigh(t, "train", Excerpt(0, t.samples), form) for t in tracks]
        # A track that is silent throughout would stand for a split in which nothing is left.
        sounding = [cut for cut in whole if any(chunk.kept for chunk in cut)]
        if len(sounding) >= splits.FEWEST_TRACKS:
            given, notes = splits.by_track([cut[0].track.id for cut in sounding], *shares)
            return list(_give(whole, given)), "track", notes
        notes = [
            f"too few tracks to hold out whole ones ({len(sounding)} of at least "
            f"{splits.FEWEST_TRACKS}): the end of every track is held out instead"
        ]
    considered = [
        chunk
        for track in tracks
        for part, stretch in splits.by_time(track.samples, *shares)
        for chunk in _weigh(track, part, stretch, form)
    ]
    return considered, "time", notes


def _give(whole: Sequence[Sequence[_Considered]], given: dict[str, str]) -> Iterator[_Considered]:
    for chunk in (chunk for cut in whole for chunk in cut):
        split = given.get(chunk.track.id, "train")
        yield _Considered(chunk.track, chunk.excerpt, split, chunk.level_dbfs, chunk.silence)


def _weigh(track: _Track, split: str, stretch: Excerpt, form: _Format) -> list[_Considered]:
    considered = []
    for excerpt in chunks.grid(stretch, form.chunk, form.overlap):
        audio = pcm.read(track.path, excerpt.start, excerpt.length)
        silence = levels.longest_silence(audio, form.sample_rate, form.silence_dbfs)
        considered.append(_Considered(track, excerpt, split, levels.rms_dbfs(audio), silence))
    return considered


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
    shape = (len(kept), form.chunk) + ((form.channels,) if form.channels > 1 else ())
    with files.atomic(path) as temporary:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.int16, shape=shape)
        for row, chunk in enumerate(kept):
            excerpt = chunk.excerpt
            array[row, : excerpt.length] = pcm.read(chunk.track.path, excerpt.start, excerpt.length)
        array.flush()


def _rows(considered: Sequence[_Considered], form: _Format) -> Iterator[dict[str, str | int]]:
    row = 0
    for chunk in considered:
        length = chunk.excerpt.length
        yield {
            "track": chunk.track.id,
            "start": chunk.excerpt.start,
            "length": form.chunk if form.padded else length,
            "level_dbfs": f"{chunk.level_dbfs:.2f}",
            "silent_fraction": f"{chunk.silence / length:.4f}",
            "label": chunk.track.label,
            "split": chunk.split,
            "row": row if chunk.kept else "",
            "status": chunks.KEPT if chunk.kept else chunks.SILENT,
        }
        row += chunk.kept


def _summary(considered: Sequence[_Considered], form: _Format) -> dict[str, Any]:
    kept = [chunk for chunk in considered if chunk.kept]
    tracks = {split: {c.track.id for c in kept if c.split == split} for split in chunks.SPLITS}
    dropped = Counter(chunks.SILENT for chunk in considered if not chunk.kept)
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
