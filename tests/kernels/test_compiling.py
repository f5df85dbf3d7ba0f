"""Machine code is kept on disk for the sources that it was made of, and for no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rawtone.kernels import compiling

KERNEL = """
from rawtone.kernels.compiling import compiled

@compiled
def double(x):
    return 2 * x

print(double(21), sum(double.stats.cache_hits.values()))
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that kernels are made of one file, and return its folder."""
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "products.py").write_text("one = 1\n")
    monkeypatch.setattr(compiling, "__file__", str(folder / "compiling.py"))
    return folder


def place() -> str:
    return str(compiling.folder.__wrapped__())


def test_an_edit_of_any_source_makes_another_place(sources: Path) -> None:
    """Numba looks only at the file of the function that is called."""
    before = place()
    assert place() == before
    (sources / "products.py").write_text("one = 2\n")
    assert place() != before


def test_it_lies_where_numba_or_the_person_keeps_such_things(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling.config, "CACHE_DIR", "/some/where")
    assert place().startswith("/some/where/")
    monkeypatch.setattr(compiling.config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/else/where")
    assert place().startswith("/else/where/")


def ran(script: Path, cache: Path) -> list[str]:
    """Return what a new process says of a kernel: its result, and whether its code was there."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, script]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=True
    ).stdout.split()


def test_another_process_finds_what_one_has_compiled(tmp_path: Path) -> None:
    script = tmp_path / "kernel.py"
    script.write_text(KERNEL)
    assert ran(script, tmp_path / "cache") == ["42", "0"]
    assert ran(script, tmp_path / "cache") == ["42", "1"]
