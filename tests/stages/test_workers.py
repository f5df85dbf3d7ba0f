"""Several processes train one run: the curve of a single one, and an end together."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from rawtone.files import sha256
from rawtone.training.history import parse

RATE = 2000
TRAINING = {
    "steps": 400,
    "batch_size": 6,
    "window": 64,
    "accumulate": 2,
    "ema": 0.9,
    "clip_norm": 0.1,
    "log_every": 1,
    "validate_every": 50,
    "validation_batches": 2,
    "checkpoint_every": 100,
}
MODEL = {"dilations": [1], "residual_channels": 4, "dilation_channels": 4, "skip_channels": 4}


def experiment(workers: int) -> dict[str, object]:
    """Return an experiment of so many workers, whose float32 sums are in another order."""
    return {
        "corpus": "mine",
        "preset": "wavenet-demo",
        "quantizer": {"levels": 16},
        "model": MODEL,
        "training": TRAINING | {"workers": workers},
    }


@pytest.fixture(scope="module")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what makes a project that is ready to train."""

    def make(name: str) -> Path:
        root = tmp_path_factory.mktemp(name)
        (root / "music").mkdir()
        corpus = {
            "sources": [{"folder": "music"}],
            "sample_rate": RATE,
            "chunk": {"seconds": 1.0, "overlap": 0.2},
        }
        experiments = {"alone": experiment(1), "shared": experiment(2)}
        params = {"corpora": {"mine": corpus}, "experiments": experiments}
        (root / "params.yaml").write_text(yaml.safe_dump(params))
        for index in range(4):
            tone = 0.3 * np.sin(np.arange(3 * RATE) * (0.1 + index / 20))
            soundfile.write(root / f"music/{index}.wav", tone, RATE)
        for command in (["settings"], *(["fetch", "mine"], ["convert", "mine"], ["chunk", "mine"])):
            subprocess.run([sys.executable, "-m", "rawtone", *command], cwd=root, check=True)
        return root

    return make


def start(root: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start a training."""
    return subprocess.Popen(
        [sys.executable, "-m", "rawtone", "train", *arguments],
        cwd=root,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]", patience: float = 120) -> tuple[int, str]:
    """Wait for a training; return its status and what it said."""
    _, said = process.communicate(timeout=patience)
    return process.returncode, said


def run_of(root: Path, name: str) -> Path:
    """Return the folder of an experiment's run."""
    config = json.loads((root / "results" / name / "config.json").read_text())
    return root / "runs" / config["run"]


@pytest.fixture(scope="module")
def undisturbed(make_project: Callable[[str], Path]) -> Path:
    """A project in which one process trained alone, and two that a launcher started together."""
    root = make_project("undisturbed")
    assert ended(start(root, "alone"))[0] == 0
    with socket.create_server(("127.0.0.1", 0)) as probe:
        workers = [f"127.0.0.1:{probe.getsockname()[1]}", "127.0.0.1:0"]
    told = [
        json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
        for index in range(2)
    ]
    processes = [start(root, "shared", TF_CONFIG=text) for text in told]
    for status, said in map(ended, processes):
        assert status == 0, said
    return root


def test_two_processes_learn_what_one_learns_up_to_rounding(undisturbed: Path) -> None:
    logs = [undisturbed / "results" / name / "train.log" for name in ("alone", "shared")]
    curves = [
        [(row.step, row.loss, row.validation_loss) for row in parse(log.read_text())]
        for log in logs
    ]
    assert len(curves[0]) == len(curves[1]) >= TRAINING["steps"]
    for alone, shared in zip(*curves, strict=True):
        assert shared == pytest.approx(alone, abs=0.0011)  # the log has three decimals
    first, last = curves[0][0][1], curves[0][-1][1]
    assert last < 0.8 * first  # it did learn

    runs = [run_of(undisturbed, name) for name in ("alone", "shared")]
    facts = [max((run / "checkpoints").iterdir()) / "facts.json" for run in runs]
    alone, shared = (json.loads(path.read_text())["validation_loss"] for path in facts)
    assert shared == pytest.approx(alone, rel=1e-4)
    assert shared != alone  # so it was added up in another order
    for path in sorted((runs[0] / "weights").iterdir()):
        one, other = np.load(path), np.load(runs[1] / "weights" / path.name)
        for name in one.files:
            np.testing.assert_allclose(other[name], one[name], atol=1e-3)


def test_the_log_says_who_trained_and_what_they_exchange(undisturbed: Path) -> None:
    host = socket.gethostname()
    assert (
        f"note: 2 workers, 0 on {host}, 1 on {host}; every step adds up "
        in (run_of(undisturbed, "shared") / "train.log").read_text()
    )


def others_of(process: "subprocess.Popen[str]") -> list[int]:
    """Return the processes that worker 0 started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in children.read_text().split()]


def wait_for_steps(root: Path, process: "subprocess.Popen[str]", more: int) -> None:
    """Wait until so many steps more are in the log."""

    def count() -> int:
        logs = list((root / "runs").glob("*/train.log"))
        return sum(log.read_text().count("sec/step") for log in logs)

    wanted, until = count() + more, time.monotonic() + 120
    while count() < wanted:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")
def test_killed_and_stopped_and_resumed_two_processes_end_with_the_same_bytes(
    make_project: Callable[[str], Path], undisturbed: Path
) -> None:
    root = make_project("disturbed")

    process = start(root, "shared", "--attempt", "1", "--log", "log")
    wait_for_steps(root, process, 150)
    (other,) = others_of(process)
    os.kill(other, signal.SIGKILL)
    killed = time.monotonic()
    status, said = ended(process)
    assert time.monotonic() - killed < 10
    assert status == 1
    line = said.splitlines()[-1]
    assert "error: worker 1 on " in line
    assert "was killed by SIGKILL" in line
    assert "the same command goes on" in line
    assert "Traceback" not in said
    assert not (root / "log.ended").exists()  # so Snakemake's next attempt goes on

    process = start(root, "shared")
    wait_for_steps(root, process, 50)
    (other,) = others_of(process)
    for number in (other, process.pid):  # as Slurm signals all tasks
        os.kill(number, signal.SIGUSR1)
    status, said = ended(process)
    assert (status, "stopped at step" in said) == (128 + signal.SIGUSR1, True), said
    assert not Path(f"/proc/{other}").exists()

    assert ended(start(root, "shared"))[0] == 0
    runs = [run_of(folder, "shared") for folder in (undisturbed, root)]
    final = [
        {
            str(file.relative_to(run)): sha256(file)
            for file in [
                *(run / "weights").iterdir(),
                *max((run / "checkpoints").iterdir()).iterdir(),
            ]
        }
        for run in runs
    ]
    assert final[0] == final[1]
    assert len(final[0]) == 4 + 3
