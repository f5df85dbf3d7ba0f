"""Any published checkpoint, found by a person's word for it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rawtone import model_settings
from rawtone.errors import UserError, nearest
from rawtone.files import sha256
from rawtone.settings import Training
from rawtone.stages import layout


@dataclass(frozen=True)
class Published:
    """A checkpoint and the config.json of its training.

    Attributes:
        weights: the file.
        sha256: of its bytes.
        config: of its training.
        step: of the checkpoint, if that is known.
        experiment: its name, if that is known.
    """

    weights: Path
    sha256: str
    config: dict[str, Any]
    step: int | None
    experiment: str | None

    @property
    def training(self) -> Training:
        """How it was trained."""
        return Training(**self.config["training"])


def find(word: str) -> Published:
    """Find a checkpoint.

    Args:
        word: a file of weights; or an experiment or the folder of one, with `@` and a step, best
            or last behind it; without that it is the best, or the last where none was validated.

    Raises:
        UserError: there is none, or it is not whole, or of no model that is known here.
    """
    if word.endswith(".npz"):
        weights = Path(word).expanduser()
        if not weights.is_file():
            raise UserError(f"{word}: no such checkpoint; name a published file of weights")
        folder = _folder_of(weights)
        listed = _listed(folder)
        row = next((row for row in listed if Path(row["file"]).name == weights.name), None)
    else:
        folder, row = _of_experiment(word)
        weights = folder / row["file"]
    found = sha256(weights) if weights.is_file() else "nothing"
    if row is not None and found != row["sha256"]:
        raise UserError(
            f"{weights}: missing, half-copied or another one than {folder}/checkpoints.json names; "
            "copy or pull it again"
        )
    step = int(row["step"]) if row else None
    return Published(weights, found, _config(folder), step, folder.resolve().name if row else None)


def _folder_of(weights: Path) -> Path:
    """Return the folder of a checkpoint's config.json: its own, or the one above."""
    for folder in (weights.parent, weights.parent.parent):
        if (folder / "config.json").is_file():
            return folder
    raise UserError(
        f"{weights}: expected config.json of its training beside it or one folder above; copy it "
        "from where the checkpoint was published"
    )


def _listed(folder: Path) -> list[dict[str, Any]]:
    """Return the checkpoints that a folder publishes, if it says so."""
    path = folder / "checkpoints.json"
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = _json(path)["checkpoints"]
    return sorted(rows, key=lambda row: int(row["step"]))


def _of_experiment(word: str) -> tuple[Path, dict[str, Any]]:
    name, _, which = word.partition("@")
    folder = Path(name).expanduser()
    if not (folder / "checkpoints.json").is_file():
        folder = layout.results(name)
    if not (folder / "checkpoints.json").is_file():
        known = sorted(path.parent.name for path in Path("results").glob("*/checkpoints.json"))
        hint = nearest(name, known) if known else "nothing is published in results/ here"
        raise UserError(f"{name}: no published experiment, and no file of weights; {hint}")
    return folder, _chosen(word, which, _listed(folder))


def _chosen(word: str, which: str, listed: list[dict[str, Any]]) -> dict[str, Any]:
    validated = [row for row in listed if row.get("validation_loss") is not None]
    best = min(validated, key=lambda row: float(row["validation_loss"]), default=None)
    steps = {str(row["step"]): row for row in listed}
    last = listed[-1] if listed else None
    row = {"": best or last, "best": best, "last": last}.get(which, steps.get(which))
    if row is None:
        raise UserError(
            f"{word}: no such checkpoint; expected best, last, or one of its steps: "
            f"{', '.join(steps) or 'none'}"
        )
    return row


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    config: dict[str, Any] = _json(path)
    try:
        model_settings.model(config["model"])
        Training(**config["training"])
    except (KeyError, TypeError, ValidationError):
        family = config.get("model", {}).get("family", "unknown")
        raise UserError(
            f"{path}: of no model that this rawtone knows (family {family}); use the version that "
            "trained it"
        ) from None
    return config


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        raise UserError(f"{path}: missing or half-copied; copy it again") from None
