"""What the scripts of the page know of the clips, as JSON."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rawtone.report.view import Experiment


def identity(experiment: Experiment, place: int) -> str:
    """Name the element of the page that has the address of a clip.

    Args:
        experiment: that the clip is of.
        place: of the clip in the experiment's list.
    """
    return f"clip-{experiment.name}-{place}"


def data(experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Return what the scripts read.

    Args:
        experiments: in the order of the page.

    Returns:
        JSON; `seed` decides the order of blind pairs, and depends on the clips alone.
    """
    every = "".join(clip.sha256 for experiment in experiments for clip in experiment.clips)
    return {
        "seed": int(hashlib.sha256(every.encode()).hexdigest()[:8], 16),
        "experiments": [_experiment(experiment) for experiment in experiments],
    }


def _experiment(experiment: Experiment) -> dict[str, Any]:
    choice = experiment.choice
    return {
        "name": experiment.name,
        "chosen": None if choice is None else choice.step,
        "steps": [asdict(checkpoint) for checkpoint in experiment.checkpoints],
        "clips": [
            {"id": identity(experiment, place)}
            | {key: value for key, value in asdict(clip).items() if value not in ("", None, [])}
            for place, clip in enumerate(experiment.clips)
        ],
    }
