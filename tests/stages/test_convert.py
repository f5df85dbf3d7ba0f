"""convert decodes what it can, once, and names what it cannot."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rawtone.audio import ffmpeg, pcm
from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.stages import convert, fetch, settings

TRACKS = Path("data/tracks/mine")


@pytest.fixture
def corpus(recordings, write_params):
    """Write params.yaml for the folder of recordings."""
    write_params()
    return recordings


def reconvert() -> dict[str, dict[str, str]]:
    settings.run()
    fetch.run("mine")
    convert.run("mine")
    return {row["path"]: row for row in table.read(TRACKS / "tracks.csv")}


def stamps() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in TRACKS.glob("*.wav")}


def contents() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in TRACKS.rglob("*") if path.is_file()}


def known() -> set[str]:
    """Return the tracks that the shards know of."""
    return {
        track for path in TRACKS.glob("shards/*.json") for track in json.loads(path.read_text())
    }


def test_good_recordings_become_tracks(corpus):
    rows = reconvert()
    assert list(rows) != [] and {row["status"] for row in rows.values()} == {"used"}
    for row in rows.values():
        shape = pcm.shape(TRACKS / row["file"])
        assert (shape.sample_rate, shape.channels, shape.samples) == (8000, 1, 160000)
        assert row["seconds"] == "20.000"


def test_bad_recordings_are_listed_and_the_rest_goes_on(corpus):
    (corpus / "text.mp3").write_text("words")
    (corpus / "zero.wav").write_bytes(b"")
    flac = (corpus / "b.flac").read_bytes()
    (corpus / "half.flac").write_bytes(flac[: len(flac) // 2])
    soundfile.write(corpus / "silent.wav", np.zeros(8000), 8000)
    rows = reconvert()
    assert rows["text.mp3"]["status"].startswith("cannot be decoded")
    assert rows["zero.wav"]["status"] == "empty"
    assert rows["half.flac"]["status"].startswith("truncated")
    assert rows["silent.wav"]["status"] == "no sound in it"
    assert sum(row["status"] == "used" for row in rows.values()) == 4
    assert len(list(TRACKS.glob("*.wav"))) == len(known()) == 4


def test_nothing_is_decoded_again(corpus):
    first = reconvert()
    before = stamps()
    assert reconvert() == first
    assert stamps() == before


def test_a_damaged_track_is_decoded_again(corpus):
    row = reconvert()["a.wav"]
    for damage in (b"", b"no wav at all", (TRACKS / row["file"]).read_bytes()[:5000]):
        (TRACKS / row["file"]).write_bytes(damage)
        reconvert()
        assert pcm.sha256(TRACKS / row["file"]) == row["pcm_sha256"]


def test_another_format_decodes_again(corpus, write_params):
    reconvert()
    write_params(sample_rate=16000, channels=2)
    # The experiment needs mono, so its channels are checked apart from the stage.
    with pytest.raises(UserError, match="mono"):
        reconvert()
    write_params(sample_rate=16000)
    assert pcm.shape(TRACKS / reconvert()["a.wav"]["file"]).sample_rate == 16000


def test_tracks_of_recordings_that_are_gone_are_removed(corpus):
    gone = reconvert()["a.wav"]["file"]
    (corpus / "a.wav").unlink()
    reconvert()
    assert not (TRACKS / gone).exists()
    assert {path.stem for path in TRACKS.glob("*.wav")} == known() and len(known()) == 3


def test_the_same_audio_with_other_tags_is_used_once(corpus):
    samples, rate = soundfile.read(corpus / "a.wav")
    with soundfile.SoundFile(corpus / "again.wav", "w", rate, 1) as file:
        file.title = "again"
        file.write(samples)
    rows = reconvert()
    assert sorted(row["status"] for row in rows.values())[0] in (
        "same audio as a.wav",
        "same audio as again.wav",
    )
    assert sum(row["status"] == "used" for row in rows.values()) == 4


def test_strict_names_the_first_that_cannot_be_used(corpus, write_params):
    write_params(strict=True)
    (corpus / "zero.wav").write_bytes(b"")
    with pytest.raises(UserError, match=r"strict and zero\.wav cannot be used: empty"):
        reconvert()
    assert not (TRACKS / "tracks.csv").exists()


def test_nothing_usable_at_all(corpus):
    shutil.rmtree(corpus)
    corpus.mkdir()
    (corpus / "text.mp3").write_text("words")
    with pytest.raises(UserError, match=r"none of 1 recordings .* text\.mp3: cannot be decoded"):
        reconvert()


def test_convert_before_fetch_says_what_to_run(corpus):
    settings.run()
    with pytest.raises(UserError, match="rawtone fetch mine"):
        convert.run("mine")


def test_a_recording_that_went_missing_says_what_to_run(corpus):
    reconvert()
    next(Path("data/raw/mine").glob("*.flac")).unlink()
    with pytest.raises(UserError, match=r"flac: is gone; run: rawtone fetch mine"):
        convert.run("mine")


def test_two_runs_make_the_same_bytes(corpus):
    reconvert()
    first = contents()
    shutil.rmtree(TRACKS)
    reconvert()
    assert contents() == first


def test_what_was_decoded_with_errors_is_used_and_told(corpus, caplog):
    mp3 = corpus / "damaged.mp3"
    ffmpeg.run(["-i", str(corpus / "b.flac"), str(mp3)])
    mp3.write_bytes(mp3.read_bytes() + b"x")
    row = reconvert()["damaged.mp3"]
    assert row["status"] == "used"
    assert row["remark"].startswith("decoded with errors: Error submitting packet to decoder")
    assert f"used, but {row['remark']}: damaged.mp3" in caplog.text
    assert len(row["remark"]) < 200
