"""What DVC's cache costs in disk and copying, by the type of its links and by `persist`.

Claim: with hard links, and checkpoints that DVC removes before a training rather than making them
writable, what is trained lies on the disk once and is never copied. The table is of the project's
own workflow; only the arithmetic of `train` is replaced, by one that writes random weights and
publishes them as rawtone does. Bytes are in units of all checkpoints together: 1 on the disk is no
copy, 0 written is none made (writing them in the first place is 1). The folder decides which file
system is measured; nobody else should write to it meanwhile.

    python benchmarks/links.py [folder]
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECKPOINTS, BYTES = 4, 75_000_000
TARGET = "results/demo/config.json"
PARAMS = """\
corpora:
  demo: {sources: [{demo: sine}], sample_rate: 8000, split: {by: time}}
experiments:
  demo: {corpus: demo, preset: wavenet-demo}
"""
STAND_IN = f"""
import numpy as np

from rawtone.stages import layout
from rawtone.training.publishing import publish
from rawtone.training.run_folder import Facts


def run(experiment: str) -> None:
    folder = layout.run("stand-in")
    if not folder.exists():
        (folder / "weights").mkdir(parents=True)
        (folder / "train.log").write_text("step 1 - loss = 5.0, (0.1 sec/step)\\n")
        for step in range({CHECKPOINTS}):
            weights = np.random.default_rng(step).bytes({BYTES})
            (folder / f"weights/step-{{step:08d}}.npz").write_bytes(weights)
    publish(folder, layout.results(experiment), {{"run": "stand-in"}}, Facts(machinery=[{{}}]))
"""
CANDIDATES = [
    ("reflink,copy", True),
    ("reflink,hardlink,copy", True),
    ("hardlink,copy", True),
    ("reflink,copy", False),
    ("hardlink,copy", False),
]
OUT = re.compile(r"(outs:(?:\n +- .*)*\n +- results/\$\{key\}/checkpoints)(: \{persist: true\})?\n")


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds, and bytes written by it and all below it."""

    seconds: float
    written: int


def run(project: Path, *command: str) -> Cost:
    """Run a command of this environment in a project."""
    beside_us = str(Path(sys.executable).parent)
    environment = os.environ | {
        "PATH": f"{beside_us}:{os.environ['PATH']}",
        "PYTHONPATH": str(project / "src"),
        "DVC_SITE_CACHE_DIR": str(project.parent / "site-cache"),
        "DVC_NO_ANALYTICS": "1",
    }
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock, time.perf_counter()
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    seconds = time.perf_counter() - started
    blocks = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock - before
    return Cost(seconds, blocks * 512)


def used(place: Path) -> int:
    """Return the bytes in use on a file system: the only figure that knows of shared blocks."""
    os.sync()
    system = os.statvfs(place)
    return (system.f_blocks - system.f_bfree) * system.f_frsize


def prepare(folder: Path) -> Path:
    """Return a project in which everything is done that comes before training."""
    project = folder / "prepared"
    for name in ("Snakefile", "dvc.yaml", ".dvc", ".dvcignore", ".gitignore", "workflow", "src"):
        source, target = ROOT / name, project / name
        target.parent.mkdir(exist_ok=True)
        ignored = shutil.ignore_patterns("__pycache__", "cache", "tmp", "config.local")
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copy(source, target)
    (project / "profiles").symlink_to("workflow/profiles")
    (project / "params.yaml").write_text(PARAMS)
    (project / "src/rawtone/stages/train.py").write_text(STAND_IN)
    run(project, "git", "init", "--quiet")
    run(project, "snakemake", "data/chunks/demo/corpus.json")
    return project


def copied(prepared: Path, types: str, persist: bool) -> Path:
    """Return a copy of the project with one of the candidates set."""
    project = prepared.with_name("project")
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(prepared, project, symlinks=True)
    run(project, "dvc", "config", "cache.type", types)
    stages = project / "dvc.yaml"
    flag = ": {persist: true}" if persist else ""
    text, found = OUT.subn(rf"\1{flag}\n", stages.read_text())
    assert found == 1
    stages.write_text(text)
    return project


def measure(prepared: Path, types: str, persist: bool) -> list[tuple[Cost, int]]:
    """Return cost, and bytes on the disk afterwards, of each of the three commands."""
    by_dvc = ("dvc", "repro", "train@demo")
    project = copied(prepared, types, persist)
    empty = used(project)
    found = [(run(project, "snakemake", TARGET), used(project) - empty)]
    with (project / "src/rawtone/stages/train.py").open("a") as code:
        code.write("# edited\n")
    found.append((run(project, *by_dvc), used(project) - empty))
    project = copied(prepared, types, persist)
    empty = used(project)
    found.append((run(project, *by_dvc), used(project) - empty))
    return found


def main() -> None:
    """Print a row for each candidate."""
    size = CHECKPOINTS * BYTES
    print(f"unit: {CHECKPOINTS} checkpoints, {size / 1e6:.0f} MB; on the disk / written / seconds")
    print(f"{'':34}{'snakemake':18}{'dvc repro, edited':20}{'dvc repro':18}")
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        prepared = prepare(Path(folder))
        for types, persist in CANDIDATES:
            cells = [
                f"{disk / size:.1f} / {cost.written / size:.1f} / {cost.seconds:.0f} s"
                for cost, disk in measure(prepared, types, persist)
            ]
            name = f"{types}{', persist' if persist else ''}"
            print(f"{name:34}" + "".join(f"{cell:20}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
