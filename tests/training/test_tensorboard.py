"""Events as TensorBoard itself reads them."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.audio import metadata as audio
from tensorboard.util.tensor_util import make_ndarray

from rawtone.audio import pcm
from rawtone.errors import UserError
from rawtone.training.tensorboard import Scalars, show_clips, show_figures


def shown(folder: Path) -> EventAccumulator:
    """Read a folder as TensorBoard's server does."""
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


def curve(folder: Path, tag: str) -> list[tuple[int, float]]:
    """Return the points of a curve in the order in which TensorBoard has them."""
    points = shown(folder).Tensors(tag)
    return [(point.step, make_ndarray(point.tensor_proto).item()) for point in points]


def clips(folder: Path, tag: str) -> list[tuple[int, bytes]]:
    """Return steps and wavs of a row of clips."""
    return [(clip.step, clip.tensor_proto.string_val[0]) for clip in shown(folder).Tensors(tag)]


def write(folder: Path, start: int, steps: list[int], loss: float = 1.0) -> None:
    """Write steps as a training does that goes on from `start`."""
    with Scalars(folder, start) as scalars:
        for step in steps:
            scalars.step(step, loss=loss, seconds=0.5, learning_rate=0.25)


def test_every_scalar_arrives(tmp_path: Path) -> None:
    with Scalars(tmp_path, 0) as scalars:
        scalars.step(10, loss=2.0, seconds=0.5, learning_rate=0.25)
        scalars.validation(10, loss=1.0)
    read = {tag: curve(tmp_path, tag) for tag in shown(tmp_path).Tags()["tensors"]}
    assert read == {
        "loss/train": [(10, 2.0)],
        "bits/train": [(10, pytest.approx(2.0 / np.log(2)))],
        "learning_rate": [(10, 0.25)],
        "seconds_per_step": [(10, 0.5)],
        "loss/validation": [(10, 1.0)],
        "bits/validation": [(10, pytest.approx(1.0 / np.log(2)))],
    }


def test_steps_repeated_after_a_restart_replace_the_old_ones(tmp_path: Path) -> None:
    write(tmp_path, 0, [10, 20, 30, 40], loss=1.0)
    write(tmp_path, 20, [30], loss=2.0)
    assert curve(tmp_path, "loss/train") == [(10, 1.0), (20, 1.0), (30, 2.0)]


def test_many_restarts_within_a_second_keep_their_order(tmp_path: Path) -> None:
    for start in range(0, 120, 10):
        write(tmp_path, start, [start + 10, start + 20], loss=float(start))
    assert [step for step, _ in curve(tmp_path, "loss/train")] == list(range(10, 140, 10))


@pytest.mark.parametrize("torn", [1, 30])
def test_an_end_torn_by_a_kill_costs_only_itself(tmp_path: Path, torn: int) -> None:
    write(tmp_path, 0, [10, 20])
    (first,) = tmp_path.iterdir()
    first.write_bytes(first.read_bytes()[:-torn])
    write(tmp_path, 10, [20, 30])
    assert [step for step, _ in curve(tmp_path, "loss/train")] == [10, 20, 30]


def test_after_sync_a_kill_loses_nothing(tmp_path: Path) -> None:
    with Scalars(tmp_path, 0) as scalars:
        scalars.validation(10, loss=1.0)
        scalars.sync()
        assert curve(tmp_path, "loss/validation") == [(10, 1.0)]


def test_a_missing_package_is_named_with_the_way_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(UserError, match=r"pip install 'rawtone\[tensorboard\]'"):
        Scalars(tmp_path / "tensorboard", 0)
    assert not list(tmp_path.iterdir())


def test_clips_are_the_very_files_and_not_doubled(tmp_path: Path) -> None:
    pcm.write(tmp_path / "a.wav", np.arange(-400, 400, dtype=np.int16), 8000)
    table = [{"step": step, "temperature": 0.95, "seed": 3, "wav": "a.wav"} for step in (20, 40)]
    show_clips(tmp_path / "clips", tmp_path, table)
    show_clips(tmp_path / "clips", tmp_path, table[1:])
    (clip,) = clips(tmp_path / "clips", "temperature 0.95/seed 3")
    assert clip == (40, (tmp_path / "a.wav").read_bytes())


def test_browsers_are_told_that_a_clip_is_a_wav(tmp_path: Path) -> None:
    pcm.write(tmp_path / "a.wav", np.zeros(100, np.int16), 8000)
    row = {"step": 20, "temperature": 1.0, "seed": 0, "wav": "a.wav"}
    show_clips(tmp_path / "clips", tmp_path, [row])
    told = shown(tmp_path / "clips").SummaryMetadata("temperature 1/seed 0").plugin_data
    assert told.plugin_name == audio.PLUGIN_NAME
    assert audio.parse_plugin_metadata(told.content).encoding == audio.Encoding.Value("WAV")


def test_who_is_watching_sees_new_clips_in_place_of_the_old(tmp_path: Path) -> None:
    pcm.write(tmp_path / "a.wav", np.zeros(100, np.int16), 8000)
    rows = [{"step": 20, "temperature": 1.0, "seed": n, "wav": "a.wav"} for n in (0, 1)]
    show_clips(tmp_path / "clips", tmp_path, rows)
    watched = shown(tmp_path / "clips")
    show_clips(tmp_path / "clips", tmp_path, rows)
    watched.Reload()
    for seed in (0, 1):
        assert len(watched.Tensors(f"temperature 1/seed {seed}")) == 1


def test_figures_of_checkpoints_are_there_once_however_often_evaluate_ran(tmp_path: Path) -> None:
    for score in (0.25, 0.5):
        show_figures(tmp_path, {40: {"clips/median_score": score}, 20: {"clips/median_score": 0.0}})
    assert curve(tmp_path, "clips/median_score") == [(20, 0.0), (40, 0.5)]
