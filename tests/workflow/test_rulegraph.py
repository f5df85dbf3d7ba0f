"""The picture of the rules in README.md is that of the rules."""

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def drawing() -> dict[str, Any]:
    """The functions of workflow/rulegraph.py."""
    return runpy.run_path(str(ROOT / "workflow/rulegraph.py"))


def test_the_picture_is_up_to_date(pristine, drawing) -> None:
    """If not: `make rulegraph`."""
    printed = pristine.run("snakemake", "--rulegraph", "mermaid-js").stdout
    assert drawing["block"](drawing["arrows"](printed)) in (ROOT / "README.md").read_text()


def test_only_arrows_with_a_way_round_are_left_out(drawing) -> None:
    names = {"id0": "all", "id1": "late", "id2": "early", "id3": "side", "id4": "middle"}
    graph = "".join(f"\t{key}[{name}]\n" for key, name in names.items())
    graph += "".join(
        f"\tid{a} --> id{b}\n" for a, b in ((1, 0), (2, 1), (4, 1), (2, 4), (2, 3), (3, 1))
    )
    assert drawing["flow"](drawing["arrows"](graph)) == [
        ("early", "middle"),
        ("early", "side"),
        ("middle", "late"),
        ("side", "late"),
    ]


def test_the_command_redraws_and_changes_nothing_else(pristine, tmp_path: Path) -> None:
    project = pristine.copy(tmp_path / "project")
    readme = project.root / "README.md"
    readme.write_text("before\n\n```mermaid\nold\n```\nafter\n")
    project.run("python", "workflow/rulegraph.py")
    text = readme.read_text()
    assert text.startswith("before\n\n```mermaid\nflowchart LR\n  fetch --> convert\n")
    assert text.endswith("\n```\nafter\n")
    readme.write_text("no picture\n")
    failed = project.run("python", "workflow/rulegraph.py", check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: README.md: expected one block ```mermaid, found 0")
