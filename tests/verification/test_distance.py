"""How far results are from those of a commit, by the small files that git holds."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from rawtone.audio.fingerprint import fingerprint
from rawtone.files import write_atomically, write_json
from rawtone.verification.distance import measure

CLIP = np.arange(5000, dtype=np.int16)
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]


def write(bits: float, second: np.ndarray, checksum: str, cpu: str) -> None:
    """Write what an experiment publishes for git."""
    folder = Path("results/x")
    checkpoints = [{"step": 10, "sha256": "a"}, {"step": 20, "sha256": checksum}]
    write_json(folder / "checkpoints.json", {"checkpoints": checkpoints})
    clips = [
        {"wav": name, "fingerprint": fingerprint(samples)}
        for name, samples in (("one.wav", CLIP), ("two.wav", second))
    ]
    write_json(folder / "clips.json", clips)
    table = f"step,split,bits,samples\n10,test,2.0,9\n20,test,{bits},9\n"
    write_atomically(folder / "bits.csv", table)
    write_json(folder / "config.json", {"cpu": cpu, "threads": 2, "versions": {"keras": "3"}})


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project whose results are committed."""
    monkeypatch.chdir(tmp_path)
    write(1.75, CLIP, "b", "old")
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "x"]):
        subprocess.run([*GIT, *command], check=True)


def test_the_same_results_are_no_distance_apart() -> None:
    distance = measure("HEAD", "x")
    assert (distance.checkpoints, distance.clips) == ((0, 2), (0, 2))
    assert (distance.bits, distance.samples, distance.machinery) == (0.0, None, {})


def test_the_distance_is_in_bits_and_samples_and_names_the_machines() -> None:
    other = CLIP.copy()
    other[3210:] = 0
    write(1.5, other, "c", "new")
    distance = measure("HEAD", "x")
    assert (distance.checkpoints, distance.clips) == ((1, 2), (1, 2))
    assert (distance.bits, distance.samples) == (0.25, 3000)
    assert distance.machinery == {"cpu": ("old", "new")}


def test_an_experiment_that_was_not_recorded_has_nothing_in_common() -> None:
    Path("results/x").rename("results/y")
    distance = measure("HEAD", "y")
    assert (distance.checkpoints, distance.bits, distance.clips) == ((0, 0), None, (0, 0))
