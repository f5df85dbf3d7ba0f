"""A prime's recording is an input of both tools, and need not be on every machine."""

from pathlib import Path

import pytest

from .conftest import Project, stand_in_project

AFTER = {"sample@demo", "evaluate@demo", "report"}


@pytest.fixture(scope="module")
def primed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a built project whose clips go on from a recording in the home folder."""
    home = tmp_path_factory.mktemp("primed")
    (home / "prime.wav").write_bytes(b"one")
    params = """\
corpora:
  demo: {sources: [{demo: music}], sample_rate: 8000}
experiments:
  demo: {corpus: demo, preset: wavenet-demo, sampling: {prime: {recording: ~/prime.wav}}}
"""
    project = stand_in_project(home / "project", params)
    project.run("snakemake")
    project.commit()
    return project


def test_another_recording_makes_clips_anew_for_both_tools(primed: Project, tmp_path: Path) -> None:
    assert primed.plan() == set()
    assert primed.status() == set()
    project = primed.copy(tmp_path / "project")
    (tmp_path / "prime.wav").write_bytes(b"two")
    assert project.plan() == AFTER
    assert {"sample@demo"} <= project.status()


def test_a_clone_that_pulled_has_nothing_to_do_without_it(primed: Project, tmp_path: Path) -> None:
    clone = primed.pulled(tmp_path / "clone")
    assert clone.plan() == set()
    assert clone.status() == set()
