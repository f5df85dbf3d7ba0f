"""convert: recordings -> tracks, 16-bit PCM at the corpus's rate and channels, and a table of them.

Beside every track lies a sidecar with what it was made from and how; a track whose sidecar agrees,
and whose samples still have their checksum, is not decoded again.
"""

import json
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rawtone import files
from rawtone.audio import ffmpeg, pcm
from rawtone.corpus import table, tracks
from rawtone.corpus.sources import FILES
from rawtone.corpus.tracks import TRACKS
from rawtone.errors import UserError
from rawtone.stages import layout
from rawtone.stages.fetch import TAKEN, UNREADABLE

_log = logging.getLogger("rawtone")


def run(name: str) -> None:
    """Decode the recordings of a corpus; those that cannot be used are listed with the reason.

    Args:
        name: The corpus.

    Raises:
        UserError: no recording can be used, or the corpus is strict and one cannot.
    """
    settings = layout.read_settings("convert", name)
    form = tracks.Format(settings["sample_rate"], settings["channels"], settings["ffmpeg"])
    version = _version(name, form)
    recordings = _recordings(name)
    folder = layout.tracks(name)
    folder.mkdir(parents=True, exist_ok=True)
    one = partial(_convert, name=name, form=form, version=version)
    rows = _in_parallel(one, recordings)
    _check_usable(name, rows, settings["strict"])
    rows = _each_audio_once(rows)
    _report(rows)
    table.write(folder / TRACKS, tracks.COLUMNS, rows)
    _tidy(folder, [row["id"] for row in rows if row["file"]])


def _in_parallel(
    one: Callable[[dict[str, str]], dict[str, str]], recordings: Sequence[dict[str, str]]
) -> list[dict[str, str]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            done = pool.map(one, recordings)
            return list(tqdm(done, "convert", len(recordings), disable=None))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # or Ctrl-C would wait for all of them
            raise


def _version(name: str, form: tracks.Format) -> str:
    try:
        return ffmpeg.version(form.ffmpeg)
    except ffmpeg.FfmpegError as error:
        raise UserError(
            f"corpora.{name}.ffmpeg: {error}; install it, or set this to bundled"
        ) from None


def _recordings(name: str) -> list[dict[str, str]]:
    path = layout.raw(name) / FILES
    if not path.exists():
        raise UserError(f"{path}: no such file; run: rawtone fetch {name}")
    rows = [row for row in table.read(path) if row["status"] in (TAKEN, UNREADABLE)]
    for row in rows:
        if row["file"] and not path.with_name(row["file"]).exists():
            raise UserError(f"{path.with_name(row['file'])}: is gone; run: rawtone fetch {name}")
    return sorted(rows, key=lambda row: (row["id"], row["path"]))


def _convert(
    recording: dict[str, str], name: str, form: tracks.Format, version: str
) -> dict[str, str]:
    origin = {key: recording[key] for key in ("id", "source", "path", "sha256")}
    if recording["status"] == UNREADABLE:
        return origin | {"file": "", "status": UNREADABLE}
    wav = layout.tracks(name) / f"{recording['id']}.wav"
    made_from = {
        "sha256": recording["sha256"],
        "ffmpeg": f"{form.ffmpeg} {version}",
        "filter": ffmpeg.resampling(form.sample_rate, form.channels),
    }
    track = _already(wav, made_from)
    if track is None:
        track = _decode(layout.raw(name) / recording["file"], wav, form)
        if track["status"] == tracks.USED:
            files.write_json(wav.with_suffix(".json"), {"made_from": made_from, "track": track})
    licence = recording["licence"] or track.get("licence", "")
    file = wav.name if track["status"] == tracks.USED else ""
    return track | origin | {"file": file, "licence": licence, "ffmpeg": version}


def _already(wav: Path, made_from: dict[str, str]) -> dict[str, str] | None:
    try:
        known: dict[str, Any] = json.loads(wav.with_suffix(".json").read_text())
        track: dict[str, str] = known["track"]
        agrees = known["made_from"] == made_from and pcm.sha256(wav) == track["pcm_sha256"]
    except (OSError, ValueError, KeyError, RuntimeError):  # RuntimeError: not a wav any more
        return None
    return track if agrees else None


def _decode(source: Path, wav: Path, form: tracks.Format) -> dict[str, str]:
    # Not `files.atomic`: a recording that is not usable leaves nothing to put in place.
    temporary = wav.with_name(f".{wav.name}")
    wav.unlink(missing_ok=True)
    try:
        track = tracks.convert(source, temporary, form)
        if track["status"] == tracks.USED:
            temporary.replace(wav)
    finally:
        temporary.unlink(missing_ok=True)
    return track


def _each_audio_once(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Use audio once that came in files which differ in their tags only.

    Twice in the corpus, it could be learned from and held out at the same time.
    """
    first: dict[str, str] = {}
    once = []
    for row in rows:
        path = first.setdefault(row["pcm_sha256"], row["path"]) if row["file"] else row["path"]
        if path != row["path"]:
            row = row | {"file": "", "status": f"same audio as {path}"}
        once.append(row)
    return once


def _report(rows: Sequence[dict[str, str]]) -> None:
    unused = [row for row in rows if row["status"] != tracks.USED]
    _log.info("converted %d of %d recordings", len(rows) - len(unused), len(rows))
    for row in unused:
        _log.warning("not used: %s: %s", row["path"], row["status"])


def _check_usable(name: str, rows: Sequence[dict[str, str]], strict: bool) -> None:
    unused = [row for row in rows if row["status"] != tracks.USED]
    if len(unused) == len(rows):
        first = f"; the first is {unused[0]['path']}: {unused[0]['status']}" if unused else ""
        raise UserError(f"corpus '{name}': none of {len(rows)} recordings can be used{first}")
    if strict and unused:
        raise UserError(
            f"corpus '{name}' is strict and {unused[0]['path']} cannot be used: "
            f"{unused[0]['status']}; mend or remove it, or set corpora.{name}.strict to false"
        )


def _tidy(folder: Path, used: Sequence[str]) -> None:
    for path in folder.iterdir():
        if path.name != TRACKS and path.is_file() and path.stem not in used:
            path.unlink()
