"""fetch takes every distinct recording once, and says of every file what became of it."""

import os
import shutil
from pathlib import Path

import pytest

from rawtone import files
from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.stages import fetch, settings

RAW = Path("data/raw/mine")


@pytest.fixture
def corpus(recordings, write_params):
    """Resolve a corpus of the folder of recordings."""
    write_params()
    settings.run()
    return recordings


def refetch() -> list[dict[str, str]]:
    settings.run()
    fetch.run("mine")
    return table.read(RAW / "files.csv")


def statuses() -> dict[str, str]:
    return {row["path"]: row["status"] for row in refetch()}


def stored() -> set[str]:
    return {path.name for path in RAW.iterdir()} - {"files.csv"}


def test_recordings_are_copied_under_names_made_of_their_bytes(corpus):
    rows = refetch()
    assert [row["path"] for row in rows] == ["a.wav", "b.flac", "deep/d.wav", "deep/er/c.ogg"]
    for row in rows:
        assert row["status"] == "taken" and row["source"] == "music"
        copy = RAW / row["file"]
        assert copy.name == row["sha256"][:12] + Path(row["path"]).suffix
        assert files.sha256(copy) == row["sha256"] == files.sha256(corpus / row["path"])
        assert int(row["size"]) == copy.stat().st_size
    assert (corpus / "a.wav").exists()


def test_the_same_bytes_are_taken_once(corpus):
    shutil.copy(corpus / "a.wav", corpus / "z.wav")
    assert statuses()["z.wav"] == "same bytes as a.wav"
    assert len(stored()) == 4


def test_what_is_not_audio_by_its_ending_is_listed(corpus):
    (corpus / "cover.JPG").write_bytes(b"x")
    assert statuses()["cover.JPG"] == "not audio by its ending .jpg"


def test_nothing_is_copied_again(corpus):
    refetch()
    before = {path: path.stat().st_mtime_ns for path in RAW.iterdir() if path.suffix != ".csv"}
    refetch()
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_damaged_copy_is_replaced(corpus):
    row = refetch()[0]
    (RAW / row["file"]).write_bytes(b"damaged")
    refetch()
    assert files.sha256(RAW / row["file"]) == row["sha256"]


def test_what_no_longer_belongs_is_removed(corpus):
    refetch()
    (RAW / ".left-over.wav").write_bytes(b"x")
    (corpus / "a.wav").unlink()
    assert "a.wav" not in statuses()
    assert len(stored()) == 3


def test_a_broken_link_is_listed(corpus):
    (corpus / "gone.mp3").symlink_to("nowhere")
    assert statuses()["gone.mp3"] == "cannot be read"


@pytest.mark.parametrize(
    "name", [b"-x.wav", b"a b.wav", b'it\'s "q" $(x).wav', b"a\nb.wav", b"\xff.wav", b"x.w v"]
)
def test_strange_names_reach_neither_disk_nor_table_as_they_are(corpus, name):
    shutil.copy(corpus / "a.wav", corpus / os.fsdecode(name))
    (corpus / "a.wav").unlink()
    rows = refetch()
    assert [row["status"] for row in rows] == ["taken"] * 4
    assert all(file[:12].isalnum() and file.isascii() for file in stored())
    assert all(row["path"].isprintable() for row in rows)


def lost() -> dict[str, str]:
    """Fetch what was listed before; return the status of what is not used."""
    fetch.run("mine")
    rows = table.read(RAW / "files.csv")
    return {row["path"]: row["status"] for row in rows if row["status"] != "taken"}


def test_a_recording_that_changed_since_it_was_listed_is_a_row_and_the_rest_goes_on(corpus):
    (corpus / "a.wav").write_bytes(b"other")
    assert lost() == {"a.wav": "cannot be fetched: it changed while it was fetched"}
    assert {name.partition(".")[2] for name in stored()} == {"flac", "ogg", "wav"}  # all others
    assert len(stored()) == 3
    (row,) = (row for row in table.read(RAW / "files.csv") if row["path"] == "a.wav")
    assert row["id"] == row["sha256"] == row["file"] == ""


def test_a_recording_that_is_gone_since_it_was_listed_is_a_row(corpus):
    (corpus / "a.wav").unlink()
    assert lost() == {"a.wav": "cannot be fetched: it is gone"}


def test_of_the_same_bytes_those_are_taken_that_are_still_there(corpus):
    shutil.copy(corpus / "a.wav", corpus / "z.wav")
    settings.run()
    (corpus / "a.wav").write_bytes(b"other")
    assert lost() == {"a.wav": "cannot be fetched: it changed while it was fetched"}
    assert len(stored()) == 4


def test_a_folder_that_is_gone_is_an_error_that_names_what_is_missing(corpus):
    """It would be a corpus of nothing, with every recording a row."""
    shutil.rmtree(corpus)
    with pytest.raises(UserError, match=r"a\.wav is gone; put it back"):
        fetch.run("mine")
    assert not (RAW / "files.csv").exists()


def test_a_folder_in_it_that_cannot_be_read_is_a_row_and_the_rest_goes_on(corpus, monkeypatch):
    """One whose path is longer than the system takes; permissions stop no root."""
    with monkeypatch.context() as patch:
        patch.chdir(corpus)
        for _ in range(17):
            Path("d" * 250).mkdir()
            patch.chdir("d" * 250)
    rows = refetch()
    (row,) = (row for row in rows if row["status"] != "taken")
    assert row["status"] == "cannot be read" and row["path"].endswith("d/")
    assert len(rows) == 5


def test_the_sine_comes_from_the_demo(project, write_params):
    write_params(sources=[{"demo": "sine"}])
    (row,) = refetch()
    assert (row["source"], row["status"], row["licence"]) == ("demo:sine", "taken", "public domain")
