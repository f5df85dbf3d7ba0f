"""A disk that is really full while training: one clear line, and nothing that was saved is lost."""

import json
import os
import shutil
import subprocess
import sys
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
    model: {dilations: [1, 2, 4], residual_channels: 16, dilation_channels: 16, skip_channels: 16}
    training: {steps: 12, window: 100, validate_every: 12, checkpoint_every: 4}
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


def test_a_full_disk_stops_the_training_and_room_lets_it_go_on(small_disk: Path) -> None:
    Path("music").mkdir()
    for name in range(4):
        tone = 0.3 * np.sin(np.arange(12000) * (0.1 + name / 20))
        soundfile.write(f"music/{name}.wav", tone, 4000)
    Path("params.yaml").write_text(PARAMS)
    for stage in ("settings", "fetch", "convert", "chunk"):
        assert rawtone(stage, *(["mine"] if stage != "settings" else [])).returncode == 0
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2**20 + 2**19 + 2**18 + 2**16))

    stopped = rawtone("train", "mine")
    assert stopped.returncode == 1
    assert "no space left on the disk" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert not [p for p in small_disk.rglob("*") if p.name.startswith(".")]

    ballast.unlink()
    assert rawtone("train", "mine").returncode == 0
    published = json.loads(Path("results/mine/checkpoints.json").read_text())
    assert [c["step"] for c in published["checkpoints"]] == [4, 8, 12]
