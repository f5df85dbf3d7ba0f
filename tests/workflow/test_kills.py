"""Whatever ends a training, under Snakemake or DVC: one command goes on, to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rawtone.files import sha256

pytestmark = pytest.mark.timeout(180)

ROOT = Path(__file__).parents[2]
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
    model: {dilations: [1, 2, 4], residual_channels: 4, dilation_channels: 4, skip_channels: 4}
    training: {steps: 900, window: 100, validate_every: 300, checkpoint_every: 300}
"""
SNAKEMAKE = ("snakemake", "results/mine/config.json")
DVC = ("dvc", "repro", "--single-item", "train@mine")


def _log(root: Path) -> str:
    return "".join(log.read_text() for log in root.glob("runs/*/train.log"))


def _steps(root: Path) -> int:
    return _log(root).count("\nstep ")


def _wait_for_steps(session, number: int) -> None:
    """Wait until a training has logged so many steps more."""
    goal = _steps(session.root) + number
    while _steps(session.root) < goal:
        assert session.process.poll() is None, session.printed.read_text()
        time.sleep(0.02)


def _published(root: Path) -> dict[str, str]:
    """Return what must not depend on how often a training was stopped."""
    files = sorted(root.glob("results/mine/checkpoints/*.npz"))
    return {file.name: sha256(file) for file in [*files, root / "results/mine/checkpoints.json"]}


def _ctrl_c(session: Any) -> None:
    os.killpg(session.process.pid, signal.SIGINT)


def _to_the_tool(number: signal.Signals) -> Callable[[Any], None]:
    return lambda session: os.kill(session.process.pid, number)


def _to_the_trainer(number: signal.Signals) -> Callable[[Any], None]:
    return lambda session: os.kill(session.find("rawtone", "train"), number)


@pytest.fixture(scope="module")
def chunked(real):
    """A project with real stages, of which all up to `chunk` ran."""
    project = real(PARAMS)
    (project.root / "music").mkdir()
    random = np.random.default_rng(0)
    for name in range(4):
        turns = np.cumsum(np.repeat(random.integers(200, 800, 20), 800)) / 4000
        soundfile.write(project.root / f"music/{name}.wav", 0.4 * np.sin(2 * np.pi * turns), 4000)
    project.run("snakemake", "data/chunks/mine/corpus.json")
    return project


@pytest.fixture(scope="module")
def undisturbed(chunked, tmp_path_factory):
    """A project in which nobody stopped the training."""
    project = chunked.copy(tmp_path_factory.mktemp("undisturbed") / "project")
    project.run(*SNAKEMAKE)
    return project


@pytest.fixture
def project(chunked, tmp_path):
    """A copy for one test alone."""
    return chunked.copy(tmp_path / "project")


# The reason that the training log has to give, and what ends it.
OF_SNAKEMAKE = [
    ("SIGINT", _ctrl_c),
    ("SIGTERM", _to_the_trainer(signal.SIGTERM)),
    ("parent", _to_the_tool(signal.SIGTERM)),
    ("parent", _to_the_tool(signal.SIGKILL)),
]
OF_DVC = [
    ("parent", _to_the_tool(signal.SIGTERM)),
    ("parent", _to_the_tool(signal.SIGKILL)),
]


@pytest.mark.parametrize(
    ("command", "ends"), [(SNAKEMAKE, OF_SNAKEMAKE), (DVC, OF_DVC)], ids=["snakemake", "dvc"]
)
def test_after_any_end_the_same_command_goes_on_to_the_same_bytes(
    command, ends, start, undisturbed
):
    """It is saved each time, is not started again by itself, and leaves no process and no lock."""
    for reason, end in ends:
        session = start(*command)
        _wait_for_steps(session, 2)
        end(session)
        assert session.end() != 0
        printed = session.printed.read_text()
        assert printed.count("stopped at step") == 1, printed
        assert "Traceback" not in printed
        assert _log(session.root).endswith(f": {reason}\n")
    again = start(*command)
    assert again.end() == 0, again.printed.read_text()
    assert _log(again.root).count("\nresume at step") == len(ends)
    assert _published(again.root) == _published(undisturbed.root)


def test_snakemake_starts_a_killed_trainer_again_by_itself(start, undisturbed):
    """As the system kills it where memory is short; it resumes from its last checkpoint."""
    session = start(*SNAKEMAKE)
    while not list(session.root.glob("runs/*/checkpoints/step-*")):
        _wait_for_steps(session, 1)
    _to_the_trainer(signal.SIGKILL)(session)
    assert session.end() == 0, session.printed.read_text()
    assert session.printed.read_text().count("trying again") == 1
    assert _log(session.root).count("\nresume at step") == 1
    assert _published(session.root) == _published(undisturbed.root)


def test_what_the_user_has_to_mend_is_told_once_and_kept_in_the_log(project, start, undisturbed):
    """Trying again would not mend it."""
    (run,) = (undisturbed.root / "runs").iterdir()
    (project.root / "runs" / run.name / "checkpoints/step-00000005").mkdir(parents=True)
    session = start(*SNAKEMAKE)
    assert session.end() == 1
    printed = session.printed.read_text()
    assert printed.count("none of its 1 checkpoints is whole") == 1, printed
    assert "restart" not in printed
    assert "trying again" not in printed
    assert (
        "none of its 1 checkpoints is whole" in (session.root / "logs/train/mine.log").read_text()
    )


ALIVE = """
import sys, time
from workflow import lifeline
lifeline.unlock_after_the_dead()
print("alive", flush=True)
sys.stdin.read()
"""


@contextmanager
def _alive(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Be a Snakemake in a folder, as far as its lock of the living goes."""
    command = [sys.executable, "-c", ALIVE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, **pipes) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_locks_of_the_living_stay_and_those_of_the_dead_go(tmp_path):
    """However many Snakemakes work in a folder, on different files."""
    lock = tmp_path / ".snakemake/locks/0.output.lock"
    with _alive(tmp_path):
        with _alive(tmp_path):
            lock.parent.mkdir()
            lock.touch()
            with _alive(tmp_path):
                assert lock.exists()
        with _alive(tmp_path):
            assert lock.exists()
    with _alive(tmp_path):
        assert not lock.exists()
