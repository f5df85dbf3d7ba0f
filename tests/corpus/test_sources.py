"""A folder is listed in the same order everywhere, whatever its files are called."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone import files
from rawtone.corpus.sources import Checksums, listing, stored_name, walk
from rawtone.errors import UserError
from rawtone.stages import settings


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(name))


def test_files_at_any_depth_sorted_and_hidden_ones_passed_over(tmp_path):
    make(tmp_path, "b.wav", "a/z.mp3", "a/b/c/d.flac", ".hidden.wav", ".git/x.wav", "A.wav")
    assert [file.shown for file in walk(tmp_path)] == ["A.wav", "a/b/c/d.flac", "a/z.mp3", "b.wav"]


def test_links_are_followed_and_loops_end(tmp_path):
    make(tmp_path / "in", "x.wav", "sub/y.wav")
    make(tmp_path / "elsewhere", "z.wav")
    (tmp_path / "in/sub/up").symlink_to(tmp_path / "in")
    (tmp_path / "in/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/w.wav").symlink_to(tmp_path / "elsewhere/z.wav")
    shown = [file.shown for file in walk(tmp_path / "in")]
    assert shown == ["link/z.wav", "sub/y.wav", "w.wav", "x.wav"]


def test_names_that_are_no_text_are_shown_as_text_on_one_line(tmp_path):
    (tmp_path / os.fsdecode(b"\xff\xfe.wav")).write_bytes(b"1")
    (tmp_path / "new\nline.wav").write_bytes(b"2")
    (tmp_path / "Dvořák é.wav").write_bytes(b"3")
    files_here = walk(tmp_path)
    assert {file.shown for file in files_here} == {
        "Dvořák é.wav",
        r"\xff\xfe.wav",
        r"new\nline.wav",
    }
    assert all(file.place.exists() for file in files_here)


def test_listing_has_sizes_and_checksums_of_what_may_be_audio(tmp_path):
    make(tmp_path, "b.wav", "cover.JPG", "list.m3u", "noending")
    listed = listing(tmp_path, Checksums(tmp_path / ".cache.json"))
    assert [entry["path"] for entry in listed] == ["b.wav", "noending"]
    assert listed[0] == {"path": "b.wav", "size": 5, "sha256": files.sha256(tmp_path / "b.wav")}


def test_a_broken_link_is_listed_rather_than_lost(tmp_path):
    (tmp_path / "gone.mp3").symlink_to(tmp_path / "nowhere")
    listed = listing(tmp_path, Checksums(tmp_path / ".cache.json"))
    assert listed == [{"path": "gone.mp3", "size": 0, "sha256": ""}]


def test_a_folder_that_does_not_open_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        walk(tmp_path / "nowhere")


@pytest.fixture
def without_rights():
    """Give a folder of everybody's, and work as nobody there where we are root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            for path in (folder / "locked", folder / "listed"):
                path.chmod(0o700)
            if root:
                os.seteuid(0)


def test_folders_that_are_closed_to_us_are_listed_and_what_is_beside_them_is_found(without_rights):
    folder = without_rights
    make(folder, "a.wav", "locked/b.wav", "listed/c.wav", "z/d.wav")
    (folder / "locked").chmod(0o000)
    (folder / "listed").chmod(0o444)  # its names can be read, and nothing in it
    found = walk(folder)
    assert [file.shown for file in found] == ["a.wav", "listed/c.wav", "locked/", "z/d.wav"]
    listed = listing(folder, Checksums(folder / ".cache.json"))
    assert [entry["path"] for entry in listed if not entry["sha256"]] == ["listed/c.wav", "locked/"]


def test_checksums_are_remembered_until_the_file_changes(tmp_path):
    make(tmp_path, "x.wav")
    cache, path = tmp_path / ".cache.json", tmp_path / "x.wav"
    first = Checksums(cache)
    before = first.of(path)
    first.save()
    times = path.stat()
    path.write_bytes(b"y.wav")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert Checksums(cache).of(path) == before  # same size and time: taken from the cache
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert Checksums(cache).of(path) == files.sha256(path) != before


def test_a_listing_that_was_broken_off_goes_on_from_there(project, write_params, monkeypatch):
    make(project / "music", *(f"{number}.wav" for number in range(30)))
    write_params(sources=[{"folder": "music"}])
    read, sha256 = [], files.sha256

    def read_and_note(path: Path) -> str:
        read.append(path)
        if len(read) == 20:
            raise KeyboardInterrupt
        return sha256(path)

    monkeypatch.setattr(files, "sha256", read_and_note)
    with pytest.raises(KeyboardInterrupt):
        settings.run()
    settings.run()
    assert {path.name for path in read} == {f"{number}.wav" for number in range(30)}
    assert len(read) < 45, "those that were read before the end were read again"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 1'])
def test_a_damaged_cache_is_forgotten(tmp_path, content):
    make(tmp_path, "x.wav")
    (tmp_path / "cache.json").write_text(content)
    assert Checksums(tmp_path / "cache.json").of(tmp_path / "x.wav")


@given(st.text())
def test_stored_names_are_harmless(shown):
    name = stored_name("0123456789abcdef", shown)
    assert name.startswith("0123456789ab")
    assert len(name) <= 21 and name.isascii() and "/" not in name and name.isprintable()
