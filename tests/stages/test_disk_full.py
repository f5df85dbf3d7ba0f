"""A disk that is really full while training: one clear line, and nothing that was saved is lost."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.commands import Process, complaint, rawtone

PARAMS = """
corpora:
  mine: {sources: [{folder: music}], sample_rate: 4000, chunk: {seconds: 1.0, overlap: 0.2}}
experiments:
  mine:
    corpus: mine
    preset: wavenet-demo
    model: {dilations: [1, 2, 4], residual_channels: 8, dilation_channels: 8, skip_channels: 8}
    training:
      {steps: 1000, window: 100, validate_every: 100, checkpoint_every: 100, keep: {last: 3}}
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


@pytest.fixture
def ready(small_disk: Path) -> Path:
    """Prepare all that training needs."""
    Path("music").mkdir()
    for name in range(4):
        tone = 0.3 * np.sin(np.arange(12000) * (0.1 + name / 20))
        soundfile.write(f"music/{name}.wav", tone, 4000)
    Path("params.yaml").write_text(PARAMS)
    rawtone("settings", "fetch mine", "convert mine", "chunk mine")
    return small_disk


def test_a_disk_full_while_training_stops_it_and_room_lets_it_go_on(ready: Path) -> None:
    training = Process("train mine")
    while not list(ready.glob("*/weights/step-*")):
        assert training.runs()
        time.sleep(0.01)
    fill(ready / "ballast")
    status, said = training.end()
    assert status == 1
    assert "no space left on the disk" in said
    assert "Traceback" not in said
    assert not [path for path in ready.rglob("*") if path.name.startswith(".")]

    (ready / "ballast").unlink()
    rawtone("train mine")
    published = json.loads(Path("results/mine/checkpoints.json").read_text())
    assert [c["step"] for c in published["checkpoints"]] == [800, 900, 1000]


def test_a_disk_too_small_for_the_checkpoints_is_refused_before_training(ready: Path) -> None:
    (ready / "ballast").write_bytes(bytes(2**21 - 2**16))
    refused = complaint("train mine")
    assert "of disk, and" in refused
    assert "training.keep" in refused
    assert not list(ready.glob("*/checkpoints"))


def fill(path: Path) -> None:
    """Write until not a byte more fits."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
