"""Settings files change only when their content does, and follow what lies in the folders."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rawtone import params
from rawtone.errors import UserError
from rawtone.stages import fetch, layout, settings


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
    assert set(train) == {"corpus", "sample_rate", "model", "quantizer", "training"}
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
