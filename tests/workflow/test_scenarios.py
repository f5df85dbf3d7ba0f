"""What happens to a project in its life: every time, both tools are of one mind afterwards."""

import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)

ALL = ("train", "sample", "parse-log", "evaluate")
OF_WIDE = {"sample@wide", "evaluate@wide", "report"}
TALL = "  tall: {corpus: demo, preset: wavenet-demo, training: {seed: 1}}\n"
FOLDER = """\
corpora:
  mine: {sources: [{folder: music}], sample_rate: 8000}
experiments:
  demo: {corpus: mine, preset: wavenet-demo}
"""


def finished(project) -> bool:
    """Both tools have nothing to do, asked in either order."""
    return not project.plan() and not project.status()


def append(project, file: str, text: str) -> str:
    """Add to a file; return what it was."""
    path = project.root / file
    before = path.read_text()
    path.write_text(before + text)
    return before


@pytest.mark.parametrize(("entry", "pulled"), [("snakemake", "before"), ("dvc repro", "after")])
def test_edits_in_a_clone_before_and_after_the_pull(project, tmp_path, entry, pulled):
    """Both plan what the edit affects and nothing else, and one of them does it."""
    store = tmp_path / "store"
    project.run("dvc", "remote", "add", "--default", "store", str(store))
    project.commit()
    project.run("dvc", "push")
    clone = project.clone(tmp_path / "clone" / "project")
    if pulled == "before":
        clone.run("dvc", "pull")
        assert finished(clone)
    clone.edit("params.yaml", "seconds: 2", "seconds: 3")
    append(clone, "src/rawtone/stages/parse_log.py", "# an edit of code that changes no output\n")
    if pulled == "after":
        clone.run("dvc", "pull")
    affected = OF_WIDE | {"parse-log@demo", "parse-log@wide"}
    assert clone.plan() == affected
    assert clone.status() == {"settings", "sample@wide", "parse-log@demo", "parse-log@wide"}
    clone.run(*entry.split())
    assert set(clone.ran()) == affected
    assert finished(clone)


def test_a_new_a_renamed_and_a_removed_experiment(project):
    """From either entry only its own stages run, and the page; one that is back has results."""
    before = append(project, "params.yaml", TALL)
    of_tall = {f"{verb}@tall" for verb in ALL}
    assert project.plan() == of_tall | {"report"}
    assert project.status() == of_tall | {"settings", "report"}
    project.run("snakemake")
    assert finished(project)
    (project.root / "params.yaml").write_text(before + TALL.replace("tall", "high"))
    of_high = {f"{verb}@high" for verb in ALL}
    assert project.plan() == of_high | {"report"}
    project.ran()
    project.run("dvc", "repro")
    assert set(project.ran()) == of_high | {"report"}
    assert finished(project)
    (project.root / "params.yaml").write_text(before + TALL)
    assert project.plan() <= {"report"}
    project.run("snakemake")
    assert finished(project)
    (project.root / "params.yaml").write_text(before)
    assert project.plan() == {"report"}
    project.run("snakemake")
    assert finished(project)


def test_recordings_that_are_added_changed_and_removed(pristine, tmp_path):
    """Snakemake sees them by itself; `rawtone settings` shows them to DVC."""
    project = pristine.copy(tmp_path / "project")
    (project.root / "music").mkdir()
    (project.root / "music/one.wav").write_bytes(b"one")
    (project.root / "params.yaml").write_text(FOLDER)
    project.run("snakemake")
    project.ran()
    everything = {"fetch@mine", "convert@mine", "chunk@mine", "report"} | {
        f"{verb}@demo" for verb in ALL
    }
    (project.root / "music/two.wav").write_bytes(b"two")
    assert project.plan() == everything
    assert "fetch@mine" in project.status()
    project.run("snakemake")
    assert set(project.ran()) == everything
    assert finished(project)
    (project.root / "music/two.wav").write_bytes(b"other")
    project.run("rawtone", "settings")
    project.run("dvc", "repro")
    assert set(project.ran()) == everything
    assert finished(project)
    (project.root / "music/two.wav").write_bytes(b"two")
    project.run("snakemake")
    assert finished(project)


@pytest.mark.parametrize("entry", ["snakemake", "dvc repro"])
def test_a_corrupted_output_is_made_again(project, entry):
    """Also one within a folder that Snakemake looks at only as a whole."""
    broken = project.root / "results/wide/clips/content.json"
    whole = broken.read_bytes()
    broken.unlink()
    broken.write_bytes(b"other")
    assert "sample@wide" in project.status()
    assert "sample@wide" in project.plan()
    project.run(*entry.split())
    assert broken.read_bytes() == whole
    assert finished(project)


def test_an_older_commit_and_back(project):
    """`git checkout` and `dvc checkout` bring it back; nothing is built."""
    project.commit()
    project.edit("params.yaml", "seconds: 2", "seconds: 3")
    project.run("snakemake")
    project.commit()
    project.ran()
    for revision in ("HEAD~", "-"):
        project.run("git", "checkout", "--quiet", revision)
        project.run("dvc", "checkout")
        assert finished(project)
    assert project.ran() == []


def test_two_peoples_experiments_merge(project, tmp_path):
    """Each added one and built it; together only the page is left to make."""
    base = append(project, "params.yaml", "# ours above, theirs below\n\n\n\n\n")
    mine = project.pulled(tmp_path / "mine" / "project")
    other = project.clone(tmp_path / "other" / "project")
    other.run("dvc", "pull")
    text = (mine.root / "params.yaml").read_text()
    for person, new in ((mine, base + TALL + text[len(base) :]), (other, text + _named("low"))):
        (person.root / "params.yaml").write_text(new)
        person.run("snakemake")
        person.commit()
        person.run("dvc", "push")
    assert mine.ran()
    driver = ".venv/bin/python workflow/merge_lock.py %O %A %B"
    mine.run("git", "config", "merge.dvc-lock.driver", driver)
    mine.run("git", "pull", "--quiet", "--no-rebase", "--no-edit", str(other.root))
    mine.run("dvc", "pull", check=False)  # the page of neither side is that of both
    assert mine.plan() == {"report"}
    mine.run("snakemake")
    assert mine.ran() == ["report"]
    assert finished(mine)


def _named(name: str) -> str:
    return TALL.replace("tall", name)


@pytest.mark.parametrize("how", [shutil.move, shutil.copytree])
def test_a_workspace_at_another_path(project, tmp_path, how):
    """Moved as it is, or copied with new times: nothing is built again."""
    target = tmp_path / "another" / "place"
    target.parent.mkdir()
    if how is shutil.copytree:
        shutil.copytree(project.root, target, symlinks=True, copy_function=shutil.copy)
    else:
        shutil.move(project.root, target)
    moved = project.at(target)
    assert finished(moved)
    moved.edit("params.yaml", "seconds: 2", "seconds: 3")
    moved.run("snakemake")
    assert set(moved.ran()) == OF_WIDE
    assert finished(moved)


def test_a_lost_output_is_not_pulled_over_an_edit(project, tmp_path):
    """`dvc checkout` brings back what is lost, without running anything."""
    shutil.rmtree(project.root / "results/wide/checkpoints")
    project.run("dvc", "checkout")
    assert finished(project)
    assert not project.ran()
    assert Path(project.root / "results/wide/checkpoints").is_dir()
