"""Big files are on the disk once, and what shares them is not written into."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(240)

TRAIN = '''"""A stand-in that publishes weights as rawtone does."""

from rawtone.stages import layout
from rawtone.training.publishing import publish
from rawtone.training.run_folder import Facts


def run(name: str) -> None:
    folder = layout.run("stand-in")
    if not folder.exists():
        (folder / "weights").mkdir(parents=True)
        (folder / "train.log").write_text("step 1 - loss = 5.0, (0.1 sec/step)\\n")
        for step in (1, 2):
            (folder / f"weights/step-{step:08d}.npz").write_bytes(bytes([step]) * 100_000)
    record = {"run": "stand-in", "training": layout.read_settings("train", name)["training"]}
    publish(folder, layout.results(name), record, Facts(machinery=[{}]))
'''
REAL = """\
corpora:
  mine: {sources: [{demo: music}], sample_rate: 4000, chunk: {seconds: 2.0, overlap: 0.2}}
experiments:
  tiny:
    corpus: mine
    preset: wavenet-demo
    model: {dilations: [1, 2, 4], residual_channels: 4, dilation_channels: 4, skip_channels: 4}
    training: {steps: 2, window: 100, validate_every: 2, checkpoint_every: 1, validation_batches: 1}
    sampling: {seconds: 0.1, temperatures: [1.0], seeds: [0]}
"""


def inodes(folder: Path) -> dict[str, int]:
    """Return the number of the file behind each name."""
    return {path.name: path.stat().st_ino for path in folder.iterdir() if path.suffix == ".npz"}


def cached(root: Path) -> list[Path]:
    """Return the files that DVC's cache holds."""
    return sorted(path for path in (root / ".dvc/cache/files").rglob("*") if path.is_file())


def is_what_its_name_says(path: Path) -> bool:
    """DVC names a file by the MD5 of its content, and the listing of a folder `<MD5>.dir`."""
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return path.parent.name + path.name.removesuffix(".dir") == digest


@pytest.fixture
def publishing(pristine, tmp_path):
    """An unbuilt project whose training publishes as the real one does."""
    (tmp_path / "one").write_bytes(b"1")
    clone = ["cp", "--reflink=always", str(tmp_path / "one"), str(tmp_path / "two")]
    if subprocess.run(clone, capture_output=True, check=False).returncode == 0:
        pytest.skip("this file system shares blocks between files, so names share nothing")
    project = pristine.copy(tmp_path / "project")
    (project.root / "src/rawtone/stages/train.py").write_text(TRAIN)
    return project


@pytest.fixture
def linked(project):
    """A finished project in which files are links into the cache, as they are where it was made."""
    project.run("dvc", "checkout", "--relink")
    return project


def test_snakemake_may_replace_what_the_cache_shares(linked):
    """It refuses, to all but root, to write an output anew that is read-only."""
    output = linked.root / "results/wide/clips.json"
    output.chmod(0o444)  # as DVC leaves it when it commits, pulls or checks out
    linked.edit("params.yaml", "seconds: 2", "seconds: 3")
    linked.run("snakemake", "-n")
    assert output.stat().st_mode & stat.S_IWUSR
    linked.run("snakemake")
    assert not linked.plan() and not linked.status()


@pytest.mark.parametrize("tool", [["snakemake", "results/demo/config.json"], ["dvc", "repro"]])
def test_checkpoint_is_one_file_whoever_built(publishing, tool):
    """In the run, published, and in the cache; publishing it again after an edit copies nothing."""
    root = publishing.root
    publishing.run(*tool)
    once = inodes(root / "runs/stand-in/weights")
    assert len(once) == 2
    assert inodes(root / "results/demo/checkpoints") == once
    assert set(once.values()) <= {path.stat().st_ino for path in cached(root)}
    for again in (["dvc", "repro", "train@demo"], ["snakemake", "results/demo/config.json"]):
        publishing.edit("src/rawtone/stages/train.py", "None:", "None:  # edited")
        publishing.run(*again)
        assert inodes(root / "results/demo/checkpoints") == once


def test_lost_output_of_one_of_two_equal_experiments_is_its_own_affair(linked):
    """Their settings are one file in the cache, and have one modification time."""
    settings = [linked.root / f"settings/train/{name}.json" for name in ("demo", "wide")]
    assert settings[0].samefile(settings[1])
    (linked.root / "results/wide/train.log").unlink()
    verbs = ("train", "parse-log", "sample", "evaluate")
    assert linked.plan() == {f"{verb}@wide" for verb in verbs} | {"report"}
    linked.run("snakemake")
    assert not linked.plan() and not linked.status()


def test_output_that_root_wrote_into_is_made_again(linked):
    """And is not taken from the cache, where the same file is; others cannot write into it."""
    output = linked.root / "results/demo/metrics.json"
    content = output.read_bytes()
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            output.open("r+b")
        output.chmod(0o644)
    inode = output.stat().st_ino
    output.write_bytes(b"{}")
    assert output.stat().st_ino == inode
    output.chmod(0o444)
    linked.run("snakemake")
    assert output.read_bytes() == content
    assert not linked.plan() and not linked.status()
    assert all(map(is_what_its_name_says, cached(linked.root)))


def test_no_stage_writes_into_a_file_that_the_cache_shares(real):
    """Every stage makes new files in place of the old, also those that keep some of the old."""
    project = real(REAL)
    project.run("snakemake")
    before = cached(project.root)
    project.edit("params.yaml", "{demo: music}", "{demo: music}, {demo: sine}")
    project.edit("params.yaml", "sample_rate: 4000", "sample_rate: 5000")
    project.edit("params.yaml", "seconds: 0.1", "seconds: 0.2")
    assert len(project.plan()) == 8
    project.run("snakemake")
    after = cached(project.root)
    assert len(after) > len(before)
    assert all(map(is_what_its_name_says, after))
