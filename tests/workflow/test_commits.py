"""Commits of a borrowed machine reach others, with a push or without one."""

import importlib
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PERSON = {
    f"GIT_{who}_{what}": "t@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person does; return what it prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | PERSON, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def commit(folder: Path, file: str, content: str) -> None:
    """Commit a file, with that content."""
    (folder / file).write_text(content)
    git(folder, "add", file)
    git(folder, "commit", "--quiet", "--message", file)


@pytest.fixture
def commits(monkeypatch, tmp_path):
    """The module of that name, for a person whom git does not know."""
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return importlib.import_module("workflow.commits")


@pytest.fixture
def home(tmp_path):
    """The clone of the person at home; its origin is `origin` beside it."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", "origin")
    git(tmp_path, "clone", "--quiet", "origin", "home")
    git(tmp_path / "home", "switch", "--quiet", "--orphan", "main")
    commit(tmp_path / "home", "params.yaml", "steps: 1\n")
    git(tmp_path / "home", "push", "--quiet", "--set-upstream", "origin", "main")
    return tmp_path / "home"


@pytest.fixture
def borrow(commits, home):
    """Return what gives a new machine: a fresh clone, and its commits."""
    number = iter(range(9))

    def borrow():
        folder = home.with_name(f"machine{next(number)}")
        git(home.parent, "clone", "--quiet", "origin", folder.name)
        return folder, commits.Commits(folder, home.with_name("commits.bundle"))

    return borrow


def refuse_pushes(home: Path) -> None:
    """Let the origin take no push, as one does of which the notebook has no token."""
    hook = home.with_name("origin") / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)


def test_what_was_built_is_committed_and_pushed(home, borrow):
    """dvc.lock, and the edits that it belongs to; nothing else."""
    folder, here = borrow()
    (folder / "dvc.lock").write_text("built\n")
    (folder / "params.yaml").write_text("steps: 2\n")
    (folder / "notes.txt").write_text("mine\n")
    assert here.put_away() == "committed and pushed to main"
    git(home, "pull", "--quiet")
    assert (home / "dvc.lock").read_text() == "built\n"
    assert (home / "params.yaml").read_text() == "steps: 2\n"
    assert not (home / "notes.txt").exists()
    assert here.put_away() == ""


def test_a_push_goes_on_top_of_what_was_pushed_meanwhile(home, borrow):
    """The person at home may go on working."""
    folder, here = borrow()
    commit(home, "notes.txt", "hello\n")
    git(home, "push", "--quiet")
    (folder / "dvc.lock").write_text("built\n")
    assert here.put_away() == "committed and pushed to main"
    git(home, "pull", "--quiet")
    assert (home / "dvc.lock").exists()


def test_without_a_push_the_next_machine_and_the_person_at_home_take_them_from_a_file(home, borrow):
    """And when a push succeeds later, the file goes."""
    refuse_pushes(home)
    folder, here = borrow()
    (folder / "dvc.lock").write_text("built\n")
    assert "git pull FILE main" in here.put_away()
    (home.with_name("origin") / "hooks/pre-receive").unlink()
    commit(home, "notes.txt", "hello\n")
    git(home, "push", "--quiet")
    refuse_pushes(home)
    folder, there = borrow()
    there.catch_up()
    there.catch_up()
    assert (folder / "notes.txt").exists()
    assert (folder / "dvc.lock").read_text() == "built\n"
    (folder / "dvc.lock").write_text("built more\n")
    there.put_away()
    git(home, "pull", "--quiet", "--rebase", "../commits.bundle", "main")
    assert (home / "dvc.lock").read_text() == "built more\n"
    (home.with_name("origin") / "hooks/pre-receive").unlink()
    assert there.put_away() == "committed and pushed to main"
    assert not home.with_name("commits.bundle").exists()


def test_catching_up_again_keeps_what_is_not_committed_yet(home, borrow):
    """As after a kill between building and committing."""
    folder, here = borrow()
    here.catch_up()
    (folder / "params.yaml").write_text("steps: 2\n")
    (folder / "dvc.lock").write_text("built\n")
    here.catch_up()
    assert (folder / "params.yaml").read_text() == "steps: 2\n"
    assert (folder / "dvc.lock").read_text() == "built\n"


def test_commits_that_do_not_go_together_are_one_clear_error(home, borrow, commits):
    """The file is kept, and so is the clone as it was."""
    refuse_pushes(home)
    folder, here = borrow()
    (folder / "params.yaml").write_text("steps: 2\n")
    here.put_away()
    (home.with_name("origin") / "hooks/pre-receive").unlink()
    commit(home, "params.yaml", "steps: 3\n")
    git(home, "push", "--quiet")
    folder, there = borrow()
    with pytest.raises(commits.UserError, match=r"do not go on top of origin/main .*Built on"):
        there.catch_up()
    assert home.with_name("commits.bundle").exists()
    assert (folder / "params.yaml").read_text() == "steps: 3\n"
    assert git(folder, "status", "--porcelain") == ""


def test_what_the_person_at_home_took_over_is_no_conflict(home, borrow):
    """Also where it became another commit on the way."""
    refuse_pushes(home)
    folder, here = borrow()
    (folder / "dvc.lock").write_text("built\n")
    here.put_away()
    (home.with_name("origin") / "hooks/pre-receive").unlink()
    commit(home, "notes.txt", "hello\n")
    git(home, "pull", "--quiet", "--rebase=false", "--no-edit", "../commits.bundle", "main")
    git(home, "push", "--quiet")
    folder, there = borrow()
    there.catch_up()
    assert there.put_away() == ""
    assert not home.with_name("commits.bundle").exists()


def test_a_torn_file_of_commits_is_one_clear_error(home, borrow, commits):
    """As a drive may leave it."""
    home.with_name("commits.bundle").write_bytes(b"# v2 git bundle\n")
    _, here = borrow()
    with pytest.raises(commits.UserError, match="or remove it to do without them"):
        here.catch_up()
