"""A prime's recording is an input of both tools, and need not be on every machine."""

import pytest

AFTER = {"sample@demo", "evaluate@demo", "report"}
PRIMED = """
  demo: {corpus: demo, preset: wavenet-demo, sampling: {prime: {recording: ~/prime.wav}}}
"""


@pytest.fixture(scope="module")
def primed(pristine, tmp_path_factory):
    """Return a built project whose clips go on from a recording in the home folder."""
    home = tmp_path_factory.mktemp("primed")
    (home / "prime.wav").write_bytes(b"one")
    project = pristine.copy(home / "project")
    project.edit("params.yaml", "\n  demo: {corpus: demo, preset: wavenet-demo}\n", PRIMED)
    project.run("snakemake")
    project.commit()
    return project


def test_another_recording_makes_clips_anew_for_both_tools(primed, tmp_path):
    project = primed.copy(tmp_path / "project")
    (tmp_path / "prime.wav").write_bytes(b"one")
    assert project.plan() == set()
    assert project.status() == set()
    (tmp_path / "prime.wav").write_bytes(b"other")
    assert project.plan() == AFTER
    assert "sample@demo" in project.status()


def test_a_clone_that_pulled_has_nothing_to_do_without_it(primed, tmp_path):
    clone = primed.pulled(tmp_path / "clone")
    assert clone.plan() == set()
    assert clone.status() == set()
