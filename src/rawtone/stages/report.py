"""All that was published -> one folder with the listening page."""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rawtone.audio import pcm
from rawtone.corpus import table
from rawtone.report import page
from rawtone.report.pictures import spectrogram, waveform
from rawtone.report.view import Experiment, Published, asset, experiment
from rawtone.stages import audited, layout

_CURVES = ("loss.svg",)

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
    """Put the bits of all experiments that have any into one table."""
    columns = ("experiment", "step", "split", "bits")
    found = [(name, row) for name in names for row in _rows(layout.results(name) / "bits.csv")]
    rows = [
        {"experiment": name} | {key: row[key] for key in columns[1:]}
        for name, row in found
        if row["bits"]
    ]
    table.write(folder / "bits.csv", columns, rows)


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
    clips = _json(results / "clips.json", [])
    published = Published(
        config=_json(results / "config.json", {}),
        checkpoints=_json(results / "checkpoints.json", {}).get("checkpoints", []),
        clips=[clip for clip in _progress(clips, name) if _add_clip(name, clip, folder)],
        evaluation=_json(results / "evaluation.json", {}),
        bits=_rows(results / "bits.csv"),
        melody=_rows(results / "melody.csv"),
        history=_rows(results / "history.csv"),
        curves=[f"{name}/{file}" for file in _CURVES if _add_curve(name, file, folder)],
    )
    return experiment(name, entry["preset"], entry["corpus"], published)


def _progress(clips: list[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    yield from tqdm(clips, desc=f"pictures of {name}", unit="clip", disable=None, leave=False)


def _add_clip(name: str, clip: Mapping[str, Any], folder: Path) -> bool:
    """Copy a clip beside the page and draw it; False, and a warning, if it is not there."""
    sound, compressed = (layout.results(name) / clip[kind] for kind in ("wav", "mp3"))
    for file in (sound, compressed):
        if not file.exists():
            _log.warning("%s: no such file; its clip is left out of the page", file)
            return False
    place = folder / asset(name, clip)
    mono, rate = _mono(sound)
    place.with_name(f"{place.name}.wave.png").write_bytes(waveform(mono))
    place.with_name(f"{place.name}.spectrum.png").write_bytes(spectrogram(mono, rate))
    shutil.copyfile(compressed, place.with_name(f"{place.name}.mp3"))
    return True


def _mono(path: Path) -> tuple[NDArray[np.float32], int]:
    samples = (pcm.read(path) / 32768).astype(np.float32)
    if samples.ndim == 2:
        samples = samples.mean(axis=1, dtype=np.float32)
    return samples, pcm.shape(path).sample_rate


def _add_curve(name: str, file: str, folder: Path) -> bool:
    source = layout.results(name) / "curves" / file
    if source.exists():
        shutil.copyfile(source, folder / name / file)
    return source.exists()


def _add_journal(name: str, folder: Path) -> None:
    """Copy the curve of speed, which is no part of the results: DVC and git pass it over."""
    if (layout.results(name) / "config.json").exists():
        speed = layout.run_of(name) / "curves/speed.svg"
        if speed.exists():
            (folder / name / "journal").mkdir()
            shutil.copyfile(speed, folder / name / "journal/speed.svg")


def _json(path: Path, missing: Any) -> Any:
    return json.loads(path.read_text()) if path.exists() else missing


def _rows(path: Path) -> list[dict[str, str]]:
    return table.read(path) if path.exists() else []
