"""A disk that is really full while training: one clear line, and nothing that was saved is lost."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

PARAMS = """
corpora:
  mine: {sources: [{folder: music}], sample_rate: 4000, chunk: {seconds: 1.0, overlap: 0.2}}
experiments:
  mine:
    corpus: mine
    preset: wavenet-demo
    model: {dilations: [1, 2, 4], residual_channels: 8, dilation_channels: 8, skip_channels: 8}
    training:
      {steps: 3000, window: 100, validate_every: 100, checkpoint_every: 100, keep: {last: 3}}
"""


@pytest.fixture
def small_disk(project: Path) -> Iterator[Path]:
    """Mount a file system of 2 MB where runs are kept."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    place = project / "runs"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def rawtone(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command and return what it said."""
    command = [sys.executable, "-m", "rawtone", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def ready(small_disk: Path) -> Path:
    """Prepare all that training needs."""
    Path("music").mkdir()
    for name in range(4):
        tone = 0.3 * np.sin(np.arange(12000) * (0.1 + name / 20))
        soundfile.write(f"music/{name}.wav", tone, 4000)
    Path("params.yaml").write_text(PARAMS)
    for stage in ("settings", "fetch", "convert", "chunk"):
        assert rawtone(stage, *(["mine"] if stage != "settings" else [])).returncode == 0
    return small_disk


def test_a_disk_full_while_training_stops_it_and_room_lets_it_go_on(ready: Path) -> None:
    command = [sys.executable, "-m", "rawtone", "train", "mine"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
        while not list(ready.glob("*/weights/step-*")):
            assert training.poll() is None
            time.sleep(0.01)
        fill(ready / "ballast")
        _, said = training.communicate()
    assert training.returncode == 1
    assert "no space left on the disk" in said
    assert "Traceback" not in said
    assert not [path for path in ready.rglob("*") if path.name.startswith(".")]

    (ready / "ballast").unlink()
    assert rawtone("train", "mine").returncode == 0
    published = json.loads(Path("results/mine/checkpoints.json").read_text())
    assert [c["step"] for c in published["checkpoints"]] == [2800, 2900, 3000]


def test_a_disk_too_small_for_the_checkpoints_is_refused_before_training(ready: Path) -> None:
    (ready / "ballast").write_bytes(bytes(2**21 - 2**16))
    refused = rawtone("train", "mine")
    assert refused.returncode == 1
    assert "of disk, and" in refused.stderr
    assert "training.keep" in refused.stderr
    assert not list(ready.glob("*/checkpoints"))


def fill(path: Path) -> None:
    """Write until not a byte more fits."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
