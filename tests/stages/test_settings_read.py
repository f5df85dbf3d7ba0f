"""A stage is given exactly the settings that its code reads, so that no edit redoes too much.

They are its parameters for DVC and Snakemake alike, as the file that both look at.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PARAMS = """\
corpora:
  tunes: {sources: [{demo: sine}], sample_rate: 2000, chunk: {seconds: 1.0, overlap: 0.2}}
experiments:
  first: &small
    corpus: tunes
    preset: wavenet-demo
    model: {dilations: [1, 2], residual_channels: 2, dilation_channels: 2, skip_channels: 2}
    training: {steps: 2, window: 50, validate_every: 2, checkpoint_every: 2, validation_batches: 1}
    sampling: {seconds: 0.5, temperatures: [1.0], seeds: [0]}
  second: {<<: *small, start_from: {experiment: first}}
"""
RECORDING = """
import importlib, json, sys
from rawtone.stages import layout

class Recorded(dict):
    def __init__(self, table, read):
        super().__init__(table)
        self.read = read
    def __getitem__(self, key):
        self.read.add(key)
        return super().__getitem__(key)
    def get(self, key, default=None):
        if key in self:  # what came later is left out of the file at its default
            self.read.add(key)
        return super().get(key, default)

plain, told = layout.read_settings, {}
def recording(stage, name="all"):
    return Recorded(plain(stage, name), told.setdefault(f"{stage}/{name}", set()))
layout.read_settings = recording

importlib.import_module("rawtone.stages.settings").run()
for stage in ("fetch", "convert", "chunk"):
    importlib.import_module(f"rawtone.stages.{stage}").run("tunes")
for name in ("first", "second"):
    for stage in ("train", "sample", "parse_log", "evaluate"):
        importlib.import_module(f"rawtone.stages.{stage}").run(name)
importlib.import_module("rawtone.stages.report").run()
print(json.dumps({name: sorted(read) for name, read in told.items()}))
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """Return a project and the keys that each stage has read of its settings there."""
    root = tmp_path_factory.mktemp("project")
    (root / "params.yaml").write_text(PARAMS)
    done = subprocess.run(
        [sys.executable, "-c", RECORDING], cwd=root, check=True, stdout=subprocess.PIPE, text=True
    )
    return root, json.loads(done.stdout)


@pytest.mark.parametrize("corpus_stage", ["fetch", "convert", "chunk"])
def test_of_a_corpus(read: tuple[Path, dict[str, list[str]]], corpus_stage: str) -> None:
    compare(*read, f"{corpus_stage}/tunes")


@pytest.mark.parametrize("stage", ["train", "sample", "parse-log", "evaluate"])
def test_of_an_experiment(read: tuple[Path, dict[str, list[str]]], stage: str) -> None:
    compare(*read, f"{stage}/second")


def test_of_the_page(read: tuple[Path, dict[str, list[str]]]) -> None:
    compare(*read, "report/all")


def compare(root: Path, told: dict[str, list[str]], name: str) -> None:
    """Require that the keys read are those of the file."""
    assert told.get(name, []) == sorted(json.loads((root / f"settings/{name}.json").read_text()))
