"""The command line: one clear line for a person's mistake, and the right exit status."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rawtone import cli
from rawtone.errors import Stopped, UserError
from rawtone.stages import fetch, train


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (UserError("no such folder: x"), 1, "fetch mine: error: no such folder: x"),
        (Stopped("stopped at step 5", 143), 143, "fetch mine: stopped at step 5"),
        (KeyboardInterrupt(), 128 + signal.SIGINT, "fetch mine: stopped"),
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/x"),
            1,
            "fetch mine: error: no space left on the disk while writing runs/x",
        ),
    ],
)
def test_what_a_stage_raises_becomes_one_line_and_a_status(
    raised: BaseException,
    status: int,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(name: str) -> None:
        raise raised

    monkeypatch.setattr(fetch, "run", fail)
    log = tmp_path / "logs" / "fetch.log"
    assert cli.main(["fetch", "mine", "--log", str(log)]) == status
    printed = capsys.readouterr().err
    assert printed.startswith(line)
    assert printed.count("\n") == 1
    assert log.read_text() == printed


def test_a_bug_is_not_dressed_up_as_a_users_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(fetch, "run", broken)
    with pytest.raises(OSError, match="I/O error"):
        cli.main(["fetch", "mine"])


class _Workflow:
    """What tries again whatever fails, and removes the log before."""

    def __init__(self, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = log
        self.runs = 0
        self.raised: BaseException | None = None
        monkeypatch.setattr(train, "run", self._run)
        monkeypatch.setattr(cli, "PAUSE", 0)

    def _run(self, _name: str) -> None:
        self.runs += 1
        if self.raised:
            raise self.raised

    def attempt(self, number: int) -> int:
        self.log.unlink(missing_ok=True)
        return cli.main(["train", "mine", "--attempt", str(number), "--log", str(self.log)])


@pytest.fixture
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Workflow:
    return _Workflow(tmp_path / "logs/mine.log", monkeypatch)


@pytest.mark.parametrize("raised", [UserError("mend this"), Stopped("stopped at step 5", 143)])
def test_what_ended_on_purpose_is_not_tried_again_by_a_workflow(
    workflow: _Workflow, raised: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow.raised = raised
    assert workflow.attempt(1) != 0
    told = capsys.readouterr().err
    assert workflow.attempt(2) != 0
    assert workflow.attempt(3) != 0
    assert workflow.runs == 1
    assert capsys.readouterr().err == ""
    assert workflow.log.read_text() == told


def test_the_next_command_of_a_person_tries_again(workflow: _Workflow) -> None:
    workflow.raised = UserError("mend this")
    workflow.attempt(1)
    workflow.raised = None
    assert workflow.attempt(1) == 0
    assert workflow.runs == 2
    assert [file.name for file in workflow.log.parent.iterdir()] == ["mine.log"]


def test_a_crash_is_tried_again_and_said(
    workflow: _Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow.raised = RuntimeError("CUDA error")
    with pytest.raises(RuntimeError):
        workflow.attempt(1)
    workflow.raised = None
    assert workflow.attempt(2) == 0
    assert workflow.runs == 2
    assert "trying again" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_ends_any_stage_in_order(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch, "run", lambda _name: signal.raise_signal(number))
    before = signal.getsignal(number)
    assert cli.main(["fetch", "mine"]) == 128 + number
    assert capsys.readouterr().err == "fetch mine: stopped\n"
    assert signal.getsignal(number) == before


STAGE = """
import os, time
from rawtone import cli
from rawtone.stages import fetch
fetch.run = lambda name: print(os.getpid(), flush=True) or time.sleep(60)
cli.main(["fetch", "mine"])
"""
PARENT = """
import os, subprocess, sys
os.environ["RAWTONE_END_WITH"] = str(os.getpid())
subprocess.run([sys.executable, "-c", sys.argv[1]])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")
def test_a_stage_ends_with_the_workflow_that_started_it() -> None:
    command = [sys.executable, "-c", PARENT, STAGE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        parent.stdout.readline()
        parent.kill()
        assert parent.stdout.read() == ""  # at its end: the stage held it open, too
        assert parent.wait() != 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")
def test_a_stage_whose_workflow_died_before_it_could_listen_ends_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    environment = os.environ | {"RAWTONE_END_WITH": str(dead.pid)}
    command = [sys.executable, "-c", STAGE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.stdout == ""


def test_a_name_without_settings_is_told(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rawtone", "train", "nobody"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == (
        "train nobody: error: settings/train/nobody.json: no settings for 'nobody'; "
        "is it in params.yaml?\n"
    )


def test_the_command_line_starts_without_a_tensor_library() -> None:
    code = (
        "import sys, rawtone.cli, rawtone.stages.fetch, rawtone.stages.convert, "
        "rawtone.stages.chunk, rawtone.stages.settings\n"
        "heavy = {'tensorflow', 'keras', 'jax', 'torch', 'matplotlib', 'pandas'} & set(sys.modules)"
        "\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
