"""What TensorBoard shows of a run: its scalars while it trains, and its clips to listen to.

Every opening adds a file of events, which begins with the step from which it replaces what the
files before it say. So steps that are repeated after a restart show up once.
"""

import importlib.util
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from rawtone.errors import UserError
from rawtone.training.measures import NATS, Measure

# Those who watch see a step after so many seconds at the latest; each time waits for the disk.
FLUSH_SECONDS = 10

# TensorBoard's AudioPluginData with encoding = WAV.
_IS_WAV = {"plugin_data": {"plugin_name": "audio", "content": b"\x10\x0b"}}


def require() -> None:
    """Make sure that events can be written.

    Raises:
        UserError: the package for it is not installed.
    """
    if importlib.util.find_spec("tensorboardX") is None:
        raise UserError(
            "training.tensorboard: needs the package tensorboardX, which is not installed; "
            "install it with: pip install 'rawtone[tensorboard]' (or set tensorboard: false)"
        )


class _Events:
    """A new file of events.

    Args:
        folder: what TensorBoard takes for one run; made if missing.
        replaced: what older files say of this step and later ones is no longer shown.
    """

    def __init__(self, folder: Path, replaced: int) -> None:
        require()
        from tensorboardX import RecordWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        self._event = Event
        folder.mkdir(parents=True, exist_ok=True)
        self.older = sorted(folder.glob("events.out.tfevents.*"))
        # numbered, as TensorBoard reads by name and two times of day can be the same
        number = int(self.older[-1].name.rpartition(".")[2]) + 1 if self.older else 1
        self._file = RecordWriter(str(folder / f"events.out.tfevents.{number:08d}"))
        self._add(file_version="brain.Event:2")
        self._add(step=replaced, session_log=SessionLog(status=SessionLog.START))
        self.flush()

    def _add(self, **content: Any) -> None:
        event = self._event(wall_time=time.time(), **content)
        self._file.write(event.SerializeToString())

    def add(self, step: int, values: list[dict[str, Any]]) -> None:
        """Add values of a step: each a tag with what TensorBoard's protocol has for it."""
        self._add(step=step, summary={"value": values})

    def flush(self) -> None:
        """Make sure that what was added is on disk."""
        self._file.flush()
        self.flushed = time.monotonic()

    def close(self) -> None:
        """End the file."""
        self._file.flush()
        self._file.close()


class Scalars:
    """Writes a training's curves.

    Args:
        folder: `tensorboard` in the run's folder.
        step: updates done so far; later steps of older files are replaced.
        measure: what losses measure.

    Raises:
        UserError: the package for it is not installed.
    """

    def __init__(self, folder: Path, step: int, measure: Measure = NATS) -> None:
        self._events = _Events(folder, step + 1)
        self._measure = measure

    def step(self, step: int, *, loss: float, seconds: float, learning_rate: float) -> None:
        """Write a step's loss per sample, its duration and its learning rate."""
        pace = {"learning_rate": learning_rate, "seconds_per_step": seconds}
        self._add(step, self._told("train", loss) | pace)

    def validation(self, step: int, *, loss: float) -> None:
        """Write a validation's mean loss per sample."""
        self._add(step, self._told("validation", loss))

    def _told(self, part: str, loss: float) -> dict[str, float]:
        bits = self._measure.bits(loss)
        return {f"loss/{part}": loss} | ({} if bits is None else {f"bits/{part}": bits})

    def _add(self, step: int, values: dict[str, float]) -> None:
        self._events.add(step, [{"tag": tag, "simple_value": x} for tag, x in values.items()])
        if time.monotonic() - self._events.flushed > FLUSH_SECONDS:
            self._events.flush()

    def sync(self) -> None:
        """Make sure that all is on disk, as before a state is saved whose past this is."""
        self._events.flush()

    def __enter__(self) -> Self:
        """Return the curves themselves."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the file."""
        self._events.close()


class NoScalars:
    """Takes a training's curves where nobody asked for them."""

    def step(self, step: int, *, loss: float, seconds: float, learning_rate: float) -> None:
        """Write nothing."""

    def validation(self, step: int, *, loss: float) -> None:
        """Write nothing."""

    def sync(self) -> None:
        """Wait for nothing."""

    def __enter__(self) -> Self:
        """Return the same nothing."""
        return self

    def __exit__(self, *error: object) -> None:
        """End nothing."""


def show_clips(folder: Path, results: Path, clips: list[dict[str, Any]]) -> None:
    """Show clips in place of those shown before.

    Args:
        folder: `tensorboard/clips` in the run's folder.
        results: the experiment's folder.
        clips: the rows of its clips.json, by step.

    Raises:
        UserError: the package for it is not installed.
    """
    events = _Events(folder, 0)
    for clip in clips:
        label = f"{clip['label']}/" if "label" in clip else ""
        heat = clip["temperature"]
        figure = heat if isinstance(heat, str) else f"{heat:g}"
        tag = f"{label}temperature {figure}/seed {clip['seed']}"
        events.add(clip["step"], [{"tag": tag, **_audio(results / clip["wav"])}])
    _replace(events)


def show_figures(folder: Path, figures: Mapping[int, Mapping[str, float]]) -> None:
    """Show figures of checkpoints in place of those shown before.

    Args:
        folder: `tensorboard/evaluation` in the run's folder.
        figures: by step, then by tag.

    Raises:
        UserError: the package for it is not installed.
    """
    events = _Events(folder, 0)
    for step, values in sorted(figures.items()):
        events.add(step, [{"tag": tag, "simple_value": x} for tag, x in values.items()])
    _replace(events)


def _replace(events: _Events) -> None:
    events.close()
    for old in events.older:
        old.unlink()


def _audio(wav: Path) -> dict[str, Any]:
    # The form of tf.summary.audio: an older one, the protocol's Audio, gets a type on its way
    # through TensorBoard's data server that browsers do not play.
    label = b""
    shape = {"dim": [{"size": 1}, {"size": 2}]}
    tensor = {"dtype": "DT_STRING", "tensor_shape": shape, "string_val": [wav.read_bytes(), label]}
    return {"metadata": _IS_WAV, "tensor": tensor}
