"""Whatever ends a training, under Snakemake or DVC: one command goes on, to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
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


class Session:
    """A command in a session of its own, as in a terminal, and all that it started."""

    def __init__(self, project, *command: str) -> None:
        self.root: Path = project.root
        self.printed = project.root.parent / "printed.txt"
        with self.printed.open("w") as file:
            self.process = subprocess.Popen(
                command,
                cwd=self.root,
                env=project.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def living(self) -> list[psutil.Process]:
        """Return every process of the session, orphans too."""
        return [p for p in psutil.process_iter() if self._is_ours(p)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            ours = os.getsid(process.pid) == self.process.pid
            return ours and process.status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False

    def find(self, *words: str) -> int:
        """Return the process whose command line has these words."""
        (found,) = (p.pid for p in self.living() if set(words) <= _words(p))
        return found

    def wait_for_steps(self, number: int) -> None:
        """Wait until a training has logged so many steps more."""
        goal = _steps(self.root) + number
        while _steps(self.root) < goal:
            assert self.process.poll() is None, self.printed.read_text()
            time.sleep(0.02)

    def end(self) -> int:
        """Wait until nothing of it is left; return the exit status of the command."""
        status = self.process.wait(timeout=60)
        deadline = time.monotonic() + 30
        while self.living():
            assert time.monotonic() < deadline, self.living()
            time.sleep(0.05)
        return status


def _words(process: psutil.Process) -> set[str]:
    try:
        return {Path(word).name for word in process.cmdline()}
    except psutil.NoSuchProcess:
        return set()


def _log(root: Path) -> str:
    return "".join(log.read_text() for log in root.glob("runs/*/train.log"))


def _steps(root: Path) -> int:
    return _log(root).count("\nstep ")


def _published(root: Path) -> dict[str, str]:
    """Return what must not depend on how often a training was stopped."""
    files = sorted(root.glob("results/mine/checkpoints/*.npz"))
    return {file.name: sha256(file) for file in [*files, root / "results/mine/checkpoints.json"]}


def _ctrl_c(session: Session) -> None:
    os.killpg(session.process.pid, signal.SIGINT)


def _to_the_tool(number: signal.Signals) -> Callable[[Session], None]:
    return lambda session: os.kill(session.process.pid, number)


def _to_the_trainer(number: signal.Signals) -> Callable[[Session], None]:
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


@pytest.fixture
def start(project) -> Iterator[Callable[..., Session]]:
    """Return what starts a command in the project; nothing of it outlives the test."""
    sessions = []

    def start(*command: str) -> Session:
        sessions.append(Session(project, *command))
        return sessions[-1]

    yield start
    for session in sessions:
        for process in session.living():
            process.kill()
        session.process.wait()


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
        session.wait_for_steps(2)
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
        session.wait_for_steps(1)
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
