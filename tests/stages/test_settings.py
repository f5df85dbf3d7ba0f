"""Settings files change only when their content does, and follow what lies in the folders."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rawtone import files, params
from rawtone.corpus_settings import Split
from rawtone.errors import UserError
from rawtone.stages import chunk, convert, fetch, layout, settings


def stamps() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in Path("settings").rglob("*.json")}


def test_every_stage_gets_its_file(recordings, write_params):
    write_params()
    settings.run()
    written = {str(path) for path in Path("settings").glob("*/*.json")}
    stages = ("fetch", "convert", "chunk", "train", "sample", "parse-log", "evaluate")
    assert written == {f"settings/{s}/mine.json" for s in stages} | {"settings/report/all.json"}
    assert layout.read_settings("convert", "mine") == {
        "sample_rate": 8000,
        "channels": 1,
        "strict": False,
        "ffmpeg": "bundled",
    }
    assert layout.read_settings("evaluate", "mine") == {"corpus": "mine"}
    train = layout.read_settings("train", "mine")
    assert set(train) == {"channels", "corpus", "sample_rate", "model", "quantizer", "training"}
    assert layout.read_settings("report") == {
        "corpora": ["mine"],
        "experiments": {"mine": {"preset": "wavenet-demo", "corpus": "mine"}},
    }


def test_nothing_is_written_again_when_nothing_changed(recordings, write_params):
    write_params()
    settings.run()
    before = stamps()
    settings.run()
    assert stamps() == before


def test_only_what_a_setting_decides_is_written(recordings, write_params):
    write_params()
    settings.run()
    before = stamps()
    write_params(chunk={"seconds": 9.0})
    settings.run()
    changed = {str(path) for path, stamp in stamps().items() if stamp != before[path]}
    assert changed == {"settings/chunk/mine.json"}


CHAIN = {"band": {}, "mix": {"start_from": {"experiment": "band"}}}
FURTHER = {"start_from": {"experiment": "mix", "step": "last"}}


def write_chain(**changes: dict) -> None:
    """Write params.yaml of band, a mix that begins from it, and more that begins from the mix."""
    params_yaml = Path("params.yaml")
    params_yaml.unlink(missing_ok=True)
    corpus = {"sources": [{"folder": "music"}], "sample_rate": 8000}
    other = corpus | {"chunk": {"seconds": 9.0}}
    experiments = {
        name: {"corpus": "mine" if name == "band" else "other", "preset": "wavenet-demo"} | keys
        for name, keys in {**CHAIN, "more": FURTHER}.items()
    }
    for name, change in changes.get("experiments", {}).items():
        experiments[name] |= change
    corpora = {"mine": corpus | changes.get("mine", {}), "other": other | changes.get("other", {})}
    params_yaml.write_text(
        yaml.safe_dump({"corpora": corpora, "experiments": experiments}, sort_keys=False)
    )


def trainings_changed_by(**changes: dict) -> set[str]:
    """Return the experiments whose settings of `train` differ after an edit of the chain."""
    write_chain()
    settings.run()
    before = {path: path.read_bytes() for path in Path("settings/train").glob("*.json")}
    write_chain(**changes)
    settings.run()
    return {path.stem for path, content in before.items() if path.read_bytes() != content}


def test_an_experiment_that_begins_by_chance_says_nothing_of_it(recordings):
    write_chain()
    settings.run()
    assert "start_from" not in layout.read_settings("train", "band")
    start = layout.read_settings("train", "mix")["start_from"]
    assert (start["experiment"], start["step"], len(start["decides"])) == ("band", "best", 64)


@pytest.mark.parametrize(
    ("changes", "affected"),
    [
        ({"experiments": {"band": {"training": {"seed": 1}}}}, {"band", "mix", "more"}),
        ({"experiments": {"mix": {"training": {"seed": 1}}}}, {"mix", "more"}),
        ({"experiments": {"mix": {"start_from": {"experiment": "band", "step": 900}}}},
         {"mix", "more"}),
        ({"experiments": {"more": {"training": {"seed": 1}}}}, {"more"}),
        ({"experiments": {"band": {"training": {"log_every": 1}}}}, {"band"}),
        ({"experiments": {"band": {"training": {"keep": {"last": 2}}}}}, {"band", "mix", "more"}),
        ({"experiments": {"mix": {"training": {"keep": {"last": 2}}}}}, {"mix"}),
        ({"experiments": {"band": {"sampling": {"seconds": 1}}}}, set()),
        ({"mine": {"chunk": {"seconds": 7.0}}}, {"mix", "more"}),
        ({"mine": {"ffmpeg": "system"}}, {"mix", "more"}),
        ({"other": {"chunk": {"seconds": 7.0}}}, {"more"}),
    ],
)  # fmt: skip
def test_what_decides_an_origin_shows_in_all_that_begin_from_it(recordings, changes, affected):
    """DVC judges by these files alone; an experiment's own corpus it sees by its chunks."""
    assert trainings_changed_by(**changes) == affected


def test_a_recording_of_the_origin_shows_in_what_begins_from_it(recordings):
    write_chain()
    settings.run()
    before = stamps()
    shutil.copy(recordings / "a.wav", recordings / "new.wav")
    settings.run()
    changed = {str(path) for path, stamp in stamps().items() if stamp != before[path]}
    assert {"settings/train/mix.json", "settings/train/more.json"} <= changed
    assert "settings/train/band.json" not in changed


def test_a_new_or_changed_recording_shows(recordings, write_params):
    write_params()
    settings.run()
    before = layout.read_settings("fetch", "mine")
    shutil.copy(recordings / "a.wav", recordings / "new.wav")
    settings.run()
    after = layout.read_settings("fetch", "mine")
    assert len(after["sources"][0]["files"]) == len(before["sources"][0]["files"]) + 1


def test_a_picture_or_a_touch_does_not_show(recordings, write_params):
    write_params()
    settings.run()
    before = layout.settings("fetch", "mine").read_bytes()
    (recordings / "cover.jpg").write_bytes(b"x")
    os.utime(recordings / "a.wav", (1, 1))
    settings.run()
    assert layout.settings("fetch", "mine").read_bytes() == before


def test_files_of_names_that_are_gone_are_removed(recordings, write_params):
    write_params()
    settings.run()
    stale = Path("settings/train/old.json")
    stale.write_text("{}")
    settings.run()
    assert not stale.exists()


def test_reading_alone_writes_nothing(recordings, write_params):
    write_params()
    assert list(params.resolve().corpora) == ["mine"]
    assert not Path("settings").exists()


def test_in_a_folder_without_params_nothing_is_written(project):
    with pytest.raises(UserError, match=r"params\.yaml: no such file"):
        settings.run()
    assert not list(project.iterdir())


def test_a_folder_that_was_fetched_elsewhere_need_not_be_here(recordings, write_params):
    write_params()
    settings.run()
    fetch.run("mine")
    before = layout.settings("fetch", "mine").read_bytes()
    shutil.rmtree(recordings)
    shutil.rmtree("settings")
    settings.run()
    assert layout.settings("fetch", "mine").read_bytes() == before
    fetch.run("mine")  # and there is nothing left to fetch


def test_no_such_folder(write_params):
    write_params()
    with pytest.raises(
        UserError, match=r"corpora\.mine\.sources\.0\.folder: no such folder: music"
    ):
        settings.run()


def test_a_folder_without_audio(project, write_params):
    (project / "music").mkdir()
    (project / "music/notes.txt").write_text("x")
    write_params()
    with pytest.raises(UserError, match=r"sources\.0\.folder: no recordings in music"):
        settings.run()


def test_a_file_in_place_of_a_folder(project, write_params):
    (project / "music").write_text("x")
    write_params()
    with pytest.raises(UserError, match="expected a folder, found a file: music"):
        settings.run()


@pytest.mark.parametrize("stage", ["settings", "fetch", "convert", "chunk"])
def test_stages_left_of_train_start_without_tensors(stage):
    heavy = "{'tensorflow', 'keras', 'librosa', 'pandas'}"
    code = f"import sys, rawtone.stages.{stage}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_settings_are_plain_json_in_a_settled_order(recordings, write_params):
    write_params()
    settings.run()
    for path in Path("settings").glob("*/*.json"):
        text = path.read_text()
        assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"


def test_the_gap_between_splits_is_longer_than_what_the_models_hear_back(recordings, write_params):
    write_params(split={"by": "time", "gap": 0.0})
    settings.run()
    context = params.resolve().experiments["mine"].model.context / 8000
    assert 0.5 < context < 1.0
    assert layout.read_settings("chunk", "mine")["split"]["gap"] == 1.0
    write_params(split={"by": "time", "gap": 3.0})
    settings.run()
    assert layout.read_settings("chunk", "mine")["split"]["gap"] == 3.0
    write_params()
    settings.run()
    assert "gap" not in layout.read_settings("chunk", "mine")["split"]
    for path in ("b.flac", "deep/er/c.ogg", "deep/d.wav"):
        (recordings / path).unlink()
    settings.run()  # too few to hold out whole ones
    assert layout.read_settings("chunk", "mine")["split"]["gap"] == 1.0


def test_the_gap_that_settings_leave_out_is_the_one_that_chunk_takes(recordings, write_params):
    write_params()
    settings.run()
    fetch.run("mine")
    convert.run("mine")
    table_of_chunk = layout.read_settings("chunk", "mine")
    assert "gap" not in table_of_chunk["split"]
    table_of_chunk["split"]["by"] = "time"
    files.write_json(layout.settings("chunk", "mine"), table_of_chunk)
    chunk.run("mine")
    notes = json.loads(Path("data/chunks/mine/corpus.json").read_text())["notes"]
    assert notes == [f"split by time: {Split().gap:g} s between its parts are left out"]
