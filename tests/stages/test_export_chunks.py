"""export-chunks writes what a model would learn as wav files that any tool reads, or nothing."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rawtone import cli, files
from rawtone.corpus import table
from rawtone.corpus.chunks import Chunks

RATE = 1000
TITLES = {"0a": "Ode to Joy", "0b": "../../$(touch pwned)\n", "0c": "Dvořák: Largo " * 40, "0d": ""}


@pytest.fixture
def corpus(project: Path) -> Chunks:
    """Write a corpus of four tracks of three chunks each, stereo, the last chunk shorter."""
    folder = project / "data/chunks/mine"
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(-9000, 9000, (12, 800, 2)).astype(np.int16)
    np.save(folder / "chunks.npy", noise)
    about = {"sample_rate": RATE, "overlap_samples": 100}
    files.write_json(folder / "corpus.json", about)
    splits = dict(zip(TITLES, ("train", "train", "validation", "test"), strict=True))
    rows = [
        {"track": track, "start": 700 * n, "length": 800 if n < 2 else 300, "label": f"l-{track}",
         "split": splits[track], "row": 3 * place + n, "status": "kept"}
        for place, track in enumerate(TITLES)
        for n in range(3)
    ]  # fmt: skip
    rows.append({"track": "0a", "start": 2100, "length": 800, "status": "silent"})
    table.write(folder / "chunks.csv", [*rows[0]], rows)
    tracks = [{"id": i, "title": title, "path": f"x/{i} é.mp3"} for i, title in TITLES.items()]
    (project / "data/tracks/mine").mkdir(parents=True)
    table.write(project / "data/tracks/mine/tracks.csv", ["id", "title", "path"], tracks)
    return Chunks.open(folder)


def export(*words: str) -> list[dict[str, str]]:
    assert cli.main(["export-chunks", "mine", *words]) == 0
    return table.read(Path(words[0], "chunks.csv"))


def test_every_chunk_is_a_wav_of_its_samples_and_a_row(corpus):
    rows = export("out/chunks")
    assert len(rows) == 12
    there = {str(path.relative_to("out/chunks")) for path in Path("out/chunks").rglob("*.wav")}
    assert there == {row["file"] for row in rows}
    place = {(t, int(s)): n for n, (t, s) in enumerate(zip(corpus.tracks, corpus.starts))}  # noqa: B905
    for row in rows:
        samples, rate = soundfile.read(Path("out/chunks", row["file"]), dtype="int16")
        at = place[row["track"], round(float(row["start"]) * RATE)]
        assert rate == RATE
        np.testing.assert_array_equal(samples, corpus.pcm[at, : corpus.lengths[at]])
        assert float(row["seconds"]) * RATE == pytest.approx(len(samples))
        assert row["file"].startswith(f"{corpus.splits[at]}/")


def test_names_tell_title_and_time_sort_and_harm_nobody(corpus):
    rows = export("chunks")
    assert [row["file"] for row in rows if row["track"] == "0a"] == [
        "train/ode-to-joy-0a-00000.000s.wav",
        "train/ode-to-joy-0a-00000.700s.wav",
        "train/ode-to-joy-0a-00001.400s.wav",
    ]
    assert [row["file"] for row in rows] == sorted(row["file"] for row in rows)
    assert {row["file"].split("-0b-")[0] for row in rows if row["track"] == "0b"} == {
        "train/touch-pwned"
    }
    assert all(len(Path(row["file"]).name.encode()) < 200 for row in rows)
    assert any(row["file"].startswith("test/0d-é-0d-") for row in rows)
    with soundfile.SoundFile(Path("chunks", rows[-1]["file"])) as wav:
        assert (wav.title, wav.genre) == (rows[-1]["title"], rows[-1]["label"])


def test_one_split_alone_and_twice_the_same_bytes(corpus):
    rows = export("one", "--split", "train")
    assert {row["split"] for row in rows} == {"train"} and len(rows) == 6
    export("two", "--split", "train")
    one, two = (
        {str(p.relative_to(f)): p.read_bytes() for p in Path(f).rglob("*") if p.is_file()}
        for f in ("one", "two")
    )
    assert one == two


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert cli.main(["export-chunks", *words]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_what_is_there_is_never_written_over(corpus, capsys):
    Path("chunks").mkdir()
    export("chunks")  # an empty folder is as good as none
    before = sorted(Path("chunks").rglob("*"))
    assert "chunks: expected no folder there, or an empty one" in complaint(
        capsys, "mine", "chunks"
    )
    Path("file").touch()
    assert "file: expected a folder, found a file" in complaint(capsys, "mine", "file")
    assert sorted(Path("chunks").rglob("*")) == before


def test_a_corpus_that_is_not_there_says_what_to_run(corpus, capsys):
    assert "run: rawtone chunk other" in complaint(capsys, "other", "chunks")
    assert not Path("chunks").exists()


def test_a_failure_half_way_leaves_nothing(corpus, monkeypatch):
    shorter, array = corpus.pcm[:5].copy(), Path("data/chunks/mine/chunks.npy")
    array.unlink()  # it is mapped into memory
    np.save(array, shorter)
    with pytest.raises(IndexError):
        cli.main(["export-chunks", "mine", "chunks"])
    assert [path.name for path in Path().iterdir()] == ["data"]
