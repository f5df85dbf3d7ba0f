"""Who works for whom, and ends with whom: stages with Snakemake, Snakemake with its DVC.

A tool that is killed can tell nobody. So the system tells: a stage saves and ends when the
Snakemake that started it is gone (Linux only), Snakemake when the `dvc repro` is. And the locks
that a dead Snakemake left are taken away by the next one, which knows it by a lock of the living.
"""

import fcntl
import os
import shutil
import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

from rawtone.training.signals import PARENT_DIED

LOCKS = Path(".snakemake/locks")
ALIVE = Path(".snakemake/alive")
_held: list[IO[str]] = []  # open files, so held until this process ends, however it ends


def tie() -> None:
    """Let stages end with this process, and this process with the `dvc repro` it works for.

    To be called in the main process, while the Snakefile is read.
    """
    os.environ["RAWTONE_END_WITH"] = str(os.getpid())
    if "DVC_STAGE" in os.environ and threading.current_thread() is threading.main_thread():
        signal.signal(PARENT_DIED, _end_with_all_below)
        threading.Thread(target=_watch_dvc, daemon=True).start()


def end_on_sigterm() -> None:
    """Let SIGTERM do what Ctrl-C does; Snakemake itself would first finish a week of training.

    To be called when jobs are about to start: Snakemake sets its own handler before that.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end_with_all_below)


def _watch_dvc() -> None:
    """Wait for the end of DVC, which is no parent of ours where a shell stays in between."""
    with suppress(psutil.NoSuchProcess):
        next(p for p in psutil.Process().parents() if "-c" not in p.cmdline()).wait()
    os.kill(os.getpid(), PARENT_DIED)


def _end_with_all_below(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Do what Ctrl-C does; not by SIGINT, which whatever was started in the background ignores."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(PARENT_DIED)
    raise KeyboardInterrupt


def unlock_after_the_dead() -> None:
    """Remove Snakemake's locks if no Snakemake lives in this folder that could have set them.

    Every one of them shares a lock on one file for as long as it lives. Whoever gets that lock for
    itself alone is alone. It is shared again before Snakemake sets its own locks, so nobody who
    starts at the same moment can take a live one's away.
    """
    ALIVE.parent.mkdir(exist_ok=True)
    file = ALIVE.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(LOCKS, ignore_errors=True)
    except BlockingIOError:
        pass  # another one lives, and Snakemake's locks say what it works on
    except OSError:
        return  # a file system without such locks: `snakemake --unlock`, by hand, as ever
    fcntl.flock(file, fcntl.LOCK_SH)
    _held.append(file)
