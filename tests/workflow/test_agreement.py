"""After one tool has built or something was edited, both tools are of one mind."""

import os
import signal
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)

OF_WIDE = {"sample@wide", "evaluate@wide", "report"}


def nothing_to_do(project) -> bool:
    """Both tools see a finished project, asked in either order."""
    return not project.plan() and not project.status()


def test_built_by_snakemake_is_finished_for_dvc(project):
    """`dvc repro` then runs no stage, not even to look."""
    assert nothing_to_do(project)
    assert "Running stage" not in project.run("dvc", "repro").stdout


def test_built_by_dvc_is_finished_for_snakemake(pristine, by_snakemake, tmp_path):
    """And dvc.lock is the same, whoever built."""
    project = pristine.copy(tmp_path / "project")
    project.run("dvc", "repro")
    assert len(project.ran()) == 12
    assert nothing_to_do(project)
    locks = [(p.root / "dvc.lock").read_text() for p in (project, by_snakemake)]
    assert locks[0] == locks[1]


def test_edit_of_a_setting_redoes_what_it_affects_and_taking_it_back_nothing(project):
    """In Snakemake, in DVC, and after the edit was taken back in neither."""
    project.edit("params.yaml", "seconds: 2", "seconds: 3")
    assert project.plan() == OF_WIDE
    assert project.status() == {"settings", "sample@wide"}
    project.edit("params.yaml", "seconds: 3", "seconds: 2")
    assert nothing_to_do(project)
    project.edit("params.yaml", "seconds: 2", "seconds: 3")
    project.run("dvc", "repro")
    assert set(project.ran()) == OF_WIDE
    assert nothing_to_do(project)
    project.edit("params.yaml", "seconds: 3", "seconds: 2")
    project.run("snakemake")
    assert set(project.ran()) == OF_WIDE
    assert nothing_to_do(project)


def test_edit_of_code_that_changes_no_output(project):
    """DVC stops where bytes are equal; Snakemake believes it."""
    code = "src/rawtone/stages/convert.py"
    project.edit(code, "import json", "import json  # as ever")
    assert "convert@demo" in project.plan()
    assert project.status() == {"convert@demo"}
    project.run("dvc", "repro")
    assert project.ran() == ["convert@demo"]
    assert nothing_to_do(project)


def test_lost_output_is_made_again_and_not_recorded_as_lost(project):
    """A file that Snakemake does not watch itself is missed through DVC."""
    next((project.root / "data/raw/demo").glob("*.wav")).unlink()
    assert project.status() == {"fetch@demo", "convert@demo", "report"}
    assert "fetch@demo" in project.plan()
    project.run("snakemake")
    assert (project.root / "data/raw/demo/0a1b.wav").exists()
    assert nothing_to_do(project)


def test_failed_stage_keeps_what_others_finished(project):
    """The error is the stage's own line; what was finished is recorded all the same."""
    project.edit("params.yaml", "seconds: 2", "seconds: 3")
    broken = "src/rawtone/stages/evaluate.py"
    whole = (project.root / broken).read_text()
    cause = (
        'from rawtone.errors import UserError\n    raise UserError("it is broken")\n    settings'
    )
    project.edit(broken, "settings = Path", f"{cause} = Path")
    failed = project.run("snakemake", check=False)
    assert failed.returncode == 1
    assert "error: it is broken" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "CalledProcessError" not in failed.stderr
    (project.root / broken).write_text(whole)
    assert "sample@wide" not in project.status() | project.plan()


def test_ctrl_c_while_dvc_works_loses_nothing_and_shows_no_traceback(project, start):
    """It is asked while the Snakefile is read, and records when all is built."""
    project.edit("params.yaml", "seconds: 2", "seconds: 3")
    for verb in ("status", "commit"):
        session = start("snakemake")
        while not session.runs("dvc", verb):
            assert session.process.poll() is None, session.printed.read_text()
            time.sleep(0.02)
        os.killpg(session.process.pid, signal.SIGINT)
        assert session.end() == 128 + signal.SIGINT
        printed = session.printed.read_text()
        assert f"`dvc {verb}` was interrupted" in printed
        assert "Traceback" not in printed
    project.run("snakemake")
    assert set(project.ran()) == OF_WIDE
    assert not project.status()


def test_ctrl_c_while_a_folder_is_listed_shows_no_traceback(project, start):
    """As long recordings are read for their checksums while the Snakefile is."""
    project.edit("params.yaml", "{demo: music}", "{demo: music}, {folder: music}")
    (project.root / "music").mkdir()
    with (project.root / "music/long.wav").open("wb") as long:
        long.truncate(3 * 10**9)
    session = start("snakemake")
    while not session.reads("long.wav"):
        assert session.process.poll() is None, session.printed.read_text()
    os.killpg(session.process.pid, signal.SIGINT)
    assert session.end() == 128 + signal.SIGINT
    printed = session.printed.read_text()
    assert "run again to go on" in printed
    assert "Traceback" not in printed


def test_without_dvc_snakemake_works_alone(project):
    """The folder may be a plain download, without git and DVC."""
    for name in (".dvc", ".git"):
        (project.root / name).rename(project.root.parent / f"gone{name}")
    assert not project.plan()
    project.edit("params.yaml", "seconds: 2", "seconds: 3")
    assert project.plan() == OF_WIDE


def test_wrong_setting_is_one_line(project: Path):
    """An unknown key ends before anything runs, in one line and without a traceback."""
    project.edit("params.yaml", "sample_rate", "sample_rat")
    failed = project.run("snakemake", check=False)
    assert failed.returncode == 1
    lines = failed.stderr.splitlines()
    assert [line for line in lines if not line.startswith("Using")] == [
        "error: params.yaml: corpora.demo: unknown key 'sample_rat'; did you mean 'sample_rate'?"
    ]
