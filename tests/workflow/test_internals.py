"""What the agreement uses of the tools' insides is still there, in the versions that are locked."""

import ast
import importlib
import json
from importlib.metadata import version
from pathlib import Path

import pytest
import snakemake.api  # first: its modules import each other in circles  # noqa: F401

WORKFLOW = Path(__file__).parents[2] / "workflow"


def _snakemake() -> dict[str, tuple[str, ...]]:
    """Return the attributes that workflow/internals.py lists."""
    tree = ast.parse((WORKFLOW / "internals.py").read_text())
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    (table,) = (node for node in assigned if node.targets[0].id == "SNAKEMAKE")
    return ast.literal_eval(table.value)


@pytest.mark.parametrize(("kind", "names"), _snakemake().items())
def test_snakemake_has_what_is_used_of_it(kind, names):
    """If not, workflow/internals.py is the one place to mend."""
    module, _, name = kind.partition(".")
    found = getattr(importlib.import_module(f"snakemake.{module}"), name)
    source = Path(importlib.import_module(f"snakemake.{module}").__file__).read_text()
    for attribute in names:
        assert hasattr(found, attribute) or f"self.{attribute}" in source, (
            f"Snakemake {version('snakemake')}: {kind} has no {attribute} any more"
        )


def test_snakemakes_objects_are_asked_nowhere_else():
    """In Python files, and of what the rules pass on."""
    names = {name for listed in _snakemake().values() for name in listed} - {"name", "output"}
    for file in sorted(WORKFLOW.glob("*.py")):
        if file.name != "internals.py":
            text = file.read_text()
            assert not [n for n in names if f"workflow.{n}" in text or f"dag.{n}" in text], file


def test_dvc_tells_changed_outputs_and_deps_as_it_did(project):
    """`dvc status --json`: a list for each stage, of tables by kind, of states by path."""
    (project.root / "results/wide/clips/content.json").unlink()
    project.edit("src/rawtone/stages/evaluate.py", "import json", "import json  # as ever")
    told = json.loads(project.run("dvc", "status", "--json").stdout)
    assert {"changed outs": {"results/wide/clips": "modified"}} in told["sample@wide"]
    changes = {"src/rawtone/stages/evaluate.py": "modified"}
    assert {"changed deps": changes} in told["evaluate@demo"]
