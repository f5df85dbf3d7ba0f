"""All that was published -> one folder with the listening page."""

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rawtone.audio import pcm
from rawtone.corpus import table
from rawtone.report import page
from rawtone.report.clips import asset, key, sound
from rawtone.report.pictures import peaks, spectrogram
from rawtone.report.view import Experiment, Published, experiment
from rawtone.stages import audited, layout

_CURVES = ("loss.svg",)
_TABLES = (
    "clips.csv",
    "bits.csv",
    "bits_by_track.csv",
    "sets.csv",
    "melody.csv",
    "history.csv",
    "evaluation.json",
    "metrics.json",
    "checkpoints.json",
    "config.json",
    "clips.json",
)
_BITS = ("experiment", "step", "split", "bits")
_CLIP = ("experiment", "step", "label", "temperature", "seed", "seconds", "sha256", "file")

_log = logging.getLogger("rawtone")


def run() -> None:
    """Write the listening page of all experiments, whole or not at all.

    Raises:
        UserError: nothing has resolved the settings yet.
    """
    settings = layout.read_settings("report")
    with _replaced(layout.report()) as folder:
        _compare(sorted(settings["experiments"]), folder)
        experiments = [
            _experiment(name, entry, folder)
            for name, entry in sorted(settings["experiments"].items())
        ]
        corpora = [
            audited.write(name, settings["experiments"], folder)
            for name in sorted(settings["corpora"])
        ]
        page.write(folder, experiments, corpora)
    _log.info("the page is %s", layout.report() / "index.html")


def _compare(names: Sequence[str], folder: Path) -> None:
    """Put the bits and the clips of all experiments into one table each."""
    found = [(name, row) for name in names for row in _rows(layout.results(name) / "bits.csv")]
    bits = [
        {"experiment": name} | {key: row[key] for key in _BITS[1:]}
        for name, row in found
        if row["bits"]
    ]
    table.write(folder / "bits.csv", _BITS, bits)
    clips = [clip for name in names for clip in _tidy(name)]
    measured = dict.fromkeys(key for clip in clips for key in clip if key not in _CLIP)
    columns = (*_CLIP, *measured)
    rows = [{key: clip.get(key, "") for key in columns} for clip in clips]
    table.write(folder / "clips.csv", columns, rows)


def _tidy(name: str) -> Iterator[dict[str, Any]]:
    """Give the clips of an experiment with all that was measured of each."""
    judged = {key(row): row for row in _rows(layout.results(name) / "clips.csv")}
    for clip in _json(layout.results(name) / "clips.json", []):
        told = {column: clip[column] for column in _CLIP if column in clip}
        place = {"experiment": name, "file": f"{asset(name, clip)}.{sound(clip)}"}
        yield judged.get(key(clip), {}) | told | place


@contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """Give a new folder to fill; put it in place of the old one only if all went well."""
    new, old = (folder.with_name(f".{folder.name}.{state}") for state in ("new", "old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _experiment(name: str, entry: Mapping[str, str], folder: Path) -> Experiment:
    results = layout.results(name)
    (folder / name).mkdir()
    _add_journal(name, folder)
    clips, shapes = _add_clips(name, folder)
    published = Published(
        config=_json(results / "config.json", {}),
        checkpoints=_json(results / "checkpoints.json", {}).get("checkpoints", []),
        clips=clips,
        judged=_rows(results / "clips.csv"),
        evaluation=_json(results / "evaluation.json", {}),
        bits=_rows(results / "bits.csv"),
        melody=_rows(results / "melody.csv"),
        history=_rows(results / "history.csv"),
        curves=[f"{name}/{file}" for file in _CURVES if _add(f"curves/{file}", name, folder)],
        peaks=shapes,
        files=[f"{name}/{file}" for file in _TABLES if _add(file, name, folder)],
        preview=f"{name}/preview.mp3" if _add("preview.mp3", name, folder) else "",
    )
    return experiment(name, entry["preset"], entry["corpus"], published)


def _add(file: str, name: str, folder: Path) -> bool:
    """Copy a file of the results beside the page; False if it is not there."""
    source = layout.results(name) / file
    if source.exists():
        shutil.copyfile(source, folder / name / source.name)
    return source.exists()


def _add_clips(name: str, folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Put clips and their pictures beside the page, with all cores.

    Returns:
        The rows of the clips that are there, and the peaks of each by its asset.
    """
    clips = _json(layout.results(name) / "clips.json", [])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = pool.map(lambda clip: _add_clip(name, clip, folder), clips)
        doing = f"pictures of {name}"
        shown = list(tqdm(drawn, doing, len(clips), unit="clip", disable=None, leave=False))
    there = [(clip, shape) for clip, shape in zip(clips, shown, strict=True) if shape]
    return [clip for clip, _ in there], {asset(name, clip): shape for clip, shape in there}


def _add_clip(name: str, clip: Mapping[str, Any], folder: Path) -> str:
    """Copy a clip beside the page, draw it, return its peaks; nothing, and a warning, if gone."""
    wav, heard = (layout.results(name) / clip[kind] for kind in ("wav", sound(clip)))
    for file in (wav, heard):
        if not file.exists():
            _log.warning("%s: no such file; its clip is left out of the page", file)
            return ""
    place = folder / asset(name, clip)
    mono, rate = _mono(wav)
    place.with_name(f"{place.name}.spectrum.png").write_bytes(spectrogram(mono, rate))
    shutil.copyfile(heard, place.with_name(f"{place.name}{heard.suffix}"))
    return peaks(mono)


def _mono(path: Path) -> tuple[NDArray[np.float32], int]:
    samples = (pcm.read(path) / 32768).astype(np.float32)
    if samples.ndim == 2:
        samples = samples.mean(axis=1, dtype=np.float32)
    return samples, pcm.shape(path).sample_rate


def _add_journal(name: str, folder: Path) -> None:
    """Copy how fast this machine was, which is no result: DVC and git pass it over."""
    if not (layout.results(name) / "config.json").exists():
        return
    run = layout.run_of(name)
    for source in (run / "curves/speed.svg", run / ".clips" / name / "times.csv"):
        if source.exists():
            (folder / name / "journal").mkdir(exist_ok=True)
            shutil.copyfile(source, folder / name / "journal" / source.name)


def _json(path: Path, missing: Any) -> Any:
    return json.loads(path.read_text()) if path.exists() else missing


def _rows(path: Path) -> list[dict[str, str]]:
    return table.read(path) if path.exists() else []
