"""train, sample and evaluate on seconds of audio, by the real commands."""

import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from rawtone.corpus import table
from rawtone.files import sha256
from rawtone.settings import LATER
from rawtone.stages import train
from tests.commands import Process, complaint, rawtone

PARAMS = """
corpora:
  mine:
    sources: [{folder: music}]
    sample_rate: 4000
    chunk: {seconds: 1.0, overlap: 0.2}
experiments:
  mine:
    corpus: mine
    preset: wavenet-demo
    model: {dilations: [1, 2, 4, 8], residual_channels: 8, dilation_channels: 8, skip_channels: 8}
    training: {steps: 40, window: 200, validate_every: 20, checkpoint_every: 20}
    sampling: {seconds: 0.7, temperatures: [0.9, 1.0], seeds: [0, 1]}
"""
TRAINED = Path("results/mine")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project in which all stages up to evaluate ran."""
    root = tmp_path_factory.mktemp("project")
    (root / "music").mkdir()
    (root / "params.yaml").write_text(PARAMS)
    random = np.random.default_rng(0)
    for name in range(4):
        turns = np.cumsum(np.repeat(random.integers(200, 800, 20), 800)) / 4000
        soundfile.write(root / f"music/{name}.wav", 0.4 * np.sin(2 * np.pi * turns), 4000)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        rawtone("settings")
        for stage in ("fetch", "convert", "chunk", "train", "sample", "evaluate"):
            rawtone(f"{stage} mine")
    return root


@pytest.fixture
def here(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of the built project."""
    shutil.copytree(built, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def test_published_checkpoints_are_what_the_manifest_says(here: Path) -> None:
    published = json.loads((TRAINED / "checkpoints.json").read_text())
    assert [c["step"] for c in published["checkpoints"]] == [20, 40]
    for checkpoint in published["checkpoints"]:
        assert sha256(TRAINED / checkpoint["file"]) == checkpoint["sha256"]
        assert 0 < checkpoint["validation_bits"] < 8
        with np.load(TRAINED / checkpoint["file"]) as weights:
            assert not [name for name in weights.files if "optimizer" in name]
    assert json.loads((TRAINED / "config.json").read_text())["run"] == published["run"]


def test_training_a_finished_run_again_publishes_it_and_learns_nothing_new(here: Path) -> None:
    before = (TRAINED / "checkpoints.json").read_text()
    shutil.rmtree(TRAINED)
    rawtone("train mine")
    assert (TRAINED / "checkpoints.json").read_text() == before
    log = next(Path("runs").glob("*/train.log")).read_text()
    assert log.count("\nstep 40 - loss") == 1
    assert "resume" not in log


def test_other_cores_give_the_same_bytes(here: Path) -> None:
    """Where the settings say how many threads compute: weights, clips and metrics."""
    before = {file: sha256(file) for file in TRAINED.rglob("*") if file.is_file()}
    shutil.rmtree("runs")
    shutil.rmtree(TRAINED)
    one_core = {min(os.sched_getaffinity(0))}
    for stage in ("train", "sample", "evaluate"):
        rawtone(f"{stage} mine", cores=one_core)
    assert {file: sha256(file) for file in before} == before


def test_a_setting_that_came_later_renames_no_run(here: Path) -> None:
    settings = json.loads(Path("settings/train/mine.json").read_text())
    key, training = train.run_key(settings), settings["training"]
    assert train.run_key(settings | {"training": training | {"threads": 3}}) != key
    before = {name: value for name, value in training.items() if name not in LATER}
    tables = (before, before | {"threads": None, "workers": 1})
    assert len({train.run_key(settings | {"training": table}) for table in tables}) == 1


def test_the_same_settings_give_the_same_weights(here: Path) -> None:
    before = (TRAINED / "checkpoints.json").read_text()
    shutil.rmtree("runs")
    rawtone("train mine")
    assert (TRAINED / "checkpoints.json").read_text() == before


def test_a_killed_training_goes_on_to_the_same_weights(here: Path) -> None:
    before = (TRAINED / "checkpoints.json").read_text()
    shutil.rmtree("runs")
    shutil.rmtree(TRAINED)
    training = Process("train mine")
    while not list(Path("runs").glob("*/checkpoints/step-*")):
        assert training.runs()
        time.sleep(0.01)
    os.kill(training.pid, signal.SIGKILL)
    assert training.end()[0] == -signal.SIGKILL
    rawtone("train mine")
    assert (TRAINED / "checkpoints.json").read_text() == before


def test_a_terminal_shows_progress_and_time_left_and_the_log_does_not(here: Path) -> None:
    shutil.rmtree("runs")
    ours, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    command = [sys.executable, "-m", "rawtone", "train", "mine", "--log", "log.txt"]
    training = subprocess.Popen(command, stderr=terminal)
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal's way to say that it was closed
        while part := os.read(ours, 4096):
            shown += part
    assert training.wait() == 0
    assert re.search(rb"train: +100%.*40/40 \[\d\d:\d\d<00:00.*step.* bits\]", shown)
    logged = Path("log.txt").read_text().splitlines()
    assert logged
    assert all(line.startswith(("train mine: about ", "train mine: step ")) for line in logged)


def test_another_learning_rate_is_another_run_and_back_is_the_old_one(here: Path) -> None:
    params = yaml.safe_load(PARAMS)
    params["experiments"]["mine"]["training"]["learning_rate"] = 0.001
    (old,) = Path("runs").iterdir()
    (here / "params.yaml").write_text(yaml.safe_dump(params))
    rawtone("settings", "train mine")
    assert len(list(Path("runs").iterdir())) == 2
    (here / "params.yaml").write_text(PARAMS)
    rawtone("settings", "train mine")
    assert json.loads((TRAINED / "config.json").read_text())["run"] == old.name


def test_there_is_a_clip_for_every_checkpoint_temperature_and_seed(here: Path) -> None:
    clips = json.loads((TRAINED / "clips.json").read_text())
    grid = [(clip["step"], clip["temperature"], clip["seed"]) for clip in clips]
    assert grid == [(s, t, seed) for s in (20, 40) for t in (0.9, 1.0) for seed in (0, 1)]
    for clip in clips:
        audio, rate = soundfile.read(TRAINED / clip["wav"])
        assert (len(audio), rate) == (2800, 4000)
        assert np.abs(audio).max() > 0
        assert soundfile.info(TRAINED / clip["mp3"]).duration == pytest.approx(0.7, abs=0.3)


def test_the_same_checkpoint_gives_the_same_clips(here: Path) -> None:
    before = (TRAINED / "clips.json").read_text()
    shutil.rmtree(TRAINED / "clips")
    rawtone("sample mine")
    assert (TRAINED / "clips.json").read_text() == before


def test_a_damaged_checkpoint_is_named(here: Path) -> None:
    weights = sorted((TRAINED / "checkpoints").iterdir())[0]
    weights.unlink()
    weights.write_bytes(b"not weights")
    assert f"{weights}: not the file that checkpoints.json names" in complaint("sample mine")


def test_every_checkpoint_is_measured_on_held_out_and_on_some_learned_audio(here: Path) -> None:
    rows = table.read(TRAINED / "bits.csv")
    assert [(row["step"], row["split"]) for row in rows] == [
        (step, split) for step in ("20", "40") for split in ("train", "validation", "test")
    ]
    found = json.loads((TRAINED / "evaluation.json").read_text())
    seconds = json.loads(Path("data/chunks/mine/corpus.json").read_text())["seconds"]
    for split in ("validation", "test"):
        assert found["samples"][split] == pytest.approx(seconds[split] * 4000)
        assert 0 < found["entropy_bits"][split] <= found["uniform_bits"] == 8
        assert 0 < found["linear_prediction_bits"][split] < found["uniform_bits"]
        assert 0 < found["order_1_bits"][split] < found["uniform_bits"]
        assert found["bits"][split]["bits"] == found[f"{split}_bits"]
    assert found["validation_bits"] < found["uniform_bits"]
    best = min((row for row in rows if row["split"] == "validation"), key=lambda row: row["bits"])
    assert found["best_step"] == int(best["step"])
    apart = found["bits"]["validation"]["bits"] - found["bits"]["train"]["bits"]
    assert found["gap_bits"] == pytest.approx(apart, abs=2e-4)


def test_bits_of_tracks_make_up_those_of_their_split(here: Path) -> None:
    tracks = table.read(TRAINED / "bits_by_track.csv")
    for row in table.read(TRAINED / "bits.csv"):
        own = [t for t in tracks if (t["step"], t["split"]) == (row["step"], row["split"])]
        assert sum(int(t["samples"]) for t in own) == int(row["samples"])
        bits = sum(float(t["bits"]) * int(t["samples"]) for t in own) / int(row["samples"])
        assert bits == pytest.approx(float(row["bits"]), abs=2e-4)


def test_every_clip_is_heard_and_those_of_the_best_checkpoint_judged(here: Path) -> None:
    clips = json.loads((TRAINED / "clips.json").read_text())
    heard = table.read(TRAINED / "melody.csv")
    assert [(row["step"], row["seed"]) for row in heard] == [
        (str(clip["step"]), str(clip["seed"])) for clip in clips
    ]
    verdict = json.loads((TRAINED / "evaluation.json").read_text())["melody"]
    assert (verdict["temperature"], verdict["clips"]) == (1.0, 2)
    assert verdict["passed"] in ((True, False) if verdict["recordings_passed"] else (None,))


def test_metrics_are_the_few_figures_that_a_table_compares(here: Path) -> None:
    """DVC makes a column of every figure in it, so it holds nothing but one line's worth."""
    metrics = json.loads((TRAINED / "metrics.json").read_text())
    found = json.loads((TRAINED / "evaluation.json").read_text())
    bits = {key: found[key] for key in ("best_step", "validation_bits", "test_bits")}
    heard = {"melodies": found["melody"]["passed"], "spectrum_db": found["spectrum_db"]["clips"]}
    chosen = {"chosen_step": found["choice"]["step"]}
    (compared,) = [
        row
        for row in found["sets"]["steps"]
        if row["step"] == found["best_step"] and row["temperature"] == 1
    ]
    apart = {"gap_bits": found["gap_bits"], "kernel_distance": compared["kernel_distance"]}
    assert metrics == bits | heard | chosen | found["clips"] | apart


def test_every_clip_has_a_verdict_a_rank_and_the_reasons_for_it(here: Path) -> None:
    clips = json.loads((TRAINED / "clips.json").read_text())
    rows = table.read(TRAINED / "clips.csv")
    assert [(row["step"], row["seed"]) for row in rows] == [
        (str(clip["step"]), str(clip["seed"])) for clip in clips
    ]
    assert sorted(int(row["rank"]) for row in rows) == list(range(1, len(clips) + 1))
    assert all(row["verdict"] and row["reasons"].endswith(".") for row in rows)
    found = json.loads((TRAINED / "evaluation.json").read_text())
    assert found["choice"]["step"] in (20, 40)
    assert set(found["preview"]["clips"]) <= {int(row["rank"]) for row in rows}
    heard, _ = soundfile.read(TRAINED / found["preview"]["file"])
    assert len(heard) / 4000 > 0.6


def test_an_ear_has_the_last_word(here: Path) -> None:
    last = min(table.read(TRAINED / "clips.csv"), key=lambda row: -int(row["rank"]))
    name = f"step-{int(last['step']):08d}/t{float(last['temperature']):.2f}-s{last['seed']}"
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["experiments"]["mine"]["select"] = {"step": 20, "clips": [name]}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    rawtone("settings")
    rawtone("evaluate mine")
    first = min(table.read(TRAINED / "clips.csv"), key=lambda row: int(row["rank"]))
    assert first["reasons"].startswith("Picked by ear; ")
    choice = json.loads((TRAINED / "evaluation.json").read_text())["choice"]
    assert (choice["step"], choice["pinned"]) == (20, True)
    settings = Path("settings/evaluate/mine.json")
    chosen = settings.read_text()
    settings.write_text(chosen.replace('"step": 20', '"step": 21'))
    assert "experiments.mine.select.step: expected a published checkpoint (20, 40), found 21" in (
        complaint("evaluate mine")
    )
    settings.write_text(chosen.replace("t1.00", "t1.10").replace("t0.90", "t1.10"))
    assert "did you mean 'step-" in complaint("evaluate mine")


def test_a_corpus_without_held_out_audio_is_refused(here: Path) -> None:
    chunks = Path("data/chunks/mine/chunks.csv")
    chunks.write_text(chunks.read_text().replace("validation", "train"))
    assert "no validation chunks" in complaint("train mine")
