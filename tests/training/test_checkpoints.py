"""Checkpoints: whole or not there, and the newest good one is found."""

import logging
from pathlib import Path

import numpy as np
import pytest

from rawtone.errors import UserError
from rawtone.training import checkpoints
from rawtone.training.checkpoints import step_of


def arrays(value: float) -> checkpoints.Arrays:
    """Return a state that is recognised by its value."""
    return {"model/a": np.full(3, value, np.float32), "optimizer/0000": np.array(7)}


def save(folder: Path, *steps: int) -> None:
    """Save a checkpoint at each step."""
    for step in steps:
        checkpoints.save(folder, step, arrays(step), {"validation_loss": {str(step): 1.5}})


def test_what_was_saved_is_read_back(tmp_path: Path) -> None:
    save(tmp_path, 40)
    place, _ = checkpoints.newest(tmp_path)
    assert place is not None
    step, state, facts = checkpoints.read(place)
    assert (step, facts) == (40, {"validation_loss": {"40": 1.5}})
    np.testing.assert_array_equal(state["model/a"], [40, 40, 40])


def test_a_run_that_never_saved_has_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path / "checkpoints") == (None, [])


def test_the_last_states_are_kept_and_one_to_roll_back_to(tmp_path: Path) -> None:
    save(tmp_path, 10, 20, 21, 22, 23)
    checkpoints.prune(tmp_path, 23, every=10)
    assert [step_of(p) for p in sorted(tmp_path.iterdir())] == [20, 22, 23]


def test_a_state_that_claims_to_be_newer_is_not_pruned(tmp_path: Path) -> None:
    save(tmp_path, 10, 20, 30, 99)
    checkpoints.prune(tmp_path, 30, every=10)
    assert [step_of(p) for p in sorted(tmp_path.iterdir())] == [20, 30, 99]


def test_a_state_replaces_one_of_the_same_step(tmp_path: Path) -> None:
    save(tmp_path, 10)
    checkpoints.save(tmp_path, 10, arrays(5), {"validation_loss": {}})
    assert checkpoints.read(tmp_path / "step-00000010")[1]["model/a"][0] == 5
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000010"]


def test_what_a_kill_left_half_done_is_cleared_away_and_nothing_is_lost(tmp_path: Path) -> None:
    save(tmp_path, 10, 20)
    (tmp_path / "step-00000010").rename(tmp_path / ".step-00000010.old")  # killed while replacing
    (tmp_path / ".step-00000030.new").mkdir()
    (tmp_path / ".step-00000030.1234.npz").write_bytes(b"half")
    checkpoints.tidy(tmp_path)
    assert [step_of(p) for p in sorted(tmp_path.iterdir())] == [10, 20]


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        checkpoints.write_arrays(tmp_path / f"{name}.npz", arrays(1))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    "damage", ["truncate", "flip", "empty", "unreadable", "no manifest", "bad manifest"]
)
def test_a_damaged_checkpoint_is_passed_over_and_named(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path, 10, 20)
    state, manifest = (tmp_path / "step-00000020" / n for n in ("state.npz", "manifest.json"))
    content = state.read_bytes()
    match damage:
        case "truncate":
            state.write_bytes(content[:-9])
        case "flip":
            state.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        case "empty":
            state.write_bytes(b"")
        case "unreadable":
            state.unlink()
            state.symlink_to(state)  # also root cannot open that
        case "no manifest":
            manifest.unlink()
        case "bad manifest":
            manifest.write_text("[]")
    with caplog.at_level(logging.WARNING, "rawtone"):
        place, passed = checkpoints.newest(tmp_path)
    assert place == tmp_path / "step-00000010"
    assert "step-00000020 passed over" in passed[0]
    assert passed[0] in caplog.text


def test_no_good_checkpoint_is_one_clear_error_and_nothing_is_deleted(tmp_path: Path) -> None:
    save(tmp_path, 10)
    (tmp_path / "step-00000010" / "state.npz").write_bytes(b"")
    with pytest.raises(UserError, match="none of its 1 checkpoints is whole"):
        checkpoints.newest(tmp_path)
    assert (tmp_path / "step-00000010" / "manifest.json").exists()


def test_a_failed_save_leaves_no_trace(tmp_path: Path) -> None:
    save(tmp_path, 10)
    with pytest.raises(TypeError):
        checkpoints.save(tmp_path, 20, arrays(20), {"not JSON": object()})
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000010"]
