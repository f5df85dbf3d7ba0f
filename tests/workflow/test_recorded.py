"""The demo's results in git are those of the code beside them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DVC = Path(sys.executable).with_name("dvc")  # which need not be on the PATH
REMEDY = "build the demo with `make`, then commit dvc.lock and results/"


@pytest.fixture(scope="module")
def changed(tmp_path_factory) -> dict[str, str]:
    """Return what DVC finds changed in a fresh clone, by path, leaving out what is not built."""
    clone = tmp_path_factory.mktemp("recorded") / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    told = subprocess.run(
        [DVC, "status", "--json"], cwd=clone, check=True, capture_output=True, text=True
    )
    changes = [change for stage in json.loads(told.stdout).values() for change in stage]
    kinds = ("changed deps", "changed outs")
    found = [
        change[kind]
        for change in changes
        if isinstance(change, dict)
        for kind in kinds
        if kind in change
    ]
    return {path: state for paths in found for path, state in paths.items() if state == "modified"}


def test_dvc_lock_is_of_this_code(changed):
    """So that `make` on another machine comes to what it records."""
    assert not [path for path in changed if path.startswith("src/")], REMEDY


def test_small_results_in_git_are_those_that_dvc_lock_names(changed):
    """Committed together, or `rawtone verify` compares two different builds."""
    assert not [path for path in changed if path.startswith("results/")], REMEDY


def test_every_stage_is_recorded():
    stages = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
    verbs = {name.partition("@")[0] for name in stages}
    assert verbs == set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]), REMEDY
