"""Every recording becomes a track or is told why not."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rawtone.audio import ffmpeg, pcm
from rawtone.corpus.tracks import Format, convert

FORM = Format(sample_rate=8000, channels=1, ffmpeg="bundled")


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(4 * 22050) / 9), 22050)
    return path


def status(source: Path) -> str:
    destination = source.with_name("out.wav")
    row = convert(source, destination, FORM)
    assert destination.exists() == (row["status"] == "used")
    return row["status"]


def test_a_good_recording_is_described(tone, tmp_path):
    tagged = tmp_path / "tagged.mp3"
    tags = {"title": "A\nB", "artist": "C", "album": "D", "genre": "Jazz", "date": "1999-05-01"}
    options = [word for key, value in tags.items() for word in ("-metadata", f"{key}={value}")]
    ffmpeg.run(["-i", str(tone), *options, str(tagged)])
    row = convert(tagged, tmp_path / "out.wav", FORM)
    expected = {"status": "used", "title": "A B", "artist": "C", "album": "D", "genre": "Jazz"}
    expected |= {"year": "1999", "source_rate": "22050", "source_channels": "1"}
    assert expected.items() <= row.items()
    assert float(row["seconds"]) == pytest.approx(4, abs=0.01)
    assert row["pcm_sha256"] == pcm.sha256(tmp_path / "out.wav")


def test_a_text_file_named_mp3(tmp_path):
    (tmp_path / "x.mp3").write_text("these are words")
    assert status(tmp_path / "x.mp3").startswith("cannot be decoded: ")


@pytest.mark.parametrize("ending", ["flac", "wav", "mp3"])
def test_a_truncated_file_is_not_half_used(tone, tmp_path, ending):
    whole = tmp_path / f"whole.{ending}"
    ffmpeg.run(["-i", str(tone), "-y", str(whole)])
    part = tmp_path / f"part.{ending}"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert status(whole) == "used"
    found = status(part)
    assert found.startswith("truncated: decoded ") and found.endswith(" s of 4.0 s")


def test_no_bytes_and_no_samples_are_empty(tmp_path):
    (tmp_path / "nothing.wav").write_bytes(b"")
    soundfile.write(tmp_path / "header.wav", np.zeros(0, np.int16), 8000)
    assert status(tmp_path / "nothing.wav") == "empty"
    assert status(tmp_path / "header.wav") == "empty"


def test_a_film_without_sound(tmp_path):
    ffmpeg.run(["-f", "lavfi", "-i", "testsrc=d=0.2:s=64x64", str(tmp_path / "film.mp4")])
    assert status(tmp_path / "film.mp4") == "no audio stream"


@pytest.mark.parametrize(
    ("sample", "expected"), [(0, "no sound in it"), (1, "no sound in it"), (2, "used")]
)
def test_silence_is_below_minus_90_dbfs(tmp_path, sample, expected):
    pcm.write(tmp_path / "quiet.wav", np.full(8000, sample, np.int16), 8000)
    assert status(tmp_path / "quiet.wav") == expected


def test_an_mp3_with_junk_around_it_is_used(tone, tmp_path):
    ffmpeg.run(["-i", str(tone), str(tmp_path / "good.mp3")])
    junk = np.random.default_rng(0).bytes(3000)
    (tmp_path / "junk.mp3").write_bytes(junk + (tmp_path / "good.mp3").read_bytes() + junk)
    assert status(tmp_path / "junk.mp3") == "used"


@pytest.mark.parametrize("rate", [500, 384_000])
def test_a_rate_of_which_there_is_no_fingerprint_is_used_all_the_same(tmp_path, rate):
    soundfile.write(tmp_path / "odd.wav", 0.3 * np.sin(np.arange(5 * rate) / 9), rate)
    assert status(tmp_path / "odd.wav") == "used"
