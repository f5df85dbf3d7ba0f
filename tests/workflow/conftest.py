"""A small project on its own: the real workflow, the real tools, stand-ins for the stages."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[2]
PROJECT = [
    "Snakefile", "Makefile", "dvc.yaml", ".dvc", ".dvcignore", ".gitignore", ".gitattributes",
    "workflow", "src",
    "pyproject.toml", "requirements.lock", "requirements-uv.lock",
]  # fmt: skip
SCRIPTS = {
    "rawtone": "rawtone.cli",
    "snakemake": "snakemake.cli",
    "dvc": "dvc.cli",
}
PARAMS = """\
corpora:
  demo: {sources: [{demo: music}], sample_rate: 8000}
experiments:
  demo: {corpus: demo, preset: wavenet-demo}
  wide: {corpus: demo, preset: wavenet-demo, sampling: {seconds: 2}}
"""

_EVALUATED = (
    "metrics.json",
    "evaluation.json",
    "bits.csv",
    "bits_by_track.csv",
    "clips.csv",
    "melody.csv",
    "preview.mp3",
    "sets.csv",
)
# verb: what it reads, what it writes; a name without an ending is a folder
STAGES = {
    "fetch": ([], ["data/raw/{name}/files.csv", "data/raw/{name}/0a1b.wav"]),
    "convert": (["data/raw/{name}"], ["data/tracks/{name}/tracks.csv"]),
    "chunk": (
        ["data/tracks/{name}"],
        [f"data/chunks/{{name}}/{f}" for f in ("chunks.npy", "chunks.csv", "corpus.json")],
    ),
    "train": (
        ["data/chunks/{corpus}"],
        [f"results/{{name}}/{f}" for f in ("config.json", "checkpoints.json", "train.log")]
        + ["results/{name}/checkpoints"],
    ),
    "sample": (
        ["results/{name}/checkpoints"],
        ["results/{name}/clips", "results/{name}/clips.json"],
    ),
    "parse-log": (
        ["results/{name}/train.log"],
        ["results/{name}/history.csv", "results/{name}/curves/loss.svg"],
    ),
    "evaluate": (
        [
            "data/chunks/{corpus}",
            "data/tracks/{corpus}/tracks.csv",
            "results/{name}/checkpoints",
            "results/{name}/clips",
        ],
        [f"results/{{name}}/{f}" for f in _EVALUATED],
    ),
    "report": (["data", "results"], ["report/bits.csv", "report/demo/listen.html"]),
}
STAND_IN = '''"""A stand-in: outputs that tell of the bytes of the inputs, and of nothing else."""

import hashlib
import json
import time
from pathlib import Path

from rawtone.stages import layout

VERB, READS, WRITES = {verb!r}, {reads!r}, {writes!r}


def run(name: str = "all") -> None:
    settings = Path("settings", VERB, name + ".json")
    corpus = json.loads(settings.read_text()).get("corpus", "")
    digest = hashlib.sha256(settings.read_bytes())
    for place in READS:
        for file in sorted(Path(place.format(name=name, corpus=corpus)).rglob("*")) or [
            Path(place.format(name=name, corpus=corpus))
        ]:
            if file.is_file() and not file.name.startswith("."):
                digest.update(file.read_bytes())
    bits = int(digest.hexdigest()[:4], 16) / 10000
    for place in WRITES:
        path = Path(place.format(name=name))
        if not path.suffix:
            path = path / "content.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({{"bits": bits, "digest": digest.hexdigest()}})
        columns = f"step,bits,kernel_distance\\n0,{{bits}},{{bits}}\\n"
        path.write_text(columns if path.suffix == ".csv" else text)
        if Path("hang").exists() and Path("hang").read_text() == VERB:
            Path("hanging").touch()
            time.sleep(600)
    if VERB == "train":
        state = layout.run(digest.hexdigest()[:12]) / "state"
        state.parent.mkdir(parents=True, exist_ok=True)
        state.touch()
    with Path("logs/ran.txt").open("a") as ran:
        ran.write(f"{{VERB}}@{{name}}\\n")
'''


_CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


def _link_environment(project: Path) -> None:
    """Make project/.venv: this environment's packages, but the project's own `rawtone`."""
    venv = project / ".venv"
    shutil.rmtree(venv, ignore_errors=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = venv / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (venv / "bin").mkdir()
    base = Path(sys.executable).resolve()
    (venv / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    (venv / "bin/python").symlink_to(base)
    (packages / "here.pth").write_text(f"{project / 'src'}\n{sysconfig.get_path('purelib')}\n")
    for script, module in SCRIPTS.items():
        path = venv / "bin" / script
        path.write_text(
            f"#!{venv}/bin/python\nimport sys\nfrom {module} import main\nsys.exit(main())\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


@dataclass(frozen=True)
class Project:
    """A checkout in which both tools run as a user runs them."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a bare shell in which .venv is activated."""
        people = [f"GIT_{who}" for who in ("AUTHOR", "COMMITTER")]
        person = {f"{who}_{what}": "t@example.org" for who in people for what in ("NAME", "EMAIL")}
        return person | {
            "PATH": f"{self.root}/.venv/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.root.parent),
            "DVC_SITE_CACHE_DIR": str(self.root.parent / "site-cache"),
            "DVC_NO_ANALYTICS": "1",
        }

    def run(
        self, *command: str, check: bool = True, extra: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, by default failing with all that it printed."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment | (extra or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def plan(self) -> set[str]:
        """Return what `snakemake -n` would run, as `sample@demo`."""
        printed = self.run("snakemake", "-n", "--quiet", "host").stdout
        jobs = re.findall(r"^(?:local)?rule (\w+):((?:\n +.*)*)", printed, re.MULTILINE)
        assert jobs or "Nothing to be done" in printed, printed
        keys = [(rule, re.search(r"wildcards: name=(\S+)", rest)) for rule, rest in jobs]
        return {
            rule.replace("_", "-") + (f"@{key[1]}" if key else "")
            for rule, key in keys
            if rule != "all"
        }

    def status(self) -> set[str]:
        """Return the stages that `dvc status` calls changed."""
        return set(json.loads(self.run("dvc", "status", "--json").stdout))

    def ran(self) -> list[str]:
        """Return the stages that ran since this was last asked, in order."""
        log = self.root / "logs/ran.txt"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.removesuffix("@all") for line in lines]

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        path = self.root / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def commit(self) -> None:
        """Commit everything to git."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "x")

    def at(self, root: Path) -> "Project":
        """Return a project that something else has put there, with an environment of its own."""
        _link_environment(root)
        return Project(root)

    def copy(self, root: Path) -> "Project":
        """Return the same project elsewhere, modification times kept."""
        shutil.copytree(self.root, root, symlinks=True)
        return self.at(root)

    def clone(self, root: Path) -> "Project":
        """Return a git clone, with nothing that git does not hold."""
        self.run("git", "clone", "--quiet", str(self.root), str(root))
        return self.at(root)

    def pulled(self, root: Path) -> "Project":
        """Return a clone that has pulled everything from a store where this one has put it."""
        store = root.parent / "store"
        self.run("dvc", "remote", "add", "--default", "store", str(store))
        self.commit()
        self.run("dvc", "push")
        clone = self.clone(root)
        clone.run("dvc", "pull")
        return clone


class Session:
    """A command in a session of its own, as in a terminal, and all that it started."""

    def __init__(self, project: Project, *command: str) -> None:
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

    def runs(self, *words: str) -> bool:
        """Tell whether there is a process whose command line has these words."""
        return any(set(words) <= _words(p) for p in self.living())

    def reads(self, name: str) -> bool:
        """Tell whether a file of this name is open in the command itself."""
        try:
            return any(
                Path(f.path).name == name for f in psutil.Process(self.process.pid).open_files()
            )
        except psutil.Error:
            return False

    def end(self) -> int:
        """Wait until nothing of it is left; return the exit status of the command."""
        status = self.process.wait(timeout=300)
        deadline = time.monotonic() + 120
        while self.living():
            assert time.monotonic() < deadline, self.living()
            time.sleep(0.05)
        return status


def _words(process: psutil.Process) -> set[str]:
    try:
        return {Path(word).name for word in process.cmdline()}
    except psutil.NoSuchProcess:
        return set()


def _stand_in(verb: str) -> str:
    reads, writes = STAGES[verb]
    return STAND_IN.format(verb=verb, reads=reads, writes=writes)


def _check_out(root: Path, params: str) -> Project:
    """Return a project with the real stages, not yet committed."""
    for name in PROJECT:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(
                source, target, ignore=shutil.ignore_patterns("__pycache__", "cache", "tmp")
            )
        else:
            shutil.copy(source, target)
    (root / "profiles").symlink_to("workflow/profiles")
    (root / "params.yaml").write_text(params)
    _link_environment(root)
    project = Project(root)
    project.run("git", "init", "--quiet")
    return project


def stand_in_project(root: Path, params: str) -> Project:
    """Return a committed project of stand-in stages in which nothing was built."""
    project = _check_out(root, params)
    for verb in STAGES:
        stage = project.root / f"src/rawtone/stages/{verb.replace('-', '_')}.py"
        stage.write_text(_stand_in(verb))
    project.commit()
    return project


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A committed project in which nothing was built."""
    return stand_in_project(tmp_path_factory.mktemp("pristine") / "project", PARAMS)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """Return what makes a committed project with real stages, given its params.yaml."""

    def make(params: str) -> Project:
        project = _check_out(tmp_path_factory.mktemp("real") / "project", params)
        project.commit()
        return project

    return make


@pytest.fixture(scope="session")
def by_snakemake(pristine: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that `snakemake` built; copy it before changing it."""
    project = pristine.copy(tmp_path_factory.mktemp("by-snakemake") / "project")
    project.run("snakemake")
    return project


@pytest.fixture
def project(by_snakemake: Project, tmp_path: Path) -> Project:
    """A project that `snakemake` built, for one test alone."""
    copy = by_snakemake.copy(tmp_path / "project")
    copy.ran()
    return copy


@pytest.fixture
def start(project: Project) -> Iterator[Callable[..., Session]]:
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium with a profile of its own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_CHROMIUM))
        yield browser
        browser.close()
