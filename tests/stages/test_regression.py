"""A model that only names values, from training to the page: its losses are no bits anywhere."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rawtone.corpus import table
from tests.commands import rawtone

PARAMS = """
corpora:
  mine:
    sources: [{folder: music}]
    sample_rate: 4000
    chunk: {seconds: 1.0, overlap: 0.2}
experiments:
  likely:
    corpus: mine
    preset: wavenet-demo
    quantizer: {kind: linear, levels: 256}
    model: {family: next_sample, units: [8], convolution: {filters: 4, width: 5}}
    training: &short {steps: 24, batch_size: 4, window: 100, validate_every: 12,
                      checkpoint_every: 12, log_every: 4, tensorboard: true}
    sampling: &few {seconds: 0.7, temperatures: [1.0], seeds: [0]}
  certain:
    corpus: mine
    preset: wavenet-demo
    quantizer: {kind: linear, levels: 65536}
    model: {family: next_sample, units: [8], output: {kind: regression}}
    training: *short
    sampling: *few
  begun:
    corpus: mine
    preset: wavenet-demo
    quantizer: {kind: linear, levels: 65536}
    model: {family: next_sample, units: [8], output: {kind: regression}}
    training: *short
    sampling: *few
    start_from: {experiment: certain}
"""
STAGES = ("train", "sample", "parse-log", "evaluate")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Build two experiments of one corpus and the page; return what each stage said of each."""
    root = tmp_path_factory.mktemp("project")
    (root / "music").mkdir()
    (root / "params.yaml").write_text(PARAMS)
    for name in range(4):
        tone = np.sin(2 * np.pi * (200 + 50 * name) * np.arange(16000) / 4000)
        soundfile.write(root / f"music/{name}.wav", 0.4 * tone, 4000)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        rawtone("settings", "fetch mine", "convert mine", "chunk mine")
        said = {
            f"{stage} {name}": rawtone(f"{stage} {name}")
            for name in ("likely", "certain")
            for stage in STAGES
        }
        rawtone("report")
        return said | {"root": str(root)}


@pytest.fixture
def here(built: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the built project."""
    monkeypatch.chdir(built["root"])


@pytest.mark.usefixtures("here")
def test_no_stage_speaks_of_bits(built: dict[str, str]) -> None:
    for stage in STAGES:
        assert "bits" not in built[f"{stage} certain"]
    assert "squared error on held-out windows" in built["train certain"]
    assert "bits on held-out windows" in built["train likely"]
    assert "squared error on validation" in built["evaluate certain"]


@pytest.mark.usefixtures("here")
def test_its_log_and_history_have_losses_and_no_bits() -> None:
    log = Path("results/certain/train.log").read_text()
    assert "bits" not in log
    assert "loss = " in log
    rows = table.read(Path("results/certain/history.csv"))
    assert {row["bits"] + row["validation_bits"] for row in rows} == {""}
    assert all(0 < float(row["loss"]) < 1 for row in rows)
    assert [row["step"] for row in rows if row["validation_loss"]] == ["12", "24"]


@pytest.mark.usefixtures("here")
def test_its_checkpoints_are_compared_by_their_losses() -> None:
    published = json.loads(Path("results/certain/checkpoints.json").read_text())["checkpoints"]
    assert [c["validation_bits"] for c in published] == [None, None]
    rows = table.read(Path("results/certain/bits.csv"))
    assert {row["bits"] for row in rows} == {""}
    validated = {row["step"]: float(row["loss"]) for row in rows if row["split"] == "validation"}
    found = json.loads(Path("results/certain/evaluation.json").read_text())
    assert str(found["best_step"]) == min(validated, key=validated.__getitem__)
    assert found["validation_loss"] == min(validated.values())
    assert 0 < found["repetition_loss"]["test"] < found["silence_loss"]["test"]
    assert found["losses"]["test"]["loss"] == found["test_loss"]
    assert "gap_loss" in found
    assert not {"bits", "gap_bits"} & found.keys()


@pytest.mark.usefixtures("here")
def test_its_metrics_stand_in_the_same_table_as_those_with_bits() -> None:
    likely, certain = (
        json.loads(Path(f"results/{name}/metrics.json").read_text())
        for name in ("likely", "certain")
    )
    assert likely.keys() == certain.keys()
    assert (certain["validation_bits"], certain["test_bits"]) == (None, None)
    assert 0 < likely["validation_bits"] < 8


@pytest.mark.usefixtures("here")
def test_the_page_shows_errors_beside_what_they_must_beat() -> None:
    page = Path("report/certain.html").read_text() if Path("report/certain.html").exists() else ""
    page = page or Path("report/index.html").read_text()
    assert "Squared error" in page
    assert "Repetition" in page
    assert {row["experiment"] for row in table.read(Path("report/bits.csv"))} == {"likely"}


@pytest.mark.usefixtures("here")
def test_tensorboard_has_its_losses_and_no_bits() -> None:
    run = json.loads(Path("results/certain/config.json").read_text())["run"]
    events = b"".join(
        file.read_bytes() for file in sorted(Path(f"runs/{run}/tensorboard").glob("events*"))
    )
    assert b"loss/validation" in events
    assert b"bits/" not in events


@pytest.mark.usefixtures("here")
def test_training_begins_from_its_best_checkpoint() -> None:
    rawtone("settings", "train begun")
    origin = json.loads(Path("results/begun/config.json").read_text())["origin"]
    found = json.loads(Path("results/certain/checkpoints.json").read_text())["checkpoints"]
    assert origin["step"] == min(found, key=lambda c: c["validation_loss"])["step"]
