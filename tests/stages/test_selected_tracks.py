"""What params.yaml asks of recordings is what the table of tracks shows."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rawtone.audio import ffmpeg, pcm
from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.stages import chunk, convert, fetch, settings

TRACKS = Path("data/tracks/mine")
RATE = 8000


@pytest.fixture
def build(recordings, write_params):
    """Give a function that builds the tracks of a corpus with these settings."""

    def run(**corpus: object) -> dict[str, dict[str, str]]:
        write_params(**corpus)
        settings.run()
        fetch.run("mine")
        convert.run("mine")
        return {row["path"]: row for row in table.read(TRACKS / "tracks.csv")}

    return run


def used(rows: dict[str, dict[str, str]]) -> set[str]:
    return {path for path, row in rows.items() if row["status"] == "used"}


ALL = {"a.wav", "b.flac", "deep/d.wav", "deep/er/c.ogg"}


def test_a_table_of_tags_overrides_and_adds_columns_and_any_is_the_label(build):
    Path("tags.csv").write_text("path,genre,mood\na.wav,Hip Hop,calm\nb.flac,,wild\n")
    rows = build(tags="tags.csv", label="mood")
    assert (rows["a.wav"]["genre"], rows["a.wav"]["genre_as_tagged"]) == ("hip-hop", "Hip Hop")
    assert [rows[path]["mood"] for path in sorted(rows)] == ["calm", "wild", "", ""]


def test_an_edit_of_the_table_shows_without_decoding_again(build):
    Path("tags.csv").write_text("path,genre\na.wav,Folk\n")
    build(tags="tags.csv")
    before = {path: path.stat().st_mtime_ns for path in TRACKS.glob("*.wav")}
    Path("tags.csv").write_text("path,genre\na.wav,Jazz\n")
    assert build(tags="tags.csv")["a.wav"]["genre"] == "jazz"
    assert {path: path.stat().st_mtime_ns for path in TRACKS.glob("*.wav")} == before


def test_the_label_has_to_be_a_column(build):
    Path("tags.csv").write_text("path,mood\na.wav,calm\n")
    with pytest.raises(UserError, match=r"mine\.label: tags\.csv has no column 'moods'; did you"):
        build(tags="tags.csv", label="moods")


def test_a_row_of_no_recording_is_told(build, caplog):
    Path("tags.csv").write_text("path,genre\nz.wav,Folk\n")
    with caplog.at_level(logging.WARNING):
        build(tags="tags.csv")
    assert "corpora.mine.tags names what is not there: z.wav" in caplog.text


def test_a_table_of_genres_of_the_user(build):
    Path("tags.csv").write_text("path,genre\na.wav,Rap\n")
    Path("genres.csv").write_text("spelling,genre\nrap,Spoken Word\n")
    rows = build(tags="tags.csv", genres="genres.csv")
    assert rows["a.wav"]["genre"] == "Spoken Word"


def test_what_is_left_out_has_a_row_that_says_why_and_no_file(build):
    Path("tags.csv").write_text("path,genre\na.wav,Folk\nb.flac,Jazz\n")
    rows = build(
        tags="tags.csv", select={"include": {"genre": ["folk", "jazz"]}, "leave_out": ["a.wav"]}
    )
    assert used(rows) == {"b.flac"}
    assert rows["a.wav"]["status"] == "left out: named in select.leave_out"
    assert rows["deep/d.wav"]["status"] == "left out: genre is not known"
    assert len(list(TRACKS.glob("*.wav"))) == 1


def test_a_strict_corpus_may_leave_out(build):
    assert len(used(build(strict=True, select={"leave_out": ["a.wav"]}))) == 3


def test_too_short_and_too_long(build, recordings):
    soundfile.write(recordings / "short.wav", np.random.default_rng(0).random(RATE) - 0.5, RATE)
    rows = build(select={"min_seconds": 2.0})
    assert rows["short.wav"]["status"] == "left out: shorter than 2 s"
    rows = build(select={"max_seconds": 19.0})
    assert used(rows) == {"short.wav"}


def test_hours_that_contain_each_other(build):
    # Four recordings of 20 s: 20, 40 and 60 s are one, two and three of them.
    one, two, three = (
        used(build(select={"max_hours": seconds / 3600})) for seconds in (20.5, 45, 79)
    )
    assert one < two < three < ALL
    assert (len(one), len(two), len(three)) == (1, 2, 3)
    rows = build(select={"max_hours": 45 / 3600})
    assert {row["status"] for row in rows.values()} == {"used", "left out: 0.0125 h are full"}
    assert used(build(select={"max_hours": 45 / 3600, "each_seconds": 10.0})) == ALL


def tune(seed: int) -> np.ndarray:
    """Make 24 s of notes, which have a fingerprint: float64 [samples] at 8 kHz."""
    notes = np.random.default_rng(seed).integers(0, 24, 96)
    time = np.arange(RATE // 4) / RATE
    tones = [
        np.sin(2 * np.pi * 220 * 2 ** (note / 12) * time) * np.exp(-4 * time) for note in notes
    ]
    return 0.5 * np.concatenate(tones)


@pytest.fixture
def twice(recordings):
    """Put a tune into the folder as flac, as mp3, and as flac with other tags."""
    soundfile.write(recordings / "tune.flac", tune(1), RATE)
    soundfile.write(recordings / "other.flac", tune(2), RATE)
    source = str(recordings / "tune.flac")
    ffmpeg.run(["-i", source, "-b:a", "64k", str(recordings / "tune.mp3")])
    ffmpeg.run(["-i", source, "-metadata", "title=x", str(recordings / "tagged.flac")])
    return {"tune.flac", "tune.mp3", "tagged.flac"}


def test_the_same_audio_in_other_formats_is_told_and_dropped_by_setting(build, twice, caplog):
    rows = build()
    assert len(used(rows) & twice) == 2
    assert sum(row["status"].startswith("same audio as ") for row in rows.values()) == 1
    marked = [row for row in rows.values() if row["duplicate_of"]]
    assert len(marked) == 1 and marked[0]["path"] in twice and "used twice" in caplog.text
    rows = build(drop_duplicates="near")
    assert len(used(rows) & twice) == 1 and "other.flac" in used(rows)
    assert sum(row["status"].startswith("same recording as ") for row in rows.values()) == 1
    rows = build(drop_duplicates="none")
    assert used(rows) >= twice
    assert sum(bool(row["duplicate_of"]) for row in rows.values()) == 2
    chunk.run("mine")
    tracks = {rows[path]["id"] for path in twice}
    cut = table.read(Path("data/chunks/mine/chunks.csv"))
    assert len({row["split"] for row in cut if row["track"] in tracks}) == 1


def loudness(path: Path) -> tuple[float, float]:
    said = ffmpeg.listen(path, "ebur128=peak=true:framelog=quiet")
    values = [
        line.split()[1] for line in said.splitlines() if line.split()[:1] in (["I:"], ["Peak:"])
    ]
    return float(values[-2]), float(values[-1])


def test_every_track_has_one_loudness_and_no_peak_above_the_ceiling(build, recordings):
    peaky = 0.05 * tune(3)
    peaky[40000] = 0.9
    soundfile.write(recordings / "peaky.wav", peaky, RATE)
    rows = build(level={"loudness_lufs": -23.0, "true_peak_dbtp": -3.0})
    for path, row in rows.items():
        integrated, peak = loudness(TRACKS / row["file"])
        assert peak <= -2.9
        assert abs(integrated + 23) < 0.2 or path == "peaky.wav"
        assert abs(integrated - float(row["loudness_lufs"]) - float(row["gain_db"])) < 0.2
    assert loudness(TRACKS / rows["peaky.wav"]["file"])[0] < -24


def test_the_mean_of_every_channel_is_removed(build, recordings):
    soundfile.write(recordings / "dc.wav", 0.5 * tune(3) + 0.2, RATE, subtype="FLOAT")
    rows = build(level={"remove_dc": True})
    assert float(rows["dc.wav"]["dc"]) == pytest.approx(0.2, abs=1e-3)
    for row in rows.values():
        assert abs(float(np.mean(pcm.read(TRACKS / row["file"])))) < 1
    without = build()
    assert "dc" not in without["dc.wav"]
    assert abs(float(np.mean(pcm.read(TRACKS / without["dc.wav"]["file"])))) > 6000


def contents() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in TRACKS.rglob("*") if path.is_file()}


def test_two_runs_with_all_of_it_make_the_same_bytes(build, twice):
    asked = {"level": {"loudness_lufs": -20.0, "remove_dc": True}, "drop_duplicates": "near"}
    build(**asked)
    first = contents()
    shutil.rmtree(TRACKS)
    build(**asked)
    assert contents() == first


def test_settings_that_are_not_used_do_not_show(build):
    build()
    written = json.loads(Path("settings/convert/mine.json").read_text())
    assert set(written) == {"sample_rate", "channels", "strict", "ffmpeg"}
    written = json.loads(Path("settings/chunk/mine.json").read_text())
    assert set(written["chunk"]) == {"seconds", "overlap", "partial", "silence_dbfs"}
    assert set(written["split"]) == {"by", "validation", "test"}


def test_samples_that_are_no_numbers(build, recordings):
    samples = tune(1)
    samples[5:8] = np.nan, np.inf, -np.inf
    soundfile.write(recordings / "nan.wav", samples, RATE, subtype="FLOAT")
    rows = build()
    assert rows["nan.wav"]["status"] == "not audio: 3 samples are infinite or no numbers"
