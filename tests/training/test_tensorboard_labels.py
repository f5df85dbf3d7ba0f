"""TensorBoard shows the clips of different labels apart."""

from pathlib import Path

from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from rawtone.training.tensorboard import show_clips


def test_clips_of_different_labels_are_apart(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    clip = {"step": 20, "temperature": 1.0, "seed": 3, "wav": "a.wav"}
    show_clips(tmp_path / "clips", tmp_path, [clip | {"label": name} for name in ("rock", "jazz")])
    tags = EventAccumulator(str(tmp_path / "clips")).Reload().Tags()["tensors"]
    assert sorted(tags) == ["jazz/temperature 1/seed 3", "rock/temperature 1/seed 3"]
