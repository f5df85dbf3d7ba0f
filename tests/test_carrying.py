"""Runs carried to another folder: whole or as they were before, whatever cuts the copying off."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rawtone import carrying
from rawtone.errors import UserError
from rawtone.files import sha256
from rawtone.training import checkpoints
from rawtone.training.lock import exclusive

KEY = "0a1b2c3d4e5f"
# Ends the process, as a kill would, before it changes a file for the n-th time.
KILLED = """
import os, sys
from pathlib import Path
from rawtone import carrying

left = int(sys.argv[4])
CHANGES = {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "os.utime"}

def watch(event, arguments):
    global left
    if event in CHANGES or (event == "open" and arguments[1] in ("w", "wb", "xb")):
        left -= 1
        if not left:
            os._exit(9)

sys.addaudithook(watch)
getattr(carrying, sys.argv[1])(Path(sys.argv[2]), Path(sys.argv[3]))
"""


def train(runs: Path, *steps: int) -> None:
    """Do to a run what a training does that passes these steps."""
    run = runs / KEY
    for step in steps:
        arrays = {"model/a": np.full(50, step, np.float32)}
        if step % 10 == 0:
            checkpoints.write_arrays(run / f"weights/step-{step:08d}.npz", arrays)
        with (run / "train.log").open("a") if run.exists() else _new_log(run) as log:
            log.write(f"step {step}\n")
        checkpoints.save(run / "checkpoints", step, arrays, {"validation_loss": {}})
        checkpoints.prune(run / "checkpoints", step, every=10)


def _new_log(run: Path):
    run.mkdir(parents=True)
    return (run / "train.log").open("a")


def contents(run: Path) -> dict[str, str]:
    """Return checksums of all that belongs to a run, by path inside it."""
    files = (file for file in run.rglob("*") if file.is_file() and file.name != "lock")
    return {str(file.relative_to(run)): sha256(file) for file in files}


def brought(kept: Path, runs: Path) -> dict[str, str]:
    """Bring back to a new machine; return what is there then."""
    shutil.rmtree(runs, ignore_errors=True)
    carrying.bring_back(kept, runs)
    return contents(runs / KEY) if runs.exists() else {}


def killed_everywhere(function: str, *paths: Path) -> Iterator[int]:
    """Call a function in processes killed before their first change of a file, second, third."""
    for moment in range(1, 1000):
        command = [sys.executable, "-c", KILLED, function, *map(str, paths), str(moment)]
        status = subprocess.run(command, check=False).returncode
        assert status in (0, 9)
        if status == 0:
            return
        yield moment


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder of runs of a machine, with one run in it."""
    train(tmp_path / "here", 5, 10, 15)
    return tmp_path / "here"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder that outlives machines."""
    return tmp_path / "kept"


def test_a_run_comes_back_as_it_was(here, kept, tmp_path):
    """With modification times, so that the next copy reads only what is new."""
    (here / KEY / "tensorboard").mkdir()
    (here / KEY / "tensorboard/events").write_text("curve")
    (here / KEY / "lock").write_text("process 1")
    (here / KEY / "checkpoints/.step-00000020.new").mkdir()
    (here / KEY / "weights/.step-00000020.7.npz").write_text("half")
    assert carrying.carry(here, kept) == [f"run {KEY}: copied up to step 15, 0.0 MB"]
    shutil.rmtree(here / KEY / "checkpoints/.step-00000020.new")
    (here / KEY / "weights/.step-00000020.7.npz").unlink()
    assert brought(kept, tmp_path / "there") == contents(here / KEY)
    for file in ("checkpoints/step-00000015/state.npz", "weights/step-00000010.npz"):
        was, came = (runs / KEY / file for runs in (here, tmp_path / "there"))
        assert came.stat().st_mtime_ns == was.stat().st_mtime_ns


def test_what_has_no_new_state_is_not_copied_again(here, kept):
    """A log that grew is no reason: without a state nobody goes on from there."""
    carrying.carry(here, kept)
    with (here / KEY / "train.log").open("a") as log:
        log.write("step 16\n")
    assert carrying.carry(here, kept) == []


def test_what_the_run_has_removed_goes_but_some_older_copies_stay(here, kept):
    """A drive uploads late: what was written last may never arrive."""
    for step in range(20, 60, 5):
        train(here, step)
        carrying.carry(here, kept)
    place = kept / KEY
    assert len(list((place / "copies").iterdir())) == carrying.KEPT_COPIES
    listings = [json.loads(copy.read_text()) for copy in (place / "copies").iterdir()]
    named = {entry["sha256"] for listing in listings for entry in listing.values()}
    assert {file.name for file in (place / "files").iterdir()} == named


def test_copying_that_is_killed_anywhere_leaves_the_copy_before_or_the_new_one(
    here, kept, tmp_path
):
    """And the next copying puts all in order."""
    carrying.carry(here, kept)
    old, before = contents(here / KEY), tmp_path / "before"
    shutil.copytree(kept, before)
    train(here, 20, 25)
    new = contents(here / KEY)
    moments = 0
    for _ in killed_everywhere("carry", here, kept):
        moments += 1
        assert brought(kept, tmp_path / "there") in (old, new)
        carrying.carry(here, kept)
        assert brought(kept, tmp_path / "there") == new
        assert not list(kept.rglob(".*"))
        shutil.rmtree(kept)
        shutil.copytree(before, kept)
    assert moments > 20


def test_the_first_copying_that_is_killed_anywhere_leaves_nothing_or_the_whole(
    here, kept, tmp_path
):
    """What is half there is not taken for a run."""
    for _ in killed_everywhere("carry", here, kept):
        assert brought(kept, tmp_path / "there") in ({}, contents(here / KEY))
        shutil.rmtree(kept, ignore_errors=True)


def test_bringing_back_that_is_killed_anywhere_is_done_again(here, kept, tmp_path):
    """As if it had never been tried."""
    carrying.carry(here, kept)
    there = tmp_path / "there"
    moments = 0
    for _ in killed_everywhere("bring_back", kept, there):
        moments += 1
        carrying.bring_back(kept, there)
        assert contents(there / KEY) == contents(here / KEY)
        shutil.rmtree(there)
    assert moments > 20


def test_a_training_may_go_on_while_it_is_copied(here, kept, tmp_path):
    """Each copy is the run at one moment: its states are whole and their past is in its log."""
    done = threading.Event()

    def go_on() -> None:
        for step in range(20, 420, 5):
            train(here, step)
        done.set()

    trainer = threading.Thread(target=go_on)
    trainer.start()
    copies = 0
    while not done.is_set():
        if carrying.carry(here, kept):
            copies += 1
            brought(kept, tmp_path / "there")
            run = tmp_path / "there" / KEY
            place, passed = checkpoints.newest(run / "checkpoints")
            step = checkpoints.step_of(place)
            assert not passed
            assert f"step {step}\n" in (run / "train.log").read_text()
            weights = [checkpoints.step_of(file) for file in (run / "weights").glob("step-*")]
            assert set(range(10, step + 1, 10)) <= set(weights)
    trainer.join()
    assert copies > 2


@pytest.mark.parametrize("damage", ["missing", "torn", "changed", "bad list", "empty list"])
def test_a_damaged_copy_is_passed_over_and_named(here, kept, tmp_path, damage):
    """The run goes on from the copy before."""
    carrying.carry(here, kept)
    old = contents(here / KEY)
    train(here, 20)
    carrying.carry(here, kept)
    copy = kept / KEY / "copies/00000002.json"
    state = json.loads(copy.read_text())["checkpoints/step-00000020/state.npz"]["sha256"]
    file = kept / KEY / "files" / state
    content = file.read_bytes()
    match damage:
        case "missing":
            file.unlink()
        case "torn":
            file.write_bytes(content[:-3])
        case "changed":
            file.write_bytes(content[:-1] + b"?")
        case "bad list":
            copy.write_text(copy.read_text()[:-20])
        case "empty list":
            copy.write_text('{"checkpoints/step-00000020/state.npz": {}}')
    lines = carrying.bring_back(kept, tmp_path / "there")
    assert f"run {KEY}: copy 00000002 passed over: " in lines[0]
    assert lines[1] == f"run {KEY}: brought back, goes on from step 15"
    assert contents(tmp_path / "there" / KEY) == old
    train(here, 25)
    carrying.carry(here, kept)
    assert brought(kept, tmp_path / "there") == contents(here / KEY)


def test_no_whole_copy_is_one_clear_error_and_nothing_is_deleted(here, kept, tmp_path):
    """A person may still find the drive's bin."""
    carrying.carry(here, kept)
    for file in (kept / KEY / "files").iterdir():
        file.write_bytes(b"")
    before = contents(kept)
    with pytest.raises(UserError, match=r"none of its 1 copies is whole .* nothing was deleted"):
        carrying.bring_back(kept, tmp_path / "there")
    assert contents(kept) == before
    assert not carrying.has_states(tmp_path / "there" / KEY)


def test_a_run_that_is_here_is_left_as_it_is(here, kept):
    """It is the one that the copies were made of, and further on."""
    carrying.carry(here, kept)
    train(here, 20)
    before = contents(here / KEY)
    assert carrying.bring_back(kept, here) == [f"run {KEY}: here already, left as it is"]
    assert contents(here / KEY) == before


def test_a_run_is_not_brought_back_under_a_training(here, kept, tmp_path):
    """One that has just begun anew, and has no state yet."""
    carrying.carry(here, kept)
    there = tmp_path / "there"
    with exclusive(there / KEY), pytest.raises(UserError, match="already being trained"):
        carrying.bring_back(kept, there)


def test_a_drive_that_is_gone_is_not_taken_for_an_empty_one(here, tmp_path):
    """Otherwise copies would go to the disk that is about to go."""
    with pytest.raises(FileNotFoundError):
        carrying.carry(here, tmp_path / "unmounted/kept")


def test_a_run_can_be_forgotten(here, kept, tmp_path):
    """When its results are where others find them."""
    carrying.carry(here, kept)
    carrying.forget(kept, KEY)
    assert brought(kept, tmp_path / "there") == {}
