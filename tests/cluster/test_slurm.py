"""Through a real Slurm: the whole chain; and whatever Slurm interrupts ends with the same bytes."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from rawtone.files import sha256

SNAKEMAKE = (
    *("snakemake", "--workflow-profile", "profiles/slurm"),
    *("--slurm-init-seconds-before-status-checks", "2"),
)
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
    sampling: {seconds: 0.5, temperatures: [1.0], seeds: [0]}
"""


def _slurm(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _missing() -> str:
    """Return what stands in the way of these tests, or nothing."""
    if find_spec("snakemake_executor_plugin_slurm") is None:
        return "needs the packages of requirements-cluster.lock: `make test-cluster`"
    try:
        partitions = set(_slurm("sinfo", "--noheader", "--format=%R").split())
    except (FileNotFoundError, subprocess.CalledProcessError):
        partitions = set()
    if partitions >= {"low", "high"}:
        return ""
    return "needs a Slurm with partitions low and high: `tests/cluster/slurm.sh start` as root"


why_not = _missing()
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(why_not), reason=why_not),
]


def _until(met: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, met
        time.sleep(0.1)


class Training:
    """A training in a job of Slurm's, held between two steps until Slurm has something to say."""

    def __init__(self, project) -> None:
        self.project = project
        self.printed: Path = project.root.parent / "printed.txt"
        with self.printed.open("w") as file:
            self.process = subprocess.Popen(
                [*SNAKEMAKE, "results/mine/config.json"],
                cwd=project.root,
                env=project.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        _until(lambda: self.log().count("\nstep ") >= 2 or self.process.poll() is not None)
        assert self.process.poll() is None, self.printed.read_text()
        self.trainer = self._trainer()
        self.trainer.suspend()
        jobs = [line.split() for line in _slurm("squeue", "--noheader", "-o%i %Z").splitlines()]
        (self.job,) = (job for job, folder in jobs if folder == str(project.root))

    def _trainer(self) -> psutil.Process:
        """Return the one process that trains in this project."""
        (found,) = (
            process
            for process in psutil.process_iter(["cmdline", "cwd"])
            if process.info["cwd"] == str(self.project.root)
            and [Path(word).name for word in process.info["cmdline"][1:3]] == ["rawtone", "train"]
        )
        return found

    def log(self) -> str:
        """Return the log of the run."""
        return "".join(log.read_text() for log in self.project.root.glob("runs/*/train.log"))

    def shown(self, field: str) -> str:
        """Return what Slurm says of the job, such as `RUNNING` for `%T`."""
        return _slurm("squeue", "--noheader", f"--jobs={self.job}", "--states=all", f"-o{field}")

    def has_stopped(self) -> bool:
        """Tell whether it has saved and gone; let it receive what Slurm has sent meanwhile."""
        if "\nstop at step" in self.log():
            return True
        status = Path(f"/proc/{self.trainer.pid}/status").read_text()
        pending = [line.split()[1] for line in status.splitlines() if "Pnd:" in line]
        if any(int(signals, 16) for signals in pending):
            self.trainer.resume()
        return False

    def end(self) -> None:
        """Wait for Snakemake, which must have seen nothing fail."""
        status = self.process.wait(timeout=400)
        printed = self.printed.read_text()
        assert status == 0, printed
        assert "Error" not in printed
        assert printed.count("has been submitted") == 1
        assert "Restarts=1 " in _slurm("scontrol", "--oneliner", "show", "job", self.job)


def _published(root: Path) -> dict[str, str]:
    files = sorted(root.glob("results/mine/checkpoints/*.npz"))
    return {file.name: sha256(file) for file in [*files, root / "results/mine/checkpoints.json"]}


@pytest.fixture(scope="module")
def undisturbed(real):
    """A project that Slurm's jobs have built, from recordings to the page."""
    project = real(PARAMS)
    (project.root / "music").mkdir()
    random = np.random.default_rng(0)
    for name in range(4):
        turns = np.cumsum(np.repeat(random.integers(200, 800, 20), 800)) / 4000
        soundfile.write(project.root / f"music/{name}.wav", 0.4 * np.sin(2 * np.pi * turns), 4000)
    (project.root.parent / "printed.txt").write_text(project.run(*SNAKEMAKE).stderr)
    return project


@pytest.fixture
def training(undisturbed, tmp_path) -> Iterator[Training]:
    """A training under way; nothing of it outlives the test."""
    project = undisturbed.copy(tmp_path / "project")
    project.run("rm", "-rf", "runs", "results/mine")
    started = Training(project)
    yield started
    started.process.kill()
    started.process.wait()
    _slurm("scancel", started.job)


def test_jobs_of_slurm_build_everything_and_both_tools_then_have_nothing_to_do(undisturbed):
    """Heavy stages are jobs; light ones run where Snakemake does, which has a network to fetch."""
    printed = (undisturbed.root.parent / "printed.txt").read_text()
    submitted = re.findall(r"slurm_logs/rule_(\w+)/", printed)
    assert submitted == ["convert", "chunk", "train", "sample", "evaluate"]
    assert undisturbed.plan() == set()
    assert undisturbed.status() == set()
    assert (undisturbed.root / "report/index.html").exists()


def _requeue(training: Training) -> str:
    _slurm("scontrol", "requeue", training.job)
    return "SIGTERM"


def _preempt(training: Training) -> str:
    urgent = ("--partition=high", "--gres=gpu:1", "--output=/dev/null", "--wrap=true")
    _slurm("sbatch", *urgent)
    return "SIGTERM"


def _reach_the_time_limit(training: Training) -> str:
    """Leave it the three minutes that Slurm needs to give notice two minutes before."""
    *_, minutes, _ = training.shown("%M").split(":")
    limit = int(minutes) + 3
    _slurm("scontrol", "update", f"job={training.job}", f"TimeLimit={limit}")
    _until(training.has_stopped)
    _until(lambda: training.shown("%T") == "PENDING")
    _slurm("scontrol", "update", f"job={training.job}", "TimeLimit=60")
    return "SIGUSR1"


@pytest.mark.parametrize("interrupt", [_requeue, _preempt, _reach_the_time_limit])
def test_a_training_that_slurm_interrupts_goes_on_in_the_same_job_to_the_same_bytes(
    interrupt, training, undisturbed
):
    """Snakemake waits for it, and needs no try of its own."""
    reason = interrupt(training)
    training.end()
    assert training.log().count(f": {reason}\n") == 1, training.log()
    assert training.log().count("resume at step ") == 1
    assert _published(training.project.root) == _published(undisturbed.root)


def test_ctrl_c_ends_the_job_for_good_and_the_training_saves(training):
    """Slurm's queue is left empty, and the same command would go on."""
    training.process.send_signal(signal.SIGINT)
    assert training.process.wait(timeout=120) != 0
    _until(lambda: training.shown("%T") == "CANCELLED")
    assert training.log().endswith(": SIGTERM\n")
