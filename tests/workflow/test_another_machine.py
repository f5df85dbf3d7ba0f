"""From nothing on another machine: the same bytes, or how far from them and why."""

import json
import os

import pytest

pytestmark = pytest.mark.timeout(400)

PARAMS = """\
corpora:
  tunes: {sources: [{demo: music}], sample_rate: 4000, chunk: {seconds: 2.0, overlap: 0.2}}
experiments:
  small:
    corpus: tunes
    preset: wavenet-demo
    model: {dilations: [8, 4, 2, 1], residual_channels: 8, dilation_channels: 8, skip_channels: 8}
    training: {steps: 60, window: 500, validate_every: 30, checkpoint_every: 30}
    sampling: {seconds: 1, temperatures: [1.0], seeds: [0, 1]}
"""
CONFIG = "results/small/config.json"
# Another kind of CPU has other vector instructions, and so sums in another order.
OTHER_CPU = {"XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"}


@pytest.fixture(scope="module")
def recorded(real):
    """Return a project whose results are committed."""
    project = real(PARAMS)
    project.run("snakemake")
    project.commit()
    return project


def test_from_nothing_every_file_is_the_same(recorded, tmp_path):
    """Without a remote, in another folder, and on one core."""
    clone = recorded.clone(tmp_path / "elsewhere" / "project")
    one_core = str(min(os.sched_getaffinity(0)))
    clone.run("taskset", "-c", one_core, "snakemake")
    assert clone.run("git", "status", "--short").stdout == ""
    assert clone.status() == set()
    told = clone.run("rawtone", "verify").stderr
    same, total = told.split(" of ")[0].split()[-1], told.split(" of ")[1].split()[0]
    assert same == total
    assert int(total) > 10


def test_another_kind_of_cpu_is_told_in_bits(recorded, tmp_path):
    """And that this is no error; on the same kind it would be one."""
    clone = recorded.clone(tmp_path / "project")
    clone.run("snakemake", extra=OTHER_CPU)
    assert "results/small/checkpoints.json" in clone.run("git", "status", "--short").stdout
    unexplained = clone.run("rawtone", "verify", check=False)
    assert unexplained.returncode == 1
    assert "other bytes from the same kind of CPU, threads and versions" in unexplained.stderr
    claim_another_cpu(clone)
    told = clone.run("rawtone", "verify", "claimed").stderr
    assert "2 of 2 checkpoints differ; at most 0.0" in told
    assert "bits a sample apart" in told
    assert "recorded with cpu An older one, here " in told
    assert "this is no error" in told


def claim_another_cpu(project) -> None:
    """Tag a commit whose results are HEAD's, but computed on a CPU of another name."""
    built = (project.root / CONFIG).read_text()
    project.run("git", "stash", "--quiet")
    config = json.loads((project.root / CONFIG).read_text())
    (project.root / CONFIG).write_text(json.dumps(config | {"cpu": "An older one"}))
    project.run("git", "commit", "--quiet", "--all", "--message", "x")
    project.run("git", "tag", "claimed")
    project.run("git", "reset", "--quiet", "--hard", "HEAD~")
    project.run("git", "stash", "pop", "--quiet")
    assert (project.root / CONFIG).read_text() == built


def test_what_is_not_built_is_not_verified(recorded, tmp_path):
    """One line, with what to do."""
    clone = recorded.clone(tmp_path / "project")
    failed = clone.run("rawtone", "verify", check=False)
    assert failed.returncode == 1
    assert "not built, or changed since; run `snakemake`" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_commit_that_records_nothing_is_one_line(recorded):
    """So is one that does not exist."""
    failed = recorded.run("rawtone", "verify", "nowhere", check=False)
    assert failed.returncode == 1
    assert "nowhere: expected a commit with dvc.lock, found none" in failed.stderr
