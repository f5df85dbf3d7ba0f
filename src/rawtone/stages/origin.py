"""Warm start: the published checkpoint of another experiment from which a training begins."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rawtone.errors import UserError
from rawtone.files import sha256
from rawtone.stages import layout
from rawtone.training.checkpoints import read_arrays

RunKey = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Origin:
    """Where the first weights of a training come from.

    Attributes:
        experiment: its name in params.yaml.
        run: the key of its run.
        step: of the checkpoint.
        sha256: of the file of weights.
        path: the file of weights.
        own: the origin's own origin, as its config.json has it; None if it began by chance.
        labels: that its model was told, in the order of their numbers.
    """

    experiment: str
    run: str
    step: int
    sha256: str
    path: Path
    own: Mapping[str, Any] | None = None
    labels: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What config.json says under "origin", down the chain."""
        own = {"origin": dict(self.own)} if self.own else {}
        return {
            "experiment": self.experiment,
            "run": self.run,
            "step": self.step,
            "sha256": self.sha256,
        } | own

    def require_labels(self, labels: Sequence[str]) -> None:
        """Make sure that every number stands for the same label as in the origin.

        Raises:
            UserError: it does not.
        """
        if tuple(labels) != self.labels:
            raise UserError(
                f"start_from.experiment: '{self.experiment}' learned the labels "
                f"{', '.join(self.labels)}, and this corpus has {', '.join(labels)}; begin from "
                "one that learned the same, or without start_from"
            )

    def load(self, model: Any) -> None:
        """Give a freshly built model the origin's weights.

        Args:
            model: of the same family and settings as the origin's.

        Raises:
            UserError: the file does not hold exactly this model's weights.
        """
        from rawtone.models.families import assign

        weights = read_arrays(self.path)
        expected = {variable.path: tuple(variable.shape) for variable in model.weights}
        found = {path: array.shape for path, array in weights.items()}
        for path in sorted(expected.keys() | found.keys()):
            if expected.get(path) != found.get(path):
                raise UserError(
                    f"{self.path}: does not fit the model: {path} is {_shape(expected.get(path))} "
                    f"in the model and {_shape(found.get(path))} in the file; train "
                    f"'{self.experiment}' anew"
                )
        assign(model, weights)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else str(list(shape))


def find(settings: Mapping[str, Any], run_key: RunKey) -> Origin | None:
    """Find the checkpoint from which an experiment begins.

    Args:
        settings: resolved, of the experiment's train stage.
        run_key: gives the key of a run from such settings; it asks here in turn for their origin.

    Returns:
        The checkpoint; None if the experiment begins by chance.

    Raises:
        UserError: the origin is not trained as its settings are now, has no such checkpoint, or
            the checkpoint's file is damaged.
    """
    start = settings.get("start_from")
    if start is None:
        return None
    name: str = start["experiment"]
    config, published = _trained(name, run_key)
    chosen = _choose(name, start["step"], published)
    path = layout.results(name) / chosen["file"]
    if not path.exists() or sha256(path) != chosen["sha256"]:
        raise UserError(
            f"{path}: not the file that checkpoints.json names; publish it anew by running: "
            f"rawtone train {name}"
        )
    own, labels = config.get("origin"), tuple(config.get("labels", ()))
    return Origin(name, config["run"], chosen["step"], chosen["sha256"], path, own, labels)


def _trained(name: str, run_key: RunKey) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what an experiment published, if that is what its settings ask for now."""
    folder = layout.results(name)
    try:
        config, manifest = (
            json.loads((folder / file).read_text()) for file in ("config.json", "checkpoints.json")
        )
        key = run_key(layout.read_settings("train", name))
    except (FileNotFoundError, json.JSONDecodeError):  # of the results, or the corpus's chunks
        key = None
    if key is None or {config.get("run"), manifest.get("run")} != {key}:
        raise UserError(
            f"start_from.experiment: '{name}' is not trained as params.yaml has it now; run "
            f"`snakemake` or `dvc repro train@{name}` first"
        )
    return config, manifest["checkpoints"]


def _choose(name: str, step: Any, published: list[dict[str, Any]]) -> dict[str, Any]:
    """Choose a published checkpoint: by number, the last, or that of the least loss."""
    by_step = sorted(published, key=lambda checkpoint: int(checkpoint["step"]))
    validated = [c for c in by_step if c["validation_loss"] is not None]
    if step == "last":
        fitting = by_step[-1:]
    elif step == "best":  # sorting is stable: of equals, the earlier
        fitting = sorted(validated, key=lambda checkpoint: float(checkpoint["validation_loss"]))
    else:
        fitting = [checkpoint for checkpoint in by_step if checkpoint["step"] == step]
    if not fitting:
        steps, measured = (
            ", ".join(str(c["step"]) for c in listed) or "none" for listed in (by_step, validated)
        )
        raise UserError(
            f"start_from.step: '{name}' has no checkpoint '{step}'; expected one of its published "
            f"steps ({steps}), last, or best (of those validated: {measured})"
        )
    return fitting[0]
