"""The notebook for borrowed GPUs, executed on this CPU, killed, and gone on with elsewhere."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile

from rawtone.files import sha256

nbformat = pytest.importorskip("nbformat", reason="install nbformat, nbclient and ipykernel")
for package in ("nbclient", "ipykernel"):
    pytest.importorskip(package, reason=f"install {package}")

pytestmark = pytest.mark.timeout(600)

NOTEBOOK = Path(__file__).parents[2] / "notebooks/borrowed_gpu.ipynb"
PARAMS = """
corpora:
  mine:
    sources: [{folder: DRIVE/music}]
    sample_rate: 4000
    chunk: {seconds: 1.0, overlap: 0.2}
experiments:
  mine:
    corpus: mine
    preset: wavenet-demo
    model: {dilations: [1, 2, 4], residual_channels: 4, dilation_channels: 4, skip_channels: 4}
    training:
      steps: 2000
      window: 100
      validate_every: 1000
      checkpoint_every: 1000
      save_minutes: 0.005
    sampling: {seconds: 0.25, temperatures: [1.0], seeds: [0]}
"""
EXECUTE = """
import sys
import nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
try:
    nbclient.NotebookClient(notebook, timeout=None).execute()
finally:
    nbformat.write(notebook, sys.argv[1])
"""
# What the notebook does, as far as its Stop button and the end of its time matter.
TRAIN = """
import sys
folder, kept, environment, minutes = sys.argv[1:]
sys.path[:0] = [folder, folder + "/src"]
from workflow.borrowed import Session
session = Session(folder, kept, environment)
session.train(minutes=float(minutes), copy_minutes=60)
session.push()
"""


def _cells(notebook: Any) -> dict[str, Any]:
    return {cell["id"]: cell for cell in notebook["cells"]}


@dataclass(frozen=True)
class Borrowed:
    """What a session on a borrowed machine needs, and what outlives it.

    Attributes:
        root: a folder for all of it.
        environment: the variables of its shell.
    """

    root: Path
    environment: dict[str, str]

    @property
    def folder(self) -> Path:
        """The clone, on the machine's own disk."""
        return self.root / "machine/rawtone"

    @property
    def kept(self) -> Path:
        """What outlives the machine."""
        return self.root / "drive/rawtone"

    @property
    def origin(self) -> Path:
        """The repository."""
        return self.root / "origin.git"

    @property
    def venv(self) -> Path:
        """An environment, so that none has to be downloaded."""
        return self.root / "project/.venv"

    @contextmanager
    def run(self, code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
        """Run Python code; nothing of it outlives the block."""
        self.folder.parent.mkdir(exist_ok=True)
        with (self.root / "printed.txt").open("w") as printed:
            process = subprocess.Popen(
                [sys.executable, "-c", code, *map(str, arguments)],
                env=self.environment,
                stdout=printed,
                stderr=subprocess.STDOUT,
                text=True,
            )
        try:
            yield process
        finally:
            vanish(process)

    def printed(self) -> str:
        """Return what it printed."""
        return (self.root / "printed.txt").read_text()

    def notebook(self, **settings: object) -> Path:
        """Write the notebook with other settings, as its user edits them."""
        notebook = nbformat.read(NOTEBOOK, 4)
        cell = _cells(notebook)["settings"]
        wanted = {
            "REPOSITORY": str(self.origin),
            "BRANCH": "main",
            "KEPT": str(self.kept),
            "FOLDER": str(self.folder),
            "ENVIRONMENT": str(self.venv),
        }
        for name, value in (wanted | settings).items():
            line = rf"^{name} = [^#\n]*"
            cell["source"], count = re.subn(
                line, f"{name} = {value!r} ", cell["source"], flags=re.M
            )
            assert count == 1
        path = self.root / "notebook.ipynb"
        nbformat.write(notebook, path)
        return path

    def execute(self, **settings: object) -> dict[str, Any]:
        """Execute the notebook from start to end; return its cells by their ids."""
        path = self.notebook(**settings)
        with self.run(EXECUTE, path) as process:
            assert process.wait() == 0, self.printed()
        return _cells(nbformat.read(path, 4))

    def newest_copy(self) -> int:
        """Return up to which step a training was copied, -1 if it was not."""
        names = (
            name
            for copy in self.kept.glob("runs/*/copies/[0-9]*.json")
            for name in json.loads(copy.read_text())
        )
        found = (re.match(r"checkpoints/step-(\d+)/", name) for name in names)
        return max((int(match[1]) for match in found if match), default=-1)


def vanish(process: subprocess.Popen[str]) -> None:
    """End a process and all that it started at one moment, as a machine that is taken away."""
    if process.poll() is None:
        everything = [*psutil.Process(process.pid).children(recursive=True), process]
        for number in (signal.SIGSTOP, signal.SIGKILL):  # so that none has time to save
            for one in everything:
                try:
                    os.kill(one.pid, number)
                except ProcessLookupError:
                    continue
        process.wait()


def _text(cell: Any) -> str:
    return "".join(output.get("text", "") for output in cell["outputs"])


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def _published(root: Path) -> dict[str, str]:
    files = sorted(root.glob("results/mine/checkpoints/*.npz"))
    return {file.name: sha256(file) for file in [*files, root / "results/mine/checkpoints.json"]}


@pytest.fixture(scope="module")
def undisturbed(real, tmp_path_factory):
    """A project whose training nobody disturbed; its recordings are on the drive."""
    drive = tmp_path_factory.mktemp("drive")
    random = np.random.default_rng(0)
    for name in range(4):
        turns = np.cumsum(np.repeat(random.integers(200, 800, 20), 800)) / 4000
        (drive / "music").mkdir(exist_ok=True)
        soundfile.write(drive / f"music/{name}.wav", 0.4 * np.sin(2 * np.pi * turns), 4000)
    project = real(PARAMS.replace("DRIVE", str(drive)))
    project.run("snakemake", "results/mine/config.json")
    return project


@pytest.fixture(scope="module")
def borrow(undisturbed, tmp_path_factory) -> Callable[[], Borrowed]:
    """Return what prepares a session: a repository, an environment, an empty drive."""

    def borrow() -> Borrowed:
        root = tmp_path_factory.mktemp("borrowed")
        (root / "drive").mkdir()
        (root / "project").symlink_to(undisturbed.root)
        undisturbed.run("git", "clone", "--quiet", "--bare", ".", str(root / "origin.git"))
        undisturbed.run("git", "-C", str(root / "origin.git"), "branch", "--move", "main")
        # A new shell, not the activated one of these tests.
        path = {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
        return Borrowed(root, undisturbed.environment | path)

    return borrow


@pytest.fixture(scope="module")
def gone_on(borrow) -> tuple[Borrowed, int, dict[str, Any]]:
    """A session that vanished in training, and was gone on with on a new machine.

    Returns:
        The session, the step up to which a copy had been made, the cells of the second execution.
    """
    session = borrow()
    with session.run(EXECUTE, session.notebook(COPY_MINUTES=0.01)) as process:
        while session.newest_copy() <= 0:
            assert process.poll() is None, session.printed()
            time.sleep(0.02)
        vanish(process)
    assert not (session.folder / "results/mine/config.json").exists()
    shutil.rmtree(session.folder.parent)
    return session, session.newest_copy(), session.execute()


@pytest.fixture
def third(gone_on, undisturbed, tmp_path):
    """Another machine yet, where somebody cloned and pulled by hand."""
    session, _, _ = gone_on
    clone = type(undisturbed)(session.origin).clone(tmp_path / "project")
    clone.run("dvc", "remote", "add", "--local", "--default", "kept", str(session.kept / "dvc"))
    clone.run("dvc", "pull")
    return clone


def test_a_session_that_vanished_in_training_is_gone_on_with_to_the_same_bytes(
    gone_on, undisturbed
):
    """On a new machine, from the newest copy, which was made while training went on."""
    session, copied, cells = gone_on
    said = re.search(r"brought back, goes on from step (\d+)", _text(cells["pull"]))
    assert 0 < int(said[1]) <= copied
    log = _log(session.folder)
    assert re.findall(r"^(start|resume) at step (\d+)", log, re.M) == [
        ("start", "0"),
        ("resume", said[1]),
    ]
    assert _published(session.folder) == _published(undisturbed.root)


def test_results_are_where_others_find_them(gone_on, third):
    """After a clone and a pull neither tool has anything to do."""
    session, _, _ = gone_on
    assert third.plan() == set()
    assert third.status() == set()
    assert _published(third.root) == _published(session.folder)


def test_what_is_pushed_is_not_copied_any_more(gone_on):
    """The drive is small; and no commits are left that were not pushed."""
    session, _, _ = gone_on
    assert sorted(path.name for path in session.kept.iterdir()) == ["dvc", "runs"]
    assert list((session.kept / "runs").iterdir()) == []


def test_there_is_something_to_hear(gone_on):
    """A player for each checkpoint, with the sound in it."""
    _, _, cells = gone_on
    players = [output["data"]["text/html"] for output in cells["listen"]["outputs"][1::2]]
    assert len(players) == 2
    assert all('src="data:audio/mpeg;base64,' in player for player in players)
    assert "mine, step 2000, temperature 1.0" in _text(cells["listen"])


def test_all_cells_can_be_run_again_and_find_nothing_to_do(gone_on):
    """On the same machine at any time, or where the folder that lasts is now somewhere else."""
    session, _, _ = gone_on
    before = sha256(session.folder / "dvc.lock")
    elsewhere = session.kept.with_name("elsewhere")
    cells = session.execute(KEPT=str(elsewhere), BEFORE=str(session.kept))
    assert "Nothing to be done" in _text(cells["train"])
    assert _text(cells["push"]) == ""
    assert sha256(session.folder / "dvc.lock") == before
    assert _names(elsewhere) == _names(session.kept)


@pytest.fixture
def mine(third, gone_on) -> Borrowed:
    """A session of its own repository and drive, in a clone that has everything."""
    session = Borrowed(third.root.parent, gone_on[0].environment)
    third.run("git", "clone", "--quiet", "--bare", ".", str(session.origin))
    third.run("git", "remote", "set-url", "origin", str(session.origin))
    session.kept.mkdir(parents=True)
    place = str(session.kept / "dvc")
    third.run("dvc", "remote", "add", "--local", "--force", "-d", "kept", place)
    return session


def _log(root: Path) -> str:
    """Return the log of the one run that is here; finished ones do not come with a clone."""
    return "".join(log.read_text() for log in root.glob("runs/*/train.log"))


def _begun(root: Path) -> list[str]:
    """Return what the log says of each session that made steps."""
    sessions = re.split(r"^(?:start|resume) at step ", _log(root), flags=re.M)[1:]
    return [session for session in sessions if "\nstep " in session]


def _wait_for_steps(root: Path, process: subprocess.Popen[str], session: Borrowed) -> None:
    """Wait until a training that was just asked for has made steps."""
    before = len(_begun(root))
    while len(_begun(root)) == before:
        assert process.poll() is None, session.printed()
        time.sleep(0.05)


def test_stop_and_the_end_of_the_time_save_copy_and_push(third, mine):
    """As long as nothing is pulled away, nothing is lost at all."""
    third.edit("params.yaml", "steps: 2000", "steps: 1000000")
    arguments = (third.root, mine.kept, third.root / ".venv")
    with mine.run(TRAIN, *arguments, 600) as process:
        _wait_for_steps(third.root, process, mine)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0, mine.printed()
    assert "committed and pushed to main" in mine.printed()
    assert "stopped and saved" in mine.printed()
    (stopped,) = re.findall(r"^stop at step (\d+): SIGINT$", _log(third.root), re.M)
    assert mine.newest_copy() == int(stopped)
    with mine.run(TRAIN, *arguments, 600) as process:
        _wait_for_steps(third.root, process, mine)
        process.kill()  # as a kernel that is restarted, or out of memory; the machine stays
        process.wait()
    deadline = time.monotonic() + 60
    while not _log(third.root).endswith(": parent\n"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with mine.run(TRAIN, *arguments, 0.2) as process:
        assert process.wait() == 0, mine.printed()
    assert "the time is up: saving" in mine.printed()
    assert "stopped and saved" in mine.printed()


def test_an_error_of_the_build_is_told_when_all_else_is_pushed(third, mine, tmp_path):
    """So that running all cells ends with an error, and nothing is lost by it."""
    (tmp_path / "text").mkdir()
    (tmp_path / "text/no.wav").write_text("no audio")
    params = third.root / "params.yaml"
    params.write_text(re.sub(r"folder: \S+/music", f"folder: {tmp_path}/text", params.read_text()))
    with mine.run(TRAIN, third.root, mine.kept, third.root / ".venv", 600) as process:
        assert process.wait() == 1
    printed = mine.printed()
    assert "something could not be built, see above" in printed
    assert printed.index("convert mine: error:") < printed.index("committed and pushed to main")
    assert any((mine.kept / "dvc").rglob("*.dir"))


def test_a_drive_that_is_not_mounted_is_one_line(borrow):
    """Before anything else happens."""
    session = borrow()
    path = session.notebook(KEPT=str(session.root / "unmounted/rawtone"))
    with session.run(EXECUTE, path) as process:
        assert process.wait() != 0
    (output,) = _cells(nbformat.read(path, 4))["set-up"]["outputs"]
    (line,) = output["traceback"]
    assert line.startswith("error: KEPT = ")
    assert line.endswith("is the drive mounted?")


def test_a_token_reaches_git_and_no_file(borrow, tmp_path):
    """Neither the repository's address nor its settings hold it, and no other command gets it."""
    (tmp_path / "kaggle_secrets.py").write_text(
        "class UserSecretsClient:\n    def get_secret(self, name): return name + '-secret'\n"
    )
    source = _cells(json.loads(NOTEBOOK.read_text()))["token"]["source"]
    code = f"TOKEN = 'mine'\n{''.join(source)}\nimport subprocess\n"
    code += "ask = 'protocol=https\\nhost=example.org\\n\\n'\n"
    code += "subprocess.run(['git', 'credential', 'fill'], input=ask, text=True, check=True)\n"
    session = borrow()
    environment = session.environment | {"PYTHONPATH": str(tmp_path)}
    with Borrowed(session.root, environment).run(code) as process:
        assert process.wait() == 0, session.printed()
    assert "password=mine-secret" in session.printed()


def test_the_notebook_holds_no_outputs():
    """Outputs would change with each execution, and may tell what is nobody's business."""
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert max(len(cell["source"]) for cell in code) < 20
