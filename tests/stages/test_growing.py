"""A corpus that grows redoes what is new, and is then what it would have been at once."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rawtone.audio import ffmpeg, levels
from rawtone.corpus import table, tracks
from rawtone.stages import chunk, convert, fetch, settings

TRACKS_AT = Path("data/tracks/mine")
SHARDS = TRACKS_AT / "shards"
TRACKS = 12


@pytest.fixture
def work(monkeypatch) -> dict[str, int]:
    """Count what is decoded, measured and read for its checksum, as it is really done."""
    done = dict.fromkeys(("decoded", "measured", "hashed"), 0)

    def counted(module, name: str, what: str) -> None:
        real = getattr(module, name)

        def call(*given, **named):
            done[what] += 1
            return real(*given, **named)

        monkeypatch.setattr(module, name, call)

    counted(ffmpeg, "_command", "decoded")
    counted(levels, "measure", "measured")
    counted(convert.pcm, "sha256", "hashed")
    counted(fetch.files, "sha256", "hashed")
    return done


def sing(folder: Path, number: int) -> None:
    """Record something that no other number gives."""
    time = np.arange(24000 + 800 * number) / 8000
    soundfile.write(
        folder / f"{number}.flac", 0.3 * np.sin(2 * np.pi * (200 + 37 * number) * time), 8000
    )


@pytest.fixture
def music(project, write_params) -> Path:
    """Give a folder of a dozen recordings."""
    (project / "music").mkdir()
    for number in range(TRACKS):
        sing(project / "music", number)
    write_params(chunk={"seconds": 2.0, "overlap": 0.5})
    return project / "music"


def build() -> None:
    settings.run()
    for stage in (fetch, convert, chunk):
        stage.run("mine")


def built() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path("data").rglob("*") if path.is_file()}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.iterdir()}


def taken(work: dict[str, int]) -> tuple[int, ...]:
    """Return what was done since this was last asked: decoded, measured, hashed."""
    done = tuple(work.values())
    work.update(dict.fromkeys(work, 0))
    return done


def test_one_track_more_redoes_one_shard_and_gives_what_a_build_from_scratch_gives(music, work):
    build()
    decoded, measured, _ = taken(work)
    assert decoded == TRACKS
    assert measured == len(table.read(Path("data/chunks/mine/chunks.csv")))
    build()
    assert taken(work) == (0, 0, 0)
    before = {folder: stamps(folder) for folder in (TRACKS_AT, SHARDS)}
    sing(music, TRACKS)
    build()
    (new,) = stamps(TRACKS_AT).keys() - before[TRACKS_AT].keys()
    rows = table.read(Path("data/chunks/mine/chunks.csv"))
    assert taken(work) == (1, sum(f"{row['track']}.wav" == new for row in rows), 1)
    now = stamps(SHARDS)
    assert {name for name in now if now[name] != before[SHARDS].get(name)} == {f"{new[:2]}.json"}
    grown = built()
    shutil.rmtree("data")
    shutil.rmtree(".remembered")
    build()
    assert built() == grown


def test_a_track_that_goes_leaves_what_a_build_without_it_gives(music, work):
    build()
    (music / "3.flac").unlink()
    taken(work)
    build()
    assert taken(work) == (0, 0, 0)
    shrunk = built()
    shutil.rmtree("data")
    build()
    assert built() == shrunk


def test_without_hints_all_is_judged_by_content(music, work):
    """On another machine, and after `dvc pull`, nothing is remembered; nothing is decoded again."""
    build()
    first = built()
    taken(work)
    shutil.rmtree(".remembered")
    for path in first:
        path.touch()
    build()
    decoded, measured, hashed = taken(work)
    assert (decoded, hashed) == (0, 2 * TRACKS)
    assert measured > 0
    assert built() == first


def test_samples_that_changed_are_found_out(music):
    build()
    first = built()
    for path in (next(TRACKS_AT.glob("*.wav")), next(Path("data/raw/mine").glob("*.flac"))):
        path.chmod(0o644)
        content = bytearray(path.read_bytes())
        content[-100] ^= 1
        path.write_bytes(content)
    build()
    assert built() == first


def test_what_was_decoded_before_a_kill_is_not_decoded_again(music, work, monkeypatch):
    settings.run()
    fetch.run("mine")
    real, begun = tracks.convert, []

    def killed(*given):
        begun.append(given)
        if len(begun) > 5:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(tracks, "convert", killed)
    with pytest.raises(KeyboardInterrupt):
        convert.run("mine")
    monkeypatch.setattr(tracks, "convert", real)
    known = sum(len(json.loads(path.read_text())) for path in SHARDS.iterdir())
    assert known == taken(work)[0] == 5
    convert.run("mine")
    assert taken(work) == (TRACKS - 5, 0, 0)
