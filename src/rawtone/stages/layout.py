"""Where everything lies on disk, relative to the project's root."""

import json
import os
from pathlib import Path
from typing import Any

from rawtone.errors import UserError


def settings(stage: str, name: str = "all") -> Path:
    """Return the file that holds one stage's resolved settings."""
    return Path("settings") / stage / f"{name}.json"


def raw(corpus: str) -> Path:
    """Return the folder of a corpus's recordings as they came."""
    return Path("data/raw") / corpus


def downloads() -> Path:
    """Return the folder of what came over the network, shared by all corpora.

    Declared to neither workflow tool: a build that fails loses none of it. DVC's temporary
    experiments share that of the project they came from.
    """
    return Path(os.path.relpath(os.environ.get("DVC_ROOT", ".")), ".downloads")


def tracks(corpus: str) -> Path:
    """Return the folder of a corpus's decoded tracks."""
    return Path("data/tracks") / corpus


def shards(corpus: str) -> Path:
    """Return the folder of what is known of a corpus's tracks."""
    return tracks(corpus) / "shards"


def remembered(what: str, corpus: str) -> Path:
    """Return the folder of what was found out of a corpus's files, and can be found out again.

    Declared to neither workflow tool.
    """
    return Path(".remembered") / what / corpus


def chunks(corpus: str) -> Path:
    """Return the folder of a corpus's chunks and their table."""
    return Path("data/chunks") / corpus


def run(key: str) -> Path:
    """Return the folder of a training's state, declared to neither workflow tool.

    DVC's temporary experiments train in the project they came from, or their end would be the
    end of their checkpoints, too.
    """
    return Path(os.path.relpath(os.environ.get("DVC_ROOT", ".")), "runs", key)


def run_of(experiment: str) -> Path:
    """Return the folder of the run that an experiment published; it need not be on this machine."""
    published = json.loads((results(experiment) / "config.json").read_text())
    return run(published["run"])


def results(experiment: str) -> Path:
    """Return the folder of what an experiment publishes."""
    return Path("results") / experiment


def report() -> Path:
    """Return the folder of the listening page."""
    return Path("report")


def read_settings(stage: str, name: str = "all") -> dict[str, Any]:
    """Read one stage's resolved settings.

    Raises:
        UserError: there are none, so the name is not in params.yaml or nothing resolved it yet.
    """
    path = settings(stage, name)
    if not path.exists():
        raise UserError(f"{path}: no settings for '{name}'; is it in params.yaml?")
    table: dict[str, Any] = json.loads(path.read_text())
    return table
