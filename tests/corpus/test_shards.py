"""What is known of tracks is kept by shard, rewritten where it changed, and doubted."""

import os

import pytest

from rawtone.corpus.remembered import Remembered
from rawtone.corpus.shards import SAVE_EVERY, Shards

KNOWN = {f"{n:02x}{n:010x}": {"number": n} for n in (0, 1, 2, 17, 255)} | {"00ff": {"number": -1}}


@pytest.fixture
def folder(tmp_path):
    """Give a folder with shards of six tracks, two of which share one."""
    shards = Shards(tmp_path / "shards")
    for key, value in KNOWN.items():
        shards.put(key, value)
    shards.save()
    return tmp_path / "shards"


def written(folder) -> dict[str, int]:
    return {path.stem: path.stat().st_ino for path in folder.iterdir()}


def test_a_shard_depends_on_the_id_alone_and_one_more_track_rewrites_one(folder):
    assert set(written(folder)) == {"00", "01", "02", "11", "ff"}
    before = written(folder)
    more = Shards(folder)
    more.put("11abcdefabcd", {"number": 3})
    more.keep([*KNOWN, "11abcdefabcd"])
    assert {name for name, inode in written(folder).items() if before[name] != inode} == {"11"}
    again = Shards(folder)
    assert {key: again.get(key) for key in KNOWN} == KNOWN
    assert again.get("11abcdefabcd") == {"number": 3}


def test_tracks_that_are_gone_are_forgotten_and_empty_shards_removed(folder):
    Shards(folder).keep(["00ff"])
    assert set(written(folder)) == {"00"}
    assert (Shards(folder).get("00ff"), Shards(folder).get("000000000000")) == (KNOWN["00ff"], None)


def test_bytes_do_not_tell_in_which_order_tracks_came(folder, tmp_path):
    other = Shards(tmp_path / "other")
    for key in reversed(KNOWN):
        other.put(key, KNOWN[key])
    other.save()
    for path in folder.iterdir():
        assert (tmp_path / "other" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 1'])
def test_a_damaged_shard_is_begun_anew(folder, content):
    (folder / "00.json").write_text(content)
    assert Shards(folder).get("00ff") is None
    assert Shards(folder).get("01" + f"{1:010x}") == {"number": 1}


def test_what_is_known_is_saved_now_and_then(tmp_path):
    now = [0.0]
    shards = Shards(tmp_path, clock=lambda: now[0])
    shards.put("0a", 1)
    assert not list(tmp_path.iterdir())
    now[0] = SAVE_EVERY + 1
    shards.put("0b", 2)
    assert Shards(tmp_path).get("0a") == 1


def test_a_file_is_read_again_where_any_hint_fails(tmp_path):
    file, folder, reads = tmp_path / "0a.wav", tmp_path / "remembered", []

    def read(path) -> str:
        reads.append(path)
        return path.read_text()

    def told(depends_on: object = None) -> tuple[str, int]:
        before = len(reads)
        remembered = Remembered(folder, depends_on)
        found = remembered.of(file, read)
        remembered.save()
        return found, len(reads) - before

    file.write_text("one")
    os.utime(file, ns=(0, 10**9))
    assert [told(), told()] == [("one", 1), ("one", 0)]
    assert [told([8000, -64.0]), told([8000, -64.0])] == [("one", 1), ("one", 0)]
    file.write_text("two")
    os.utime(file, ns=(0, 10**9 + 1))
    assert told() == ("two", 1)
    file.write_text("three")
    os.utime(file, ns=(0, 10**9 + 1))
    assert told() == ("three", 1)
    (tmp_path / "new").write_text("3rd..")
    os.utime(tmp_path / "new", ns=(0, 10**9 + 1))
    (tmp_path / "new").replace(file)
    assert told() == ("3rd..", 1)
