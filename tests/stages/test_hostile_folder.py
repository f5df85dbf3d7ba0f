"""A folder of two hundred hostile files is built, and each of them is used rightly or named."""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from rawtone.audio import ffmpeg, pcm
from rawtone.corpus import sources, table
from rawtone.corpus.sources import FILES
from rawtone.stages import chunk, convert, fetch, settings

RATE = 8000
RAW, TRACKS = Path("data/raw/mine"), Path("data/tracks/mine")
PARAMS = {
    "corpora": {"mine": {"sources": [{"folder": "music"}], "sample_rate": RATE}},
    "experiments": {"mine": {"corpus": "mine", "preset": "wavenet-demo"}},
}
USED = "used|same (audio|bytes) as .*"
DAMAGED = f"{USED}|truncated: .*|cannot be decoded: .*|empty|no sound in it|no audio.*"
EXPECTED = {
    "sound": USED,
    "wrong ending": USED,
    "odd name": USED,
    "three hours": "used",
    "float 32": USED,
    "float 64": USED,
    "24 bit": USED,
    "32 bit": USED,
    "8 kHz 8 bit": USED,
    "192 kHz": USED,
    "8 channels": USED,
    "too loud": USED,
    "one sample": "used|empty|no sound in it|cannot be decoded: .*",
    "two samples": "used|empty|no sound in it|cannot be decoded: .*",
    "no sample": "empty|cannot be decoded: .*",
    "silence": "no sound in it",
    "nan": "not audio: 1 samples .*",
    "inf": "not audio: 1 samples .*",
    "-inf": "not audio: 1 samples .*",
    "no audio": "empty|cannot be decoded: .*|no audio.*|not audio by its ending .*",
    "link to nowhere": "cannot be read",
    "closed folder": "cannot be read",
    "link to a file": USED,
    "unreadable": f"cannot be read|{USED}",
    "cut": DAMAGED,
    "flip": DAMAGED,
    "flip_head": DAMAGED,
    "hole": DAMAGED,
}


def build() -> None:
    for stage in (fetch, convert, chunk):
        stage.run("mine")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """Build a project of the folder, and give its place."""
    project = tmp_path_factory.mktemp("hostile") / "project"
    project.mkdir()
    script = Path(__file__).with_name("hostile.py")
    made = [sys.executable, str(script), str(project / "music"), str(project / "made.json")]
    subprocess.run(made, check=True)
    (project / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        settings.run()
        build()
    return project


@pytest.fixture
def built(hostile, monkeypatch) -> dict[str, dict[str, str]]:
    """Work in the project, and give what its tables say of each file, by path as shown."""
    monkeypatch.chdir(hostile)
    fetched = {row["path"]: row for row in table.read(RAW / FILES)}
    return fetched | {row["path"]: row for row in table.read(TRACKS / "tracks.csv")}


def matters() -> dict[str, str]:
    """Return what is the matter with each file, by path as shown."""
    made = json.loads(Path("made.json").read_text())
    shown = {os.fspath(file.place.name): file.shown for file in sources.walk(Path("music"))}
    return {shown[name]: matter for name, matter in made.items()}


def test_there_are_two_hundred_files_and_each_is_listed_once(built):
    assert len(matters()) == 200
    assert set(matters()) == set(built)


def test_each_is_used_or_told_why_not(built):
    unexpected = {
        path: (matter, built[path]["status"])
        for path, matter in matters().items()
        if not re.fullmatch(EXPECTED[matter], built[path]["status"])
    }
    assert unexpected == {}


def test_no_name_reached_a_shell_and_nothing_lies_about(built):
    assert "pwned" not in {name for _, _, names in os.walk(".") for name in names}
    used = {row["id"] for row in table.read(TRACKS / "tracks.csv") if row["file"]}
    left = {path.name for path in TRACKS.iterdir()}
    assert left == {f"{i}.wav" for i in used} | {"tracks.csv", "shards"}
    shards = {path.name for path in (TRACKS / "shards").iterdir()}
    assert shards == {f"{i[:2]}.json" for i in used}


FORMS = ["float 32", "float 64", "24 bit", "32 bit", "8 kHz 8 bit", "192 kHz", "8 channels"]


def decoded(row: dict[str, str]) -> np.ndarray:
    return pcm.read(TRACKS / row["file"]).astype(float)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_a_tune_sounds_like_the_tune(built, form, tmp_path):
    """Whatever the rate, width and channels, what is learned is the recording, at its level."""
    row = built[f"{form}.wav"]
    track = decoded(row)
    tune, rate = soundfile.read(Path("music") / "twinkle.flac", always_2d=True)
    pcm.write(tmp_path / "tune.wav", (tune[: 10 * rate, 0] * 32767).astype(np.int16), rate)
    ffmpeg.decode(tmp_path / "tune.wav", tmp_path / "right.wav", RATE, 1)
    right = pcm.read(tmp_path / "right.wav").astype(float)[: len(track)]
    track = track[: len(right)]
    assert len(track) > 9.8 * RATE
    least = 0.99 if form == "8 kHz 8 bit" else 0.9999
    assert np.corrcoef(track, right)[0, 1] > least


def test_the_long_track_is_whole(built):
    assert float(built["three hours.wav"]["seconds"]) == pytest.approx(3 * 3600)


def test_what_is_used_though_damaged_is_audio_of_about_its_length(built):
    for path, matter in matters().items():
        row = built[path]
        if matter in ("cut", "flip", "flip_head", "hole") and row["status"] == "used":
            assert 0 < float(row["seconds"]) < 120
            assert len(decoded(row)) == pytest.approx(float(row["seconds"]) * RATE, abs=RATE / 1000)


def test_damage_that_can_be_told_is_remarked_and_nothing_else(built):
    """An Ogg page has a checksum and the last one a mark; most mp3 and all PCM have neither."""
    for path, matter in matters().items():
        remark = built[path].get("remark", "")
        if path.endswith(".ogg") and built[path]["status"] == "used":
            assert bool(remark) == (matter in ("cut", "flip", "hole")), path
            assert ("its end is missing" in remark) >= (matter == "cut"), path
        if matter in ("sound", "odd name", *FORMS):
            assert remark == "", path


def test_a_second_build_makes_the_same_bytes(built):
    before = {path: path.read_bytes() for path in TRACKS.glob("*.csv")}
    chunks = Path("data/chunks/mine/chunks.csv").read_bytes()
    build()
    assert {path: path.read_bytes() for path in TRACKS.glob("*.csv")} == before
    assert Path("data/chunks/mine/chunks.csv").read_bytes() == chunks


def test_a_file_that_grows_while_it_is_read_is_never_half_in_the_corpus(recordings, write_params):
    """A build while it grows takes a state of it that was there, or names it; a later one, all."""
    write_params()
    growing, whole = recordings / "growing.wav", (recordings / "a.wav").read_bytes()
    growing.write_bytes(whole[:1000])
    stop = threading.Event()

    def grow() -> None:
        with growing.open("ab") as file:
            for start in range(1000, len(whole), 50):
                file.write(whole[start : start + 50])
                file.flush()
                if stop.wait(0.0005):
                    return

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        settings.run()
        build()
    finally:
        stop.set()
        writer.join()
    rows = {row["path"]: row for row in table.read(TRACKS / "tracks.csv")}
    early = f"{DAMAGED}|same audio as .*|cannot be fetched: it changed while it was fetched"
    assert re.fullmatch(early, rows.pop("growing.wav")["status"])
    assert {row["status"] for row in rows.values()} <= {"used", "same audio as growing.wav"}
    growing.write_bytes(whole + b"LIST\x04\x00\x00\x00INFO")
    settings.run()
    build()
    rows = {row["path"]: row for row in table.read(TRACKS / "tracks.csv")}
    assert rows["growing.wav"]["status"] in ("used", "same audio as a.wav")
