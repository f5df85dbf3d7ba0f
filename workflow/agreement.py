"""Keep Snakemake (modification times) and DVC (content) of one mind.

The only place that knows of both. dvc.yaml says what a stage depends on, dvc.lock which contents
gave which. A DVC stage `train@demo` and Snakemake's job of rule `train` for `demo` are the same
work. Two calls carry verdicts across:

from_dvc  while the Snakefile is read. If files or dvc.lock are not as they were last seen here (a
          fresh clone, `dvc pull`, `dvc repro`, an edit, an edit taken back), DVC is asked. What it
          finds unchanged gets modification times in order; of what it finds changed, the settings
          file is touched, so that Snakemake runs it.
to_dvc    when Snakemake ends, well or badly. `dvc commit` records what is complete and up to date.

Inside `dvc repro` both do nothing: there DVC has judged, and calls one rule by force.
"""

import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from rawtone.files import write_atomically
from workflow import internals

SEEN = Path(".snakemake/agreement.json")
MARK = ".snakemake_timestamp"  # in a directory() of Snakemake's: its time stands for the folder's
PARSE_ONLY = "settings"  # the stage that Snakemake does while it reads the Snakefile


@dataclass(frozen=True)
class Stage:
    """One stage of dvc.yaml, with foreach expanded."""

    name: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]

    @property
    def settings(self) -> Path:
        """The file of its resolved settings, an input of its rule."""
        return Path(next(dep for dep in self.deps if dep.startswith("settings/")))


def _expand(text: str, key: str, item: Mapping[str, Any]) -> str:
    known = {"key": key} | {f"item.{name}": str(value) for name, value in item.items()}
    return re.sub(r"\$\{([a-z_.]+)\}", lambda match: known[match[1]], text)


def _paths(stage: Mapping[str, Any], *kinds: str) -> list[str]:
    items = [item for kind in kinds for item in stage.get(kind, [])]
    return [next(iter(item)) if isinstance(item, dict) else item for item in items]


@cache
def _dvc_yaml() -> dict[str, Any]:
    stages: dict[str, Any] = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    return stages


def _origin(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what an experiment begins from: a dep of some, and so none that dvc.yaml can name."""
    start = item.get("start_from")
    parts = ("config.json", "checkpoints.json", "checkpoints")
    return tuple(f"results/{start['experiment']}/{part}" for part in parts) if start else ()


@cache
def stages() -> dict[str, Stage]:
    """Return the stages of dvc.yaml by name, in the order of the flow, which is the file's."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    found = []
    for verb, stage in _dvc_yaml().items():
        table = params[stage["foreach"][2:-1]] if "foreach" in stage else {"": {}}
        do = stage.get("do", stage)
        for key, item in table.items():
            deps, outs = (
                tuple(_expand(path, key, item) for path in _paths(do, *kinds))
                for kinds in (("deps", "params"), ("outs", "metrics", "plots"))
            )
            origin = _origin(item) if verb == "train" else ()
            found.append(Stage(f"{verb}@{key}" if key else verb, deps + origin, outs))
    return {stage.name: stage for stage in found}


def code_of(verb: str) -> list[str]:
    """Return the source files that a stage depends on, sorted.

    Args:
        verb: the stage's key in dvc.yaml, whose deps under src/ may be files or whole folders.
    """
    stage = _dvc_yaml()[verb]
    deps = [dep for dep in _paths(stage.get("do", stage), "deps") if dep.startswith("src/")]
    return sorted({str(file) for dep in deps for file in _files(Path(dep))})


def _files(path: Path, hidden: tuple[str, ...] = ()) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name != "__pycache__"]
        shown = (name for name in names if not name.startswith(".") or name in hidden)
        yield from (Path(folder, name) for name in shown)


def _fingerprint(stage: Stage, entry: Any) -> str:
    """Digest all that has to be as it was for the last verdict on a stage to stand."""
    files = sorted({file for path in stage.deps + stage.outs for file in _files(Path(path))})
    facts = [(str(file), (at := file.stat()).st_mtime_ns, at.st_size) for file in files]
    return hashlib.sha256(json.dumps([entry, facts], sort_keys=True).encode()).hexdigest()


def _recorded() -> dict[str, Any]:
    lock = Path("dvc.lock")
    return (yaml.safe_load(lock.read_text()) or {}).get("stages", {}) if lock.exists() else {}


def _seen() -> dict[str, str]:
    try:
        seen: dict[str, str] = json.loads(SEEN.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return seen


def _remember(names: list[str]) -> None:
    recorded = _recorded()
    news = {name: _fingerprint(stages()[name], recorded.get(name)) for name in names}
    SEEN.parent.mkdir(exist_ok=True)
    temporary = SEEN.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(_seen() | news, indent=1, sort_keys=True) + "\n")
    temporary.replace(SEEN)


def _applies(workflow: Any) -> bool:
    both = Path(".dvc").is_dir() and Path(".git").exists() and find_spec("dvc") is not None
    return both and internals.is_main_process(workflow) and "DVC_STAGE" not in os.environ


def _dvc(*arguments: str) -> str | None:
    """Run a DVC command; return what it prints, or say that it failed and return nothing."""
    command = [sys.executable, "-m", "dvc", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except KeyboardInterrupt:
        print(f"`dvc {arguments[0]}` was interrupted; run again to go on", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    if done.returncode == 0:
        return done.stdout
    why = " ".join(done.stderr.removeprefix("ERROR: ").split())[:300]
    print(f"note: `dvc {arguments[0]}` did not answer, going on without: {why}", file=sys.stderr)
    return None


def _declared(workflow: Any) -> dict[str, list[Path]]:
    """Return Snakemake's outputs of every stage: what its rules compare the times of."""
    declared = {}
    for name in stages():
        verb, _, key = name.partition("@")
        if verb != PARSE_ONLY:
            outputs = internals.outputs(workflow, verb.replace("-", "_"), key)
            declared[name] = [Path(out) for out in outputs]
    return declared


def _clock(path: Path) -> Path:
    """Return the file whose modification time Snakemake takes for that of `path`."""
    return mark if (mark := path / MARK).exists() else path


def _put_in_order(stage: Stage, outputs: list[Path]) -> None:
    """Make the outputs no older than anything they were made from; equal times are in order."""
    sources = [
        file for dep in stage.deps for file in (_clock(Path(dep)), *_files(Path(dep), (MARK,)))
    ]
    newest = max((file.stat().st_mtime_ns for file in sources if file.is_file()), default=0)
    for clock in map(_clock, outputs):
        # The time of a folder itself tells only when DVC put links into it.
        if clock.is_dir() or clock.stat().st_mtime_ns < newest:
            os.utime(clock, ns=(newest, newest))


def _let_replace(outputs: list[Path]) -> None:
    """Make files writable: those that DVC's cache shares are not, and Snakemake respects that.

    DVC then checks by content what it otherwise believes, and makes it read-only again.
    """
    for file in outputs:
        if file.is_file() and not file.stat().st_mode & stat.S_IWUSR:
            file.chmod(0o644)


def _renew(settings: Path) -> None:
    """Make a file newer, and not those that are equal: in DVC's cache they are one file."""
    write_atomically(settings, settings.read_bytes())


def _doubt(verdict: Mapping[str, list[Any]]) -> None:
    """Have DVC check what its cache holds of modified outputs, in case that root wrote into them.

    The same files are in the cache, read-only; what is read-only there DVC believes unseen, and
    would put it back in place of the output made anew.
    """
    for file in (file for out in internals.changed_outs(verdict) for file in _files(Path(out))):
        file.chmod(0o644)


def _outdated(stage: Stage) -> bool:
    """Tell whether an experiment began from a run that its origin has since replaced.

    DVC sees that only where settings changed, not where an edit of code gave the origin new chunks.
    """
    own = next((Path(out) for out in stage.outs if out.endswith("/config.json")), None)
    origin = next((Path(dep) for dep in stage.deps if dep.endswith("/config.json")), None)
    if not (own and origin and own.exists() and origin.exists()):
        return False
    began, now = json.loads(own.read_text()).get("origin"), json.loads(origin.read_text())
    return began is not None and began["run"] != now["run"]


def from_dvc(workflow: Any) -> None:
    """Bring modification times in line with DVC's verdict by content.

    Args:
        workflow: Snakemake's object of that name, after all rules.
    """
    if not _applies(workflow):
        return
    declared = _declared(workflow)
    _reconcile(declared)
    for outputs in declared.values():
        _let_replace(outputs)


def _reconcile(declared: Mapping[str, list[Path]]) -> None:
    recorded, seen = _recorded(), _seen()
    known = [name for name in declared if name in recorded]
    if all(seen.get(name) == _fingerprint(stages()[name], recorded[name]) for name in known):
        return
    if (answer := _dvc("status", "--json", *known)) is None:
        return
    verdict = json.loads(answer)
    _doubt(verdict)
    changed = {*verdict, *(name for name in known if _outdated(stages()[name]))}
    for name in known:
        if name not in changed:
            _put_in_order(stages()[name], declared[name])
    for name in known:
        if name in changed:
            _renew(stages()[name].settings)
    _remember(known)


def _complete(workflow: Any) -> set[str]:
    """Return the stages with a job in Snakemake's graph that has nothing left to do."""
    fresh = [(rule.replace("_", "-"), key) for rule, key in internals.done(workflow)]
    return {f"{verb}@{key}" if key else verb for verb, key in fresh} & set(stages())


def to_dvc(workflow: Any) -> None:
    """Record in dvc.lock what Snakemake has complete and up to date.

    Args:
        workflow: Snakemake's object of that name, when its jobs have ended.
    """
    if not _applies(workflow):
        return
    recorded, seen = _recorded(), _seen()
    done = [name for name in stages() if name in _complete(workflow) | {PARSE_ONLY}]
    news = [n for n in done if seen.get(n) != _fingerprint(stages()[n], recorded.get(n))]
    if not news or _dvc("commit", "--force", "--quiet", *news) is None:
        return
    declared = _declared(workflow)
    for name in done:
        if name in declared:
            _put_in_order(stages()[name], declared[name])
    _remember(done)
