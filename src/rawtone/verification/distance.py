"""How far an experiment's results here are from those a commit records: bits, samples, machines."""

import csv
import io
import json
from dataclasses import dataclass
from statistics import median
from typing import Any

from rawtone.audio.fingerprint import same_samples
from rawtone.stages import layout
from rawtone.verification.recorded import file_at

MACHINERY = ("cpu", "threads", "devices", "backend", "versions")


@dataclass(frozen=True)
class Distance:
    """An experiment here beside the recorded one.

    Attributes:
        checkpoints: how many differ, of how many in both.
        bits: the largest difference of a checkpoint's bits per sample on held-out audio, if any.
        clips: how many differ, of how many in both.
        samples: from the beginning of the median differing clip that are the same, to a thousand.
        machinery: what computed, where it differs: recorded and here.
    """

    checkpoints: tuple[int, int]
    bits: float | None
    clips: tuple[int, int]
    samples: int | None
    machinery: dict[str, tuple[Any, Any]]


def measure(revision: str, experiment: str) -> Distance:
    """Compare an experiment with what a commit records of it, by the files that git holds."""
    weights = [_checksums(text) for text in _both(revision, experiment, "checkpoints.json")]
    clips = [_fingerprints(text) for text in _both(revision, experiment, "clips.json")]
    common = clips[0].keys() & clips[1].keys()
    pairs = [(clips[0][name], clips[1][name]) for name in common]
    same = [same_samples(one, other) for one, other in pairs if one != other]
    steps = weights[0].keys() & weights[1].keys()
    return Distance(
        (sum(weights[0][step] != weights[1][step] for step in steps), len(steps)),
        _bits_apart(*_both(revision, experiment, "bits.csv")),
        (len(same), len(pairs)),
        int(median(same)) if same else None,
        _unlike(*_both(revision, experiment, "config.json")),
    )


def _both(revision: str, experiment: str, name: str) -> tuple[str, str]:
    """Return the recorded text of a result and the one here, "" where there is none."""
    path = layout.results(experiment) / name
    recorded = file_at(revision, str(path)) or ""
    return recorded, path.read_text() if path.exists() else ""


def _checksums(text: str) -> dict[int, str]:
    published = json.loads(text)["checkpoints"] if text else []
    return {checkpoint["step"]: checkpoint["sha256"] for checkpoint in published}


def _fingerprints(text: str) -> dict[str, str]:
    return {clip["wav"]: clip["fingerprint"] for clip in json.loads(text or "[]")}


def _bits_apart(recorded: str, here: str) -> float | None:
    one, other = (
        {
            (row["step"], row["split"]): float(row["bits"])
            for row in csv.DictReader(io.StringIO(text))
            if row["bits"]
        }
        for text in (recorded, here)
    )
    return max((abs(one[key] - other[key]) for key in one.keys() & other.keys()), default=None)


def _unlike(recorded: str, here: str) -> dict[str, tuple[Any, Any]]:
    one, other = (json.loads(text or "{}") for text in (recorded, here))
    return {
        key: (one.get(key), other.get(key)) for key in MACHINERY if one.get(key) != other.get(key)
    }
