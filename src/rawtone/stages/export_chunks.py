"""rawtone export-chunks CORPUS FOLDER: chunks as wav files for other tools; by hand, no stage."""

import logging
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import soundfile
from tqdm import tqdm

from rawtone.corpus import table
from rawtone.corpus.chunks import SPLITS, Chunks
from rawtone.corpus.tracks import TRACKS
from rawtone.errors import UserError
from rawtone.stages import layout

LIST = "chunks.csv"
COLUMNS = ("file", "split", "track", "title", "artist", "album", "label", "start", "seconds")
_TAGS = {"title": "title", "artist": "artist", "album": "album", "label": "genre"}
_LONGEST_TITLE = 100  # bytes; a name may have 255
_HEADER_BYTES = 4096  # at most, of a wav with its tags, and of its row

_log = logging.getLogger("rawtone")
Row = dict[str, str]


def run(name: str, folder: str, split: str = "") -> None:
    """Write the chunks of a corpus as wav files of 16-bit PCM, and a table of them.

    They lie in a folder for each split, under names that sort by title and time.

    Args:
        name: The corpus.
        folder: Where to write them; must not be there yet, or be empty.
        split: Of which split; of all, if empty.

    Raises:
        UserError: there are no chunks, or they cannot be written there.
    """
    chunks = Chunks.open(layout.chunks(name))
    wanted = [row for each in ([split] if split else SPLITS) for row in map(int, chunks.rows(each))]
    place = Path(folder).expanduser()
    _check(place, chunks, wanted)
    tracks = _tracks(name)
    with _new(place) as temporary:
        rows = [_row(chunks, row, tracks) for row in wanted]
        for each in sorted({row["split"] for row in rows}):
            (temporary / each).mkdir()
        for at, row in zip(wanted, tqdm(rows, "export", disable=None), strict=True):
            _write(temporary / row["file"], chunks, at, row)
        table.write(temporary / LIST, COLUMNS, sorted(rows, key=lambda row: row["file"]))
    _log.info("wrote %d chunks to %s", len(rows), place)


def _check(folder: Path, chunks: Chunks, wanted: Sequence[int]) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: expected a folder, found a file; name another place")
    if folder.exists() and any(folder.iterdir()):
        raise UserError(
            f"{folder}: expected no folder there, or an empty one, found files in it; name another "
            "place, or remove it"
        )
    there = next(parent for parent in folder.absolute().parents if parent.exists())
    channels = chunks.pcm.shape[2] if chunks.pcm.ndim == 3 else 1
    samples = int(chunks.lengths[list(wanted)].sum())
    needed = 2 * channels * samples + _HEADER_BYTES * len(wanted)
    if (free := shutil.disk_usage(there).free) < needed:
        raise UserError(
            f"{folder}: {len(wanted)} chunks need {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB "
            "are free there; make room, or write one --split alone"
        )


@contextmanager
def _new(folder: Path) -> Iterator[Path]:
    """Give a folder to fill, which is put in place only if all went well."""
    temporary = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _tracks(name: str) -> dict[str, Row]:
    path = layout.tracks(name) / TRACKS
    return {row["id"]: row for row in table.read(path)} if path.exists() else {}


def _row(chunks: Chunks, row: int, tracks: dict[str, Row]) -> Row:
    track, rate = chunks.tracks[row], chunks.sample_rate
    known = tracks.get(track, {})
    start = int(chunks.starts[row]) / rate
    split = chunks.splits[row]
    return {key: known.get(key, "") for key in ("title", "artist", "album")} | {
        "file": f"{split}/{_stem(known)}{track}-{start:{_digits(chunks)}f}s.wav",
        "split": split,
        "track": track,
        "label": chunks.labels[row],
        "start": f"{start:.6f}",
        "seconds": f"{int(chunks.lengths[row]) / rate:.6f}",
    }


def _digits(chunks: Chunks) -> str:
    """Return the width and the decimals that tell chunks apart: those of milliseconds, or more."""
    hop = chunks.pcm.shape[1] - chunks.overlap
    return "09.3" if 1000 * hop >= chunks.sample_rate else "012.6"


def _stem(track: Row) -> str:
    """Return a track's title, or the name of its file, as a part of a name that harms no tool."""
    title = track.get("title") or Path(track.get("path", "")).stem
    words = re.sub(r"\W+", "-", title).strip("-_").lower()
    cut = words.encode()[:_LONGEST_TITLE].decode(errors="ignore")
    return f"{cut}-" if cut else ""


def _write(path: Path, chunks: Chunks, at: int, row: Row) -> None:
    samples = chunks.pcm[at, : chunks.lengths[at]]
    channels = samples.shape[1] if samples.ndim == 2 else 1
    kind: dict[str, Any] = {"subtype": "PCM_16", "format": "WAV"}
    with soundfile.SoundFile(path, "w", chunks.sample_rate, channels, **kind) as wav:
        for column, tag in _TAGS.items():
            if row[column]:
                setattr(wav, tag, row[column])
        wav.write(samples)
