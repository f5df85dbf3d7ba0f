"""Merging dvc.lock stage by stage: what one side alone changed is taken, from either side."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

FILE = Path(__file__).parents[2] / "workflow/merge_lock.py"
STAGES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2))


@pytest.fixture(scope="module")
def merged():
    spec = importlib.util.spec_from_file_location("merge_lock", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.merged


@given(base=STAGES, ours=STAGES, theirs=STAGES)
def test_each_stage_is_as_one_of_the_sides_has_it(merged, base, ours, theirs):
    """Theirs where we left it alone, ours where they did; where both changed it, ours."""
    result = merged(base, ours, theirs)
    for name in {*base, *ours, *theirs}:
        before, mine, other = (side.get(name) for side in (base, ours, theirs))
        if mine == before:
            assert result.get(name) == other
        elif other == before or mine is not None:
            assert result.get(name) == mine
        else:
            assert result.get(name) == other


def test_new_experiments_of_both_sides_stand_together(merged):
    result = merged({"train@a": 1}, {"train@a": 1, "train@b": 2}, {"train@a": 1, "train@c": 3})
    assert result == {"train@a": 1, "train@b": 2, "train@c": 3}
    assert list(result) == ["train@a", "train@b", "train@c"]
