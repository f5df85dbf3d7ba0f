"""A session on a borrowed machine, such as a free GPU notebook: it may be gone at any moment.

What has to last lies in one folder that outlives the machine:

    <kept>/dvc              a DVC remote: data, weights, clips
    <kept>/runs             copies of unfinished trainings, see rawtone.carrying
    <kept>/commits.bundle   commits that could not be pushed

notebooks/borrowed_gpu.ipynb calls the methods in the order of this file. Each may be
called again at any time. All of this runs in the notebook's own Python, which has none of our
packages: it needs the standard library alone.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rawtone import carrying
from rawtone.errors import UserError, nearest
from workflow.commits import Commits

_SHOW_EVERY = 30  # seconds
_NOISE = ("Using workflow specific profile", "WARNING: No file hash info found")  # not built yet
# Snakemake, ended in order when this notebook's kernel is gone.
_SNAKEMAKE = """
import os, signal, sys
from rawtone.training.signals import signal_on_parent_death
signal_on_parent_death(signal.SIGTERM, int(sys.argv[1]))
os.execvp("snakemake", ["snakemake", *sys.argv[2:]])
"""
_DEVICE = """
from rawtone.models import backend
backend.start()
print("trains on:", backend.device())
"""


class NotebookError(UserError):
    """Something the user can mend; a notebook shows the line alone."""

    def _render_traceback_(self) -> list[str]:
        return [f"error: {self}"]


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise NotebookError(str(error)) from None


class Session:
    """A clone of the project on a borrowed machine, and the folder that outlives it.

    Args:
        folder: the clone.
        kept: the folder that outlives the machine; the folder that it is in must be there.
        environment: a folder with rawtone's environment, where one is there already.
        before: a kept folder of an earlier session to begin with, where `kept` is new and empty.
    """

    def __init__(self, folder: str, kept: str, environment: str = "", before: str = "") -> None:
        self._folder, self._kept, self._before = Path(folder), Path(kept), before
        self._has_environment = bool(environment)
        self._bin = Path(environment or self._folder / ".venv") / "bin"
        self._commits = Commits(self._folder, self._kept / "commits.bundle")
        self._runs = self._kept / "runs"
        self._failed = False
        self._shown = ""

    @_in_one_line()
    def set_up(self) -> None:
        """Take over the newest commits, make the environment, and say what it computes with.

        Raises:
            UserError: the kept folder is not there, or commits do not go together.
        """
        self._find_kept()
        self._commits.catch_up()
        if not self._has_environment:
            self._make_environment()
        elif not (self._bin / "rawtone").exists():
            raise NotebookError(f"ENVIRONMENT: expected {self._bin}/rawtone, found no such command")
        remote = ("dvc", "remote")
        place = str(self._kept / "dvc")
        self._need(*remote, "add", "--local", "--force", "--quiet", "--default", "kept", place)
        self._need(*remote, "modify", "--local", "kept", "verify", "true")
        self._need("python", "-c", _DEVICE)

    def _find_kept(self) -> None:
        if self._before and not self._kept.exists():
            coming = self._kept.with_name(f"{self._kept.name}.coming")
            shutil.rmtree(coming, ignore_errors=True)
            shutil.copytree(self._before, coming)
            coming.rename(self._kept)
        try:
            self._kept.mkdir(exist_ok=True)
        except OSError as error:
            raise NotebookError(
                f"KEPT = {self._kept}: {error.strerror}; is the drive mounted?"
            ) from None

    def _make_environment(self) -> None:
        if importlib.util.find_spec("ensurepip") is None:  # Colab's Python, and Debian's
            self._need("apt-get", "update", "-qq")
            package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
            self._need("apt-get", "install", "-y", "-qq", "--no-install-recommends", package)
        self._need("make", "--no-print-directory", "setup", f"PYTHON={sys.executable}")
        if shutil.which("nvidia-smi"):
            lock = (self._folder / "requirements.lock").read_text()
            version = re.findall(r"^tensorflow==(\S+)", lock, re.MULTILINE)[0]
            cuda = f"tensorflow[and-cuda]=={version}"
            install = ("pip", "install", "--quiet", "--python", str(self._bin / "python"))
            self._need("build/uv/bin/uv", *install, cuda)

    @_in_one_line()
    def pull(self) -> None:
        """Bring results and unfinished trainings back, as far as they are in the kept folder.

        Raises:
            UserError: no copy of some unfinished training is whole.
        """
        if self._run("dvc", "pull", "--allow-missing"):
            print("not everything was pulled; what is missing will be built anew")
        for line in carrying.bring_back(self._runs, self._folder / "runs"):
            print(line)

    @_in_one_line()
    def train(self, experiment: str = "", minutes: float = 600, copy_minutes: float = 10) -> None:
        """Build what params.yaml asks for, with copies of every training on the way.

        The Stop button of the notebook, and the end of the time, save and end it in order.

        Args:
            experiment: which one; all of them, and the page, if empty.
            minutes: after which it is stopped, so that the session can end in order.
            copy_minutes: between two copies.

        Raises:
            UserError: params.yaml cannot work.
        """
        end = time.monotonic() + 60 * minutes
        self._need("rawtone", "settings")
        experiments = self._experiments(experiment)
        settings = [self._folder / f"settings/train/{name}.json" for name in experiments]
        corpora = sorted({json.loads(file.read_text())["corpus"] for file in settings})
        chunks = [f"data/chunks/{corpus}/corpus.json" for corpus in corpora]
        going_on = self._build(chunks, end)
        self._put_away()  # so that no other session has to decode the recordings again
        if going_on:
            published = [f"results/{experiment}/{f}" for f in ("history.csv", "metrics.json")]
            with self._copied_every(copy_minutes):
                self._build(published if experiment else [], end)

    def _experiments(self, experiment: str) -> list[str]:
        known = sorted(file.stem for file in (self._folder / "settings/train").glob("*.json"))
        if experiment and experiment not in known:
            hint = nearest(experiment, known)
            raise NotebookError(f"EXPERIMENT = {experiment}: not in params.yaml; {hint}")
        return [experiment] if experiment else known

    def _build(self, targets: list[str], end: float) -> bool:
        """Let Snakemake build; return whether it came to its end."""
        # In a group of its own: the Stop button signals the kernel's group, and stopping is ours.
        process = self._start(
            "python", "-c", _SNAKEMAKE, str(os.getpid()), *targets, process_group=0
        )
        reader = threading.Thread(target=_show, args=(process,), daemon=True)
        reader.start()
        stopped = False
        try:
            while process.poll() is None:
                if time.monotonic() > end and not stopped:
                    print("the time is up: saving", flush=True)
                    process.terminate()
                    stopped = True
                self._watch(process, end)
        except KeyboardInterrupt:
            print("saving; press Stop once more to leave at once", flush=True)
            os.killpg(process.pid, signal.SIGINT)
            stopped = True
        complete = process.wait() == 0
        reader.join(timeout=5)
        self._failed = not (complete or stopped)
        if stopped and not complete:
            print("stopped and saved; run all cells again to go on", flush=True)
        return complete

    def _watch(self, process: subprocess.Popen[str], end: float) -> None:
        """Wait a while, or until the process ends; show the newest step if there is a new one."""
        left = end - time.monotonic()
        try:
            process.wait(timeout=min(_SHOW_EVERY, left) if left > 0 else _SHOW_EVERY)
        except subprocess.TimeoutExpired:
            logs = (self._folder / "runs").glob("*/train.log")
            log = max(logs, key=lambda log: log.stat().st_mtime, default=None)
            steps = re.findall(r"^step .*$", log.read_text() if log else "", re.MULTILINE)
            if steps and steps[-1] != self._shown:
                self._shown = steps[-1]
                print(f"\r{self._shown}", end="", flush=True)

    @contextmanager
    def _copied_every(self, minutes: float) -> Iterator[None]:
        """Copy trainings every so many minutes in the background, and once more at the end."""
        over = threading.Event()

        def copy_now_and_then() -> None:
            while not over.wait(60 * minutes):
                self._copy()

        copier = threading.Thread(target=copy_now_and_then, daemon=True)
        copier.start()
        try:
            yield
        finally:
            over.set()
            copier.join()
            self._copy()

    def _copy(self) -> None:
        now = time.strftime("%H:%M")
        try:
            for line in carrying.carry(self._folder / "runs", self._runs):
                print(f"\r{now} {line}", flush=True)
        except OSError as error:
            print(f"\r{now} not copied to {self._kept}: {error}; trying again", flush=True)

    @_in_one_line()
    def push(self) -> None:
        """Put everything that is complete where the next session, and others, find it.

        Raises:
            UserError: it cannot be put there, or the build had ended with an error.
        """
        self._put_away()
        if self._failed:
            raise NotebookError("something could not be built, see above; all else is put away")

    def _put_away(self) -> None:
        if not self._kept.is_dir():
            raise NotebookError(f"KEPT = {self._kept}: not there any more; is the drive mounted?")
        self._need("dvc", "push", "--quiet")
        if told := self._commits.put_away():
            print(told)
        for key in self._published_runs():
            carrying.forget(self._runs, key)

    def _published_runs(self) -> list[str]:
        """Return the runs whose results are recorded and pushed as they are."""
        runs = {
            file.parent.name: json.loads(file.read_text())["run"]
            for file in sorted(self._folder.glob("results/*/checkpoints.json"))
        }
        copied = {name: run for name, run in runs.items() if carrying.has_copies(self._runs, run)}
        if not copied:
            return []
        status = self._start("dvc", "status", "--json", *(f"train@{name}" for name in copied))
        changed = json.loads(status.communicate()[0])
        return [run for name, run in copied.items() if f"train@{name}" not in changed]

    def clips(self, count: int = 8) -> list[tuple[str, Path]]:
        """Return what can be heard: one clip of each of the newest checkpoints.

        Returns:
            Words, such as `demo, step 900, temperature 1.0`, and a sound file, the newest last.
        """
        found = []
        for table in sorted(self._folder.glob("results/*/clips.json")):
            first = {clip["step"]: clip for clip in reversed(json.loads(table.read_text()))}
            for step, clip in sorted(first.items()):
                label = f"{clip['label']}, " if "label" in clip else ""
                words = f"step {step}, {label}temperature {clip['temperature']}"
                heard = next(clip[kind] for kind in ("mp3", "ogg", "flac", "wav") if kind in clip)
                found.append((f"{table.parent.name}, {words}", table.parent / heard))
        return found[-count:]

    def _need(self, *command: str) -> None:
        if self._run(*command):
            shown = " ".join(word for word in command if "\n" not in word)
            raise NotebookError(f"`{shown}` failed; see above")

    def _run(self, *command: str) -> int:
        with self._start(*command) as process:
            _show(process)
            return process.wait()

    def _start(self, *command: str, process_group: int | None = None) -> subprocess.Popen[str]:
        """Start a command in the clone, with its environment and code."""
        path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"
        ours = {"PATH": path, "PYTHONPATH": str(self._folder / "src"), "MPLBACKEND": "agg"}
        inherited = {name: v for name, v in os.environ.items() if name != "GIT_TOKEN"}
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env=inherited | ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=process_group,
        )


def _show(process: subprocess.Popen[str]) -> None:
    """Print what a command prints; in a notebook its own output would go elsewhere."""
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith(_NOISE):
            print(f"\r{line}", end="", flush=True)
