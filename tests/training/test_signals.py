"""Signals: the first asks, the second ends at once, and the death of the parent asks, too."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LISTENER = """
import os, sys, time
from rawtone.training.signals import PARENT_DIED, listening, signal_on_parent_death
with listening() as stop:
    signal_on_parent_death(PARENT_DIED)
    print("listening", os.getpid(), flush=True)
    while stop.signal is None:
        time.sleep(0.01)
    print(stop.reason, stop.status, flush=True)
    time.sleep(float(sys.argv[1]))
"""


def listener(saving: float, **options: object) -> "subprocess.Popen[str]":
    """Start a process that listens, and after the first signal takes its time."""
    command = [sys.executable, "-c", LISTENER, str(saving)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]
    assert process.stdout.readline().startswith("listening")
    return process  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP"])
def test_a_signal_is_a_request_and_the_second_of_any_kind_ends_at_once(name: str) -> None:
    with listener(saving=30) as process:
        process.send_signal(signal.Signals[name])
        assert process.stdout is not None
        assert process.stdout.readline() == f"{name} {128 + signal.Signals[name]}\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == -signal.SIGTERM


def test_nohup_keeps_its_promise() -> None:
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with listener(saving=0, preexec_fn=ignore) as process:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("SIGTERM")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's PR_SET_PDEATHSIG")
def test_the_death_of_the_parent_is_a_request_where_that_was_asked_for(tmp_path: Path) -> None:
    code = tmp_path / "listener.py"
    code.write_text(LISTENER)
    said = tmp_path / "said"
    command = f"[sys.executable, {str(code)!r}, '0'], stdout=open({str(said)!r}, 'w')"
    start = f"import subprocess, sys, time\nsubprocess.Popen({command})\ntime.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", start])
    _wait_for(said, "listening")
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    _wait_for(said, f"parent {128 + signal.SIGTERM}")


def _wait_for(file: Path, words: str) -> None:
    for _ in range(500):
        if file.exists() and words in file.read_text():
            return
        time.sleep(0.02)
    raise AssertionError(f"'{words}' never came")
