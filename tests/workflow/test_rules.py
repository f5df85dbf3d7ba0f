"""dvc.yaml, the rules and the code agree on what depends on what."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
VERBS = [
    "settings",
    "fetch",
    "convert",
    "chunk",
    "train",
    "sample",
    "parse-log",
    "evaluate",
    "report",
]


@pytest.fixture
def agreement(monkeypatch):
    """The module of that name, with the project as current folder."""
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))  # where Snakemake finds what it imports
    spec = importlib.util.spec_from_file_location("agreement", ROOT / "workflow/agreement.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "agreement", module)
    spec.loader.exec_module(module)
    return module


def _file(module: str) -> Path | None:
    path = SOURCE / Path(*module.split("."))
    return next((p for p in (path / "__init__.py", path.with_suffix(".py")) if p.exists()), None)


def _imports(file: Path) -> set[str]:
    """Every module of ours that a file names, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and str(node.value).startswith("rawtone."):
            found.add(node.value)  # importlib.resources and importlib name modules in strings
    return {name for name in found if name.split(".")[0] == "rawtone"}


def _closure(module: str) -> set[Path]:
    """The files that importing a module may read, whole packages where one is touched."""
    seen: set[Path] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        parents = [name.rsplit(".", i)[0] for i in range(name.count(".") + 1)]
        files = {file for parent in parents if (file := _file(parent))}
        for file in files - seen:
            seen.add(file)
            package = file.relative_to(SOURCE / "rawtone").parts[0]
            if package not in ("stages", file.name):
                inside = (SOURCE / "rawtone" / package).rglob("*.py")
                todo += [".".join(p.relative_to(SOURCE).with_suffix("").parts) for p in inside]
            todo += sorted(_imports(file))
    return seen


def _as_dep(file: Path) -> str:
    """Name a file as dvc.yaml does: packages as folders, `rawtone` and `stages` file by file."""
    inside = file.relative_to(SOURCE / "rawtone").parts
    whole = len(inside) > 1 and inside[0] != "stages"
    return "/".join(("src/rawtone", inside[0] if whole else "/".join(inside)))


@pytest.mark.parametrize("verb", VERBS)
def test_dvc_yaml_names_the_code_that_a_stage_imports(agreement, verb):
    """No more, or an edit redoes too much; no less, or it redoes too little."""
    stage = next(s for s in agreement.stages().values() if s.name.split("@")[0] == verb)
    imported = _closure(f"rawtone.stages.{verb.replace('-', '_')}")
    assert sorted(d for d in stage.deps if d.startswith("src/")) == sorted(
        {_as_dep(file) for file in imported}
    )


def test_stages_stand_in_the_order_of_the_flow(agreement):
    """The agreement puts times in order from left to right."""
    assert list(dict.fromkeys(name.split("@")[0] for name in agreement.stages())) == VERBS
    made: set[str] = set()
    for stage in agreement.stages().values():
        needed = {dep for dep in stage.deps if dep.split("/")[0] in ("data", "results")}
        assert all(any(_holds(dep, out) for out in made) for dep in needed), stage
        made |= set(stage.outs)


def _holds(dep: str, out: str) -> bool:
    """A stage may need a whole folder of outputs, or one file of an output that is a folder."""
    return out.startswith(dep) or dep.startswith(f"{out}/")


def test_every_output_of_a_rule_is_versioned(by_snakemake, agreement, monkeypatch):
    """What Snakemake declares lies in what DVC holds, so that a pulled clone is complete."""
    monkeypatch.chdir(by_snakemake.root)
    agreement.stages.cache_clear()
    outs = {Path(out) for stage in agreement.stages().values() for out in stage.outs}
    summary = by_snakemake.run("snakemake", "--summary").stdout.splitlines()
    declared = {Path(line.split("\t")[0]) for line in summary[1:] if "\t" in line}
    assert len(declared) > 20
    assert all(out in outs or outs & set(out.parents) for out in declared)
    agreement.stages.cache_clear()


def test_a_profile_need_not_say_how_quiet(pristine):
    """People have profiles of their own, or none."""
    plan = pristine.run("snakemake", "-n", "--cores", "1", "--workflow-profile", "none")
    assert "rule train" in plan.stdout


def test_named_stages_of_a_built_project_show_metrics_and_plots(by_snakemake):
    """DVC's own views work on what the stages wrote."""
    assert "results/wide/metrics.json" in by_snakemake.run("dvc", "metrics", "show").stdout
    plots = by_snakemake.run("dvc", "plots", "show", "--json").stdout
    assert "results/demo/history.csv" in plots
