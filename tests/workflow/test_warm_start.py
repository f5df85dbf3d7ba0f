"""An experiment that begins from another's weights follows it, in both tools."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.timeout(240)

PARAMS = """\
corpora:
  one: {sources: [{demo: music}], sample_rate: 8000}
  two: {sources: [{demo: sine}], sample_rate: 8000}
experiments:
  band: {corpus: one, preset: wavenet-demo, training: {learning_rate: 0.001}}
  mix: {corpus: two, preset: wavenet-demo, training: {seed: 5}, start_from: {experiment: band}}
"""
STAGES = Path(__file__).parents[2] / "src/rawtone/stages"
REAL = """\
corpora:
  one: &small
    {sources: [{demo: music}], sample_rate: 4000, chunk: {seconds: 2.0, overlap: 0.2}}
  two: {<<: *small, sources: [{demo: sine}]}
experiments:
  band: &tiny
    corpus: one
    preset: wavenet-demo
    model: {dilations: [1, 2, 4], residual_channels: 4, dilation_channels: 4, skip_channels: 4}
    training: &short
      {steps: 6, window: 100, validate_every: 2, checkpoint_every: 2, validation_batches: 1}
  mix:
    <<: *tiny
    corpus: two
    training: {<<: *short, steps: 1, learning_rate: 1.0e-7, warmup_steps: 0}
    start_from: {experiment: band, step: 4}
"""
TRAIN = '''"""A stand-in: outputs that tell of settings, chunks and the weights begun from."""

import hashlib
import json
from pathlib import Path

from rawtone.stages import layout


def run(name: str) -> None:
    settings = layout.read_settings("train", name)
    start = settings.pop("start_from", None)
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update((layout.chunks(settings["corpus"]) / "corpus.json").read_bytes())
    config = {}
    if start:
        origin = layout.results(start["experiment"])
        digest.update((origin / "checkpoints/step").read_bytes())
        config["origin"] = {"run": json.loads((origin / "config.json").read_text())["run"]}
    config["run"] = digest.hexdigest()
    results = layout.results(name)
    (results / "checkpoints").mkdir(parents=True, exist_ok=True)
    for file in ("config.json", "checkpoints.json", "train.log", "checkpoints/step"):
        (results / file).write_text(json.dumps(config))
    with Path("logs/ran.txt").open("a") as ran:
        ran.write(f"train@{name}\\n")
'''
AFTER = ("train", "sample", "parse-log", "evaluate")
OF_MIX = {f"{verb}@mix" for verb in AFTER} | {"report"}
OF_BOTH = {f"{verb}@band" for verb in AFTER} | OF_MIX


def trainings(project) -> list[str]:
    """Return the trainings that ran since this was last asked, in order."""
    return [name for name in project.ran() if name.startswith("train@")]


def nothing_to_do(project) -> bool:
    """Both tools see a finished project."""
    return not project.plan() and not project.status()


@pytest.fixture(scope="module")
def unbuilt(pristine, tmp_path_factory):
    """Return a project of two experiments, the second of which begins from the first."""
    project = pristine.copy(tmp_path_factory.mktemp("unbuilt") / "project")
    (project.root / "params.yaml").write_text(PARAMS)
    (project.root / "src/rawtone/stages/train.py").write_text(TRAIN)
    project.commit()
    return project


@pytest.fixture(scope="module")
def built(unbuilt, tmp_path_factory):
    """Return the same, built by `snakemake`; copy it before changing it."""
    project = unbuilt.copy(tmp_path_factory.mktemp("built") / "project")
    project.run("snakemake")
    return project


@pytest.fixture
def project(built, tmp_path):
    """Return the same, for one test alone."""
    copy = built.copy(tmp_path / "project")
    copy.ran()
    return copy


def test_snakemake_trains_in_order_and_leaves_dvc_nothing(built, tmp_path):
    """Also where only the later one is asked for."""
    project = built.copy(tmp_path / "project")
    assert trainings(project) == ["train@band", "train@mix"]
    assert nothing_to_do(project)


def test_dvc_trains_in_order_and_leaves_snakemake_nothing(unbuilt, built, tmp_path):
    """And dvc.lock is the same, whoever built."""
    project = unbuilt.copy(tmp_path / "project")
    project.run("dvc", "repro")
    assert trainings(project) == ["train@band", "train@mix"]
    assert nothing_to_do(project)
    locks = [(p.root / "dvc.lock").read_text() for p in (project, built)]
    assert locks[0] == locks[1]


def test_edit_of_the_origin_retrains_both(project):
    """By DVC, and taken back by Snakemake."""
    project.edit("params.yaml", "learning_rate: 0.001", "learning_rate: 0.002")
    assert project.plan() == OF_BOTH
    assert project.status() == {"settings", "train@band", "train@mix"}
    project.run("dvc", "repro")
    assert trainings(project) == ["train@band", "train@mix"]
    assert nothing_to_do(project)
    project.edit("params.yaml", "learning_rate: 0.002", "learning_rate: 0.001")
    project.run("snakemake")
    assert trainings(project) == ["train@band", "train@mix"]
    assert nothing_to_do(project)


def test_edit_of_what_begins_from_it_leaves_the_origin_alone(project):
    """In both tools."""
    project.edit("params.yaml", "seed: 5", "seed: 6")
    assert project.plan() == OF_MIX
    assert project.status() == {"settings", "train@mix"}
    project.run("dvc", "repro")
    assert trainings(project) == ["train@mix"]
    assert nothing_to_do(project)


def test_clone_and_pull_leave_nothing_to_do(project, tmp_path):
    """Whatever modification times the files of the clone got; an edit is followed there, too."""
    clone = project.pulled(tmp_path / "clone" / "project")
    assert nothing_to_do(clone)
    clone.edit("params.yaml", "seed: 5", "seed: 6")
    clone.run("snakemake")
    assert trainings(clone) == ["train@mix"]


def test_code_that_gives_the_origin_other_chunks(project):
    """Not seen by `dvc repro`, whose stages only some settings tie together; by Snakemake it is."""
    old = "hashlib.sha256(settings.read_bytes())"
    new = 'hashlib.sha256(settings.read_bytes() + (b"x" if name == "one" else b""))'
    project.edit("src/rawtone/stages/chunk.py", old, new)
    project.run("dvc", "repro")
    assert trainings(project) == ["train@band"]
    assert project.plan() == OF_MIX
    project.run("snakemake")
    assert trainings(project) == ["train@mix"]
    assert nothing_to_do(project)


def test_real_weights_are_gone_on_from(pristine, tmp_path):
    """A training that hardly moves ends where its origin was; alone, it says what it waits for."""
    project = pristine.copy(tmp_path / "project")
    (project.root / "params.yaml").write_text(REAL)
    for file in STAGES.glob("*.py"):
        shutil.copy(file, project.root / "src/rawtone/stages" / file.name)
    project.run("snakemake", "data/chunks/two/corpus.json")
    alone = project.run("rawtone", "train", "mix", check=False)
    assert alone.returncode == 1
    assert "'band' is not trained as params.yaml has it now" in alone.stderr
    project.run("snakemake", "results/mix/config.json")
    band, mix = (project.root / "results" / name for name in ("band", "mix"))
    before, after = (
        dict(np.load(folder / f"checkpoints/step-{step:08d}.npz"))
        for folder, step in ((band, 4), (mix, 1))
    )
    assert before.keys() == after.keys()
    assert all(np.allclose(before[name], after[name], atol=1e-6) for name in before)
    assert not all(np.array_equal(before[name], after[name]) for name in before)
    origin = json.loads((mix / "config.json").read_text())["origin"]
    assert (origin["experiment"], origin["step"]) == ("band", 4)
    assert origin["run"] == json.loads((band / "config.json").read_text())["run"]
