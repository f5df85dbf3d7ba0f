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
    tracks: dict[str, np.ndarray],
    *,
    channels: int = 1,
    by: str = "track",
    gap: float = 0.0,
    each: dict | None = None,
    tags: dict[str, dict[str, str]] | None = None,
    **chunking,
) -> Chunks:
    """Run the stage on tracks made of arrays, with tags by track."""
    chunks = {"seconds": 8.0, "overlap": 1.0, "partial": "keep", "silence_dbfs": -64.0} | chunking
    split = {"by": by, "validation": 0.1, "test": 0.1, "gap": gap}
    table_of_settings = {"sample_rate": RATE, "channels": channels, "strict": False}
    files.write_json(
        Path("settings/chunk/mine.json"),
        table_of_settings
        | {"chunk": chunks, "label": "genre", "split": split}
        | ({"each": each} if each else {}),
    )
    folder = Path("data/tracks/mine")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, samples in tracks.items():
        pcm.write(folder / f"{name}.wav", samples, RATE)
        row = {"id": name, "file": f"{name}.wav", "status": "used", "genre": f"g-{name}"}
        rows.append(row | (tags or {}).get(name, {}))
    rows.append({"id": "bad", "status": "empty"})
    columns = ["id", "file", "status", "genre", "artist", "album", "duplicate_of"]
    table.write(folder / "tracks.csv", columns, rows)
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


def test_ends_are_trimmed_and_have_rows_that_say_so(project):
    samples = np.zeros(20 * RATE, np.int16)
    samples[3 * RATE : 15 * RATE] = noise(12 * RATE)
    samples[15 * RATE : 16 * RATE] = 20  # -64 dBFS
    tracks = {"a": samples, "b": noise(9000, 1), "c": noise(9000, 2)}
    chunks = cut(tracks, trim_dbfs=-60.0)
    rows = [row for row in considered() if row["track"] == "a"]
    assert [(row["start"], row["length"], row["status"]) for row in rows] == [
        ("0", "3000", "trimmed end"),
        ("3000", "8000", "kept"),
        ("10000", "5000", "kept"),
        ("15000", "5000", "trimmed end"),
    ]
    assert np.array_equal(chunks.pcm[0], samples[3000:11000])
    assert summary()["dropped"] == {"trimmed end": 2}


def test_a_track_that_is_all_silence_is_trimmed_away(project):
    tracks = {name: noise(9000, seed) for seed, name in enumerate("abc")}
    cut(tracks | {"quiet": np.full(5000, 3, np.int16)}, trim_dbfs=-60.0)
    rows = [row for row in considered() if row["track"] == "quiet"]
    assert [(row["length"], row["status"]) for row in rows] == [("5000", "trimmed end")]


def test_the_first_seconds_of_each(project):
    tracks = {name: noise(30000, seed) for seed, name in enumerate("abc")}
    cut(tracks, each={"seconds": 10.0, "which": "first"})
    rows = [row for row in considered() if row["track"] == "a"]
    assert [(row["start"], row["length"], row["status"]) for row in rows] == [
        ("0", "8000", "kept"),
        ("7000", "3000", "kept"),
        ("10000", "20000", "beyond each_seconds"),
    ]
    assert sum(summary()["seconds"].values()) == 30.0


def test_even_seconds_of_each_reach_from_its_beginning_to_its_end(project):
    tracks = {name: noise(64000, seed) for seed, name in enumerate("abc")}
    chunks = cut(tracks, overlap=0.0, each={"seconds": 24.0, "which": "even"})
    starts = [
        int(start)
        for start, track in zip(chunks.starts, chunks.tracks, strict=True)
        if track == "a"
    ]
    assert starts == [0, 24000, 56000]
    left_out = [row["status"] for row in considered() if row["status"] != "kept"]
    assert left_out == ["beyond each_seconds"] * 15


ARTISTS = {
    f"t{n}": {"artist": f"Artist {n % 4}" if n % 3 else f"ARTIST {n % 4}"} for n in range(16)
}


def test_all_of_an_artist_is_in_one_split(project):
    chunks = cut({track: noise(8000, n) for n, track in enumerate(ARTISTS)}, by="artist",
                 tags=ARTISTS)  # fmt: skip
    splits = {}
    for track, split in zip(chunks.tracks, chunks.splits, strict=True):
        splits.setdefault(int(track[1:]) % 4, set()).add(split)
    assert all(len(found) == 1 for found in splits.values())
    assert summary()["split_by"] == "artist"


def test_tracks_without_an_album_are_held_out_one_by_one_and_named(project):
    tags = {"a": {"album": "One"}, "b": {"album": "One"}, "c": {"album": "Two"}}
    cut({name: noise(8000, n) for n, name in enumerate("abcd")}, by="album", tags=tags)
    assert "one track has no album, and are held out one by one: d" in summary()["notes"]


def test_too_few_artists_are_not_split_otherwise(project):
    with pytest.raises(UserError, match="expected at least 3 with artist, found 2; set it to"):
        cut({"a": noise(9000), "b": noise(9000, 1)}, by="artist")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(10000, 40000), min_size=1, max_size=3), st.floats(0.2, 2.0))
def test_the_parts_of_a_track_split_by_time_are_a_gap_apart(lengths, gap):
    """What the models hear back never reaches from one split into another."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        tracks = {f"t{i}": noise(n, i) for i, n in enumerate(lengths)}
        chunks = cut(tracks, by="time", seconds=1.0, overlap=0.5, gap=gap)
        ends = {}
        for track, start, length, split in zip(
            chunks.tracks, chunks.starts, chunks.lengths, chunks.splits, strict=True
        ):
            before, last = ends.get(track, (split, start))
            assert before == split or start - last >= gap * RATE
            ends[track] = (split, start + length)
        assert f"split by time: {np.ceil(gap * RATE) / RATE:g} s between" in summary()["notes"][-1]
        covered = {track: [] for track in tracks}
        for row in considered():
            covered[row["track"]].append((int(row["start"]), int(row["length"])))
        for track, rows in covered.items():
            assert rows[0][0] == 0 and max(sum(row) for row in rows) == len(tracks[track])


tags_of = st.lists(st.sampled_from("uvwxyz"), min_size=6, max_size=12).filter(
    lambda found: len(set(found)) >= 3
)


@settings(max_examples=20, deadline=None)
@given(tags_of, st.sampled_from(["track", "album", "artist"]))
def test_chunks_of_one_track_never_stand_in_two_splits(names, by):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        tracks = {f"t{i}": noise(2500, i) for i in range(len(names))}
        tags = {f"t{i}": {"album": name, "artist": name} for i, name in enumerate(names)}
        chunks = cut(tracks, by=by, seconds=1.0, overlap=0.5, tags=tags)
        group = {track: track if by == "track" else tags[track][by] for track in tracks}
        seen: dict[str, set[str]] = {}
        for track, split in zip(chunks.tracks, chunks.splits, strict=True):
            seen.setdefault(group[track], set()).add(split)
        assert all(len(found) == 1 for found in seen.values())


@pytest.mark.parametrize("by", ["track", "album"])
def test_tracks_that_sound_the_same_are_in_one_split(project, by):
    tracks = {f"t{n}": noise(3000, n) for n in range(12)}
    tags = {track: {"album": f"album of {track}"} for track in tracks}
    alone = cut(tracks, by=by, seconds=1.0, overlap=0.0, tags=tags)
    splits = dict(zip(alone.tracks, alone.splits, strict=True))
    learned, held_out = ({s == "train": t for t, s in splits.items()}[s] for s in (True, False))
    tags[learned]["duplicate_of"] = held_out
    chunks = cut(tracks, by=by, seconds=1.0, overlap=0.0, tags=tags)
    found = dict(zip(chunks.tracks, chunks.splits, strict=True))
    assert found[learned] == found[held_out] == "train"
    note = f"one track sounds as another does, and is in the same split: {learned}"
    assert note in summary()["notes"]


def test_the_notes_say_where_tracks_that_sound_the_same_are_split_by_time(project):
    tracks = {f"t{n}": noise(9000, n) for n in range(3)}
    cut(tracks, by="time", tags={"t1": {"duplicate_of": "t0"}})
    note = "one track sounds as another does, so what is held out of one may be learned in the"
    assert summary()["notes"][-1].startswith(note)
    assert summary()["notes"][-1].endswith(": t1")
