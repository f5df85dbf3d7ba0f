"""What a clip says of itself, wherever it is copied: its model, checkpoint, seed and settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rawtone.generation import names
from rawtone.generation.streams import Stream
from rawtone.version import VERSION


@dataclass(frozen=True)
class Origin:
    """Which checkpoint a clip is of.

    Attributes:
        experiment: its name, if it is known.
        family: of the model.
        run: the key of its training.
        step: of the checkpoint, if it is known.
        checkpoint: SHA-256 of its file.
    """

    experiment: str | None
    family: str
    run: str | None
    step: int | None
    checkpoint: str


def tags(
    origin: Origin, stream: Stream, labels: Sequence[str], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Return a clip's tags.

    Args:
        origin: the checkpoint.
        stream: of the clip.
        labels: of the model, by number.
        settings: whatever else decided it, None where it did not.
    """
    temperature = _along(stream.temperature, lambda value: f"{value:g}")
    label = _along(stream.label, lambda number: labels[number]) if labels else None
    facts: dict[str, Any] = {
        "title": _title(origin, temperature, label, stream.seed),
        "encoder": f"rawtone {VERSION}",
        "experiment": origin.experiment,
        "family": origin.family,
        "run": origin.run,
        "step": origin.step,
        "checkpoint": origin.checkpoint,
        "seed": stream.seed,
        "temperature": temperature,
        "label": label,
        "top_p": f"{stream.top_p:g}",
    }
    return {key: str(value) for key, value in {**facts, **settings}.items() if value is not None}


def of_prime(recording: Path, start: float, seconds: float, sha256: str) -> str:
    """Say what part of a recording a clip goes on from, wherever that lies.

    Args:
        recording: the file.
        start: seconds into it.
        seconds: length of the part.
        sha256: of the file's bytes.
    """
    return f"{seconds:g} s of {recording.name} from {start:g} s on, sha256 {sha256}"


def _title(origin: Origin, temperature: str, label: str | None, seed: int) -> str:
    name = origin.experiment or origin.family
    step = [] if origin.step is None else [f"step {origin.step}"]
    parts = [name, *step, *([label] if label else []), f"temperature {temperature}", f"seed {seed}"]
    return ", ".join(parts)


def _along(value: Any, words: Callable[[Any], str]) -> str:
    """Say what a value is, or a schedule of some."""
    if isinstance(value, tuple):
        return names.in_words({at: words(each) for at, each in value})
    return words(value)
