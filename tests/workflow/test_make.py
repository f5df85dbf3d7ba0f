"""The two commands of the README, as far as they need no download."""

import re
import shutil
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-cluster.lock", "requirements-uv.lock")

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def set_up(project):
    """A built project whose environment is newer than the lock files."""
    uv = project.root / "build/uv/bin/uv"
    uv.parent.mkdir(parents=True)
    uv.touch()
    (project.root / ".venv/ready").write_text(f"{project.root}\n")
    return project


def test_make_with_nothing_to_do_says_so_and_where_the_page_is(set_up):
    """In seconds, and without looking at the network."""
    start = time.monotonic()
    done = set_up.run("make")
    assert time.monotonic() - start < 20
    assert "Nothing to be done" in done.stderr
    assert f"{set_up.root}/report/index.html" in done.stdout


def test_make_builds_where_nobody_activated_the_environment(set_up):
    """Rules find `rawtone` beside the interpreter that runs them."""
    shutil.rmtree(set_up.root / "report")
    bare = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    set_up.run("make", extra=bare)
    assert set_up.ran() == ["report"]


def test_a_project_that_was_moved_gets_its_environment_anew(set_up):
    """The scripts of the old one name an interpreter that is not there any more."""
    (set_up.root / ".venv/ready").write_text("/where/it/was\n")
    assert "rm -rf .venv\n" in set_up.run("make", "--dry-run", "setup").stdout
    (set_up.root / ".venv/ready").write_text(f"{set_up.root}\n")
    assert "rm" not in set_up.run("make", "--dry-run", "setup").stdout


def test_python_that_is_too_old_is_one_line(pristine, tmp_path):
    """The line says what was found, what is needed and what to type."""
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit\nexit 1\n')
    old.chmod(0o755)
    failed = pristine.run("make", "setup", f"PYTHON={old}", check=False)
    assert failed.returncode != 0
    errors = [line for line in failed.stderr.splitlines() if not line.startswith("make")]
    assert len(errors) == 1
    assert "3.9.2" in errors[0]
    assert "3.11" in errors[0]


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_everything_by_hash_and_hold_no_address(lock):
    """So that any mirror gives the same files."""
    text = (ROOT / lock).read_text()
    assert "://" not in text
    pins = re.split(r"\n(?=\S)", text.strip())
    assert all(re.match(r"[\w.-]+==\S+", pin) and "--hash=sha256:" in pin for pin in pins)


def test_locks_agree_where_both_name_a_package():
    """One environment holds both."""
    whole, cluster = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in LOCKS[:2]
    )
    assert {name: whole[name] for name in whole.keys() & cluster.keys()} == {
        name: cluster[name] for name in whole.keys() & cluster.keys()
    }


def test_environment_can_build_the_package_without_a_download():
    """The build backend is among the locked packages."""
    assert re.search(r"^setuptools==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
