"""Labels from the tags of recordings to the page, by the real stages on two tiny genres."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from rawtone.audio import pcm
from rawtone.corpus import table
from rawtone.corpus.chunks import Chunks
from rawtone.files import sha256
from tests.commands import complaint, rawtone

RATE = 4000
PARAMS = """
corpora:
  mine:
    sources: [{folder: music}]
    sample_rate: 4000
    chunk: {seconds: 1.0, overlap: 0.2}
    split: {by: time}
experiments:
  mine:
    corpus: mine
    preset: wavenet-demo
    model:
      dilations: [1, 2, 4, 8]
      residual_channels: 8
      dilation_channels: 8
      skip_channels: 8
      global_channels: 4
    training: {steps: 400, window: 400, validate_every: 400, checkpoint_every: 400,
               validation_batches: 2, learning_rate: 0.01}
    sampling: {seconds: 0.5, temperatures: [0.901, 0.902], seeds: [0]}
"""
GENRES = {"Low & slow": 150, "high": 900}
TRAINED = Path("results/mine")
STAGES = ("settings", "fetch", "convert", "chunk", "train", "sample", "parse-log", "evaluate")


def tagged(path: Path, genre: str, hertz: float, seed: int) -> None:
    """Write four seconds of a noisy tone with a tag."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(4 * RATE) / RATE
    noise = np.random.default_rng(seed).normal(size=len(time), scale=0.03)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        if genre:
            file.genre = genre
        file.write(0.4 * np.sin(2 * np.pi * hertz * time) + noise)


def write_params(**changes: dict[str, object]) -> None:
    """Write params.yaml with keys of the corpus, the model or the sampling changed."""
    params = yaml.safe_load(PARAMS)
    tables = params["experiments"]["mine"] | {"corpus": params["corpora"]["mine"]}
    for name, change in changes.items():
        tables[name].update(change)
    Path("params.yaml").write_text(yaml.safe_dump(params))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project in which all stages ran."""
    root = tmp_path_factory.mktemp("labels")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        write_params()
        for number, (genre, hertz) in enumerate(GENRES.items()):
            for take in range(2):
                tagged(Path(f"music/{number}{take}.flac"), genre, hertz, seed=2 * number + take)
        rawtone(*(stage if stage == "settings" else f"{stage} mine" for stage in STAGES), "report")
    return root


@pytest.fixture
def here(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of the built project."""
    shutil.copytree(built, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def clips() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((TRAINED / "clips.json").read_text())
    return found


def test_what_is_published_records_the_labels_by_number(here: Path) -> None:
    config = json.loads((TRAINED / "config.json").read_text())
    assert config["labels"] == sorted(GENRES)
    with np.load(TRAINED / "checkpoints/step-00000400.npz") as weights:
        assert weights["wavenet/embedding"].shape == (2, 4)


def test_there_is_a_clip_for_every_label_temperature_and_seed(here: Path) -> None:
    grid = [(clip["label"], clip["temperature"]) for clip in clips()]
    assert grid == [(genre, t) for genre in sorted(GENRES) for t in (0.901, 0.902)]
    folder = "clips/step-00000400"
    assert [clip["wav"] for clip in clips()] == [
        f"{folder}/{name}-t{t}-s0.wav" for name in ("Low-slow", "high") for t in (0.901, 0.902)
    ]
    for clip in clips():
        assert pcm.sha256(TRAINED / str(clip["wav"])) == clip["sha256"]


def test_the_label_is_heard(here: Path) -> None:
    """The same seed, told another label, makes the tone of that label's recordings."""
    for clip in clips():
        audio, _ = soundfile.read(TRAINED / str(clip["wav"]))
        strength = np.abs(np.fft.rfft(audio[1000:] - audio[1000:].mean()))
        loudest = np.argmax(strength) * RATE / len(audio[1000:])
        assert loudest == pytest.approx(GENRES[str(clip["label"])], abs=15)


def test_clips_are_listed_by_label_in_tables_and_on_the_page(here: Path) -> None:
    rows = table.read(TRAINED / "melody.csv")
    assert list(rows[0])[:4] == ["step", "label", "temperature", "seed"]
    assert [row["label"] for row in rows] == [clip["label"] for clip in clips()]
    page = (here / "report/index.html").read_text()
    (told,) = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    (mine,) = json.loads(told)["experiments"]
    shown = {(clip["label"], clip["temperature"]) for clip in mine["clips"]}
    assert shown == {(label, t) for label in GENRES for t in ("0.901", "0.902")}
    for clip in clips():
        assert (here / f"report/mine/step-00000400-{Path(str(clip['wav'])).stem}.mp3").exists()


def test_only_the_labels_that_are_asked_for(here: Path) -> None:
    before = {clip["wav"]: clip["sha256"] for clip in clips()}
    write_params(sampling={"labels": ["high"]})
    rawtone("settings", "sample mine")
    assert [clip["label"] for clip in clips()] == ["high", "high"]
    assert all(before[clip["wav"]] == clip["sha256"] for clip in clips())


def test_a_label_that_was_never_learned_is_refused_with_those_that_were(here: Path) -> None:
    write_params(sampling={"labels": ["hihg"]})
    said = complaint("settings", "sample mine")
    assert "sampling.labels: the model has learned no label 'hihg'; did you mean 'high'?" in said
    assert said.endswith("It has: Low & slow, high")


def test_recordings_without_the_tag_are_listed(here: Path) -> None:
    tagged(Path("music/untagged.flac"), "", 440, seed=9)
    track = sha256(Path("music/untagged.flac"))[:12]
    said = complaint("settings", "fetch mine", "convert mine", "chunk mine", "train mine")
    assert "corpora.mine.label: the model is told labels (model.global_channels), but a" in said
    assert f"a recording has none: {track}" in said


def test_no_tag_at_all_is_refused(here: Path) -> None:
    write_params(corpus={"label": "album"})
    said = complaint("settings", "chunk mine", "train mine")
    assert "but no recording has one; set this to a tag that they have" in said


def test_a_label_that_is_only_held_out_is_refused(here: Path) -> None:
    chunks = Path("data/chunks/mine/chunks.csv")
    rows = table.read(chunks)
    for row in rows:
        if row["label"] == "high" and row["split"] == "train":
            row["split"] = "test"
    table.write(chunks, list(rows[0]), rows)
    said = complaint("train mine")
    assert "all that has these is held out, so it would never learn them: high; set" in said
    assert "corpora.mine.split.by to time" in said


@pytest.mark.parametrize(("kind", "expected"), [("folder", "deep/er"), (None, "")])
def test_the_folder_of_a_recording_can_be_its_label(
    here: Path, kind: str | None, expected: str
) -> None:
    """Those that lie in no folder of their source have none."""
    tagged(Path("music/deep/er/a.flac"), "", 440, seed=9)
    write_params(corpus={"label": kind}, model={"global_channels": None})
    rawtone("settings", "fetch mine", "convert mine", "chunk mine")
    assert set(Chunks.open(Path("data/chunks/mine")).labels) == {"", expected}


def test_weights_of_other_labels_are_no_beginning(here: Path) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["corpora"]["other"] = params["corpora"]["mine"] | {"sources": [{"folder": "renamed"}]}
    params["experiments"]["more"] = params["experiments"]["mine"] | {
        "corpus": "other",
        "start_from": {"experiment": "mine"},
    }
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    for number in range(2):
        for take in range(2):
            tagged(Path(f"renamed/{number}{take}.flac"), f"new {number}", 300 * number + 99, take)
    said = complaint("settings", "fetch other", "convert other", "chunk other", "train more")
    assert "'mine' learned the labels Low & slow, high, and this corpus has new 0, new 1" in said
