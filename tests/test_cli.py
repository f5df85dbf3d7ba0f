"""The command line: one clear line for a person's mistake, and the right exit status."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rawtone import cli
from rawtone.errors import Stopped, UserError
from rawtone.stages import fetch


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
