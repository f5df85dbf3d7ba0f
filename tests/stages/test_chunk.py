"""chunk loses no audio in silence, keeps splits apart, and writes what the reader reads."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone import files
from rawtone.audio import pcm
from rawtone.corpus import table
from rawtone.corpus.chunks import Chunks
from rawtone.errors import UserError
from rawtone.stages import chunk

RATE = 1000
FOLDER = Path("data/chunks/mine")


def noise(samples: int, seed: int = 0, channels: int = 1) -> np.ndarray:
    shape = (samples, channels) if channels > 1 else (samples,)
    loud = np.random.default_rng(seed).integers(2000, 20000, shape)
    return loud.astype(np.int16)


def cut(
    tracks: dict[str, np.ndarray], *, channels: int = 1, by: str = "track", **chunking
) -> Chunks:
    """Run the stage on tracks made of arrays."""
    chunks = {"seconds": 8.0, "overlap": 1.0, "partial": "keep", "silence_dbfs": -64.0} | chunking
    split = {"by": by, "validation": 0.1, "test": 0.1}
    table_of_settings = {"sample_rate": RATE, "channels": channels, "strict": False}
    files.write_json(
        Path("settings/chunk/mine.json"),
        table_of_settings | {"chunk": chunks, "label": "genre", "split": split},
    )
    folder = Path("data/tracks/mine")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, samples in tracks.items():
        pcm.write(folder / f"{name}.wav", samples, RATE)
        rows.append({"id": name, "file": f"{name}.wav", "status": "used", "genre": f"g-{name}"})
    rows.append({"id": "bad", "status": "empty"})
    table.write(folder / "tracks.csv", ["id", "file", "status", "genre"], rows)
    chunk.run("mine")
    return Chunks.open(FOLDER)


def considered() -> list[dict[str, str]]:
    return table.read(FOLDER / "chunks.csv")


def summary() -> dict:
    return json.loads((FOLDER / "corpus.json").read_text())


lengths = st.lists(st.integers(40, 4000), min_size=1, max_size=6)


@settings(max_examples=30, deadline=None)
@given(lengths, st.sampled_from(["track", "time"]), st.sampled_from([0.0, 0.1, 0.9]))
def test_every_sample_is_covered_and_splits_share_none(lengths, by, overlap):
    """A property of whole corpora: what is in the array is the audio, in one split only."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        tracks = {f"t{i}": noise(n, i) for i, n in enumerate(lengths)}
        chunks = cut(tracks, by=by, seconds=1.0, overlap=overlap)
        split_of = {name: np.full(len(samples), "", object) for name, samples in tracks.items()}
        for row in range(len(chunks.pcm)):
            start, length = chunks.starts[row], chunks.lengths[row]
            audio = tracks[chunks.tracks[row]][start : start + length]
            assert np.array_equal(chunks.pcm[row, :length], audio)
            assert not np.any(chunks.pcm[row, length:])
            here = split_of[chunks.tracks[row]][start : start + length]
            assert set(here) <= {"", chunks.splits[row]}
            here[:] = chunks.splits[row]
        assert all("" not in set(splits) for splits in split_of.values())
        assert sum(len(chunks.rows(s)) for s in ("train", "validation", "test")) == len(chunks.pcm)


def test_the_table_has_a_row_for_every_chunk_considered(project):
    samples = noise(30 * RATE)
    samples[8 * RATE : 14 * RATE] = 0
    cut({"a": samples, "b": noise(8 * RATE, 1), "c": noise(3 * RATE, 2)})
    rows = [row for row in considered() if row["track"] == "a"]
    assert [int(row["start"]) for row in rows] == [0, 7000, 14000, 21000, 28000]
    assert [int(row["length"]) for row in rows] == [8000, 8000, 8000, 8000, 2000]
    assert [row["status"] for row in rows] == ["kept", "silent", "kept", "kept", "kept"]
    assert rows[1]["silent_fraction"] == "0.7500" and rows[1]["row"] == ""
    assert rows[0]["label"] == "g-a"
    kept = [row for row in considered() if row["status"] == "kept"]
    assert [row["row"] for row in kept] == [str(n) for n in range(len(kept))]


def test_silent_is_half_a_chunk_in_one_run(project):
    just_less, half, twice_a_third = noise(24000), noise(24000, 1), noise(24000, 2)
    just_less[1000:4990] = 0
    half[1000:5000] = 0
    twice_a_third[:2500] = 0
    twice_a_third[4000:6500] = 0
    cut({"a": just_less, "b": half, "c": twice_a_third}, overlap=0.0)
    first = {row["track"]: row["status"] for row in considered() if row["start"] == "0"}
    assert first == {"a": "kept", "b": "silent", "c": "kept"}


def test_the_level_of_silence_is_a_setting(project):
    quiet = np.full(16000, 40, np.int16)  # -58.3 dBFS
    tracks = {"a": noise(16000), "b": noise(16000, 1), "c": noise(16000, 2), "d": quiet}
    cut(tracks)
    assert {row["status"] for row in considered() if row["track"] == "d"} == {"kept"}
    cut(tracks, silence_dbfs=-50.0)
    assert {row["status"] for row in considered() if row["track"] == "d"} == {"silent"}


def test_a_partial_chunk_is_kept_at_its_length_or_padded(project):
    tracks = {"a": noise(9000), "b": noise(8000, 1), "c": noise(3000, 2)}
    assert sorted(cut(tracks).lengths) == [2000, 3000, 8000, 8000]
    padded = cut(tracks, partial="pad")
    assert list(padded.lengths) == [8000] * 4
    last = padded.pcm[[t == "c" for t in padded.tracks]][0]
    assert np.array_equal(last[:3000], tracks["c"]) and not np.any(last[3000:])


def test_stereo(project):
    tracks = {name: noise(9000, seed, 2) for seed, name in enumerate("abc")}
    chunks = cut(tracks, channels=2)
    assert chunks.pcm.shape == (6, 8000, 2)
    assert np.array_equal(chunks.pcm[0], tracks["a"][:8000])


def test_few_tracks_are_split_by_time_and_the_notes_say_so(project):
    cut({"a": noise(40000), "b": noise(40000, 1)})
    assert summary()["split_by"] == "time"
    assert "too few tracks" in summary()["notes"][0]
    assert summary()["seconds"] == {"train": 64.0, "validation": 8.0, "test": 8.0}


def test_the_summary_counts_shared_audio_once(project):
    cut({name: noise(15000, seed) for seed, name in enumerate("abc")})
    assert sum(summary()["seconds"].values()) == 45.0
    assert summary()["chunks"] == {"train": 2, "validation": 2, "test": 2}
    assert summary()["tracks"] == {"train": 1, "validation": 1, "test": 1}


def test_a_silent_track_does_not_stand_for_a_split(project):
    tracks = {f"t{n}": noise(8000, n) for n in range(4)}
    tracks |= {f"s{n}": np.zeros(8000, np.int16) for n in range(20)}
    cut(tracks)
    assert all(count > 0 for count in summary()["chunks"].values())
    assert summary()["dropped"] == {"silent": 20}


def test_everything_silent(project):
    quiet = np.full(16000, 3, np.int16)
    with pytest.raises(UserError, match=r"corpus 'mine': all \d+ chunks are silent below -64 dBFS"):
        cut({"a": quiet, "b": quiet, "c": quiet})
    assert not FOLDER.exists()


def test_nothing_left_for_a_split(project):
    fading = noise(40000)
    fading[30000:] = 0
    with pytest.raises(UserError, match="nothing is left for validation"):
        cut({"a": fading})


def test_two_runs_write_the_same_bytes(project):
    tracks = {name: noise(9000, seed) for seed, name in enumerate("abcd")}
    cut(tracks)
    first = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    cut(tracks)
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == first


def test_chunk_before_convert_says_what_to_run(project):
    with pytest.raises(UserError, match="no settings for 'mine'"):
        chunk.run("mine")
    cut({name: noise(9000, seed) for seed, name in enumerate("abc")})
    Path("data/tracks/mine/a.wav").unlink()
    with pytest.raises(UserError, match=r"a\.wav: is gone; run: rawtone convert mine"):
        chunk.run("mine")
    Path("data/tracks/mine/tracks.csv").unlink()
    with pytest.raises(UserError, match="run: rawtone convert mine"):
        chunk.run("mine")
