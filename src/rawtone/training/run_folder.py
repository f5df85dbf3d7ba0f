"""The folder of a run: states to go on from, weights to publish, and what both take on disk."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rawtone.files import write_json
from rawtone.settings import Training
from rawtone.training import checkpoints
from rawtone.training.checkpoints import Arrays, step_of
from rawtone.training.retention import kept


@dataclass(frozen=True)
class Facts:
    """What belongs to a state beside its arrays.

    Attributes:
        validated: validation loss by step, in nats per sample.
        rollbacks: how often the run had gone back by then.
        machinery: on what it was computed, with the step from which on.
    """

    validated: dict[int, float] = field(default_factory=dict)
    rollbacks: int = 0
    machinery: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the facts as `checkpoints.save` takes them."""
        losses = {str(step): loss for step, loss in self.validated.items()}
        return {
            "validation_loss": losses,
            "rollbacks": self.rollbacks,
            "machinery": self.machinery,
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "Facts":
        """Return facts as `checkpoints.read` gives them."""
        losses = {int(step): loss for step, loss in facts["validation_loss"].items()}
        return cls(losses, facts["rollbacks"], facts["machinery"])


class RunFolder:
    """All that a run keeps on disk but its log; used by the holder of the run's lock alone.

    Args:
        folder: runs/<key>.
        training: settings.
    """

    def __init__(self, folder: Path, training: Training) -> None:
        self.training = training
        self.states = folder / "checkpoints"
        self.weights = folder / "weights"
        self._rollbacks = folder / "rollbacks.json"

    def tidy(self) -> None:
        """Clear away what a kill left half-done."""
        checkpoints.tidy(self.states)
        checkpoints.tidy(self.weights)
        self._forget_what_was_rolled_back()

    def newest(self) -> tuple[tuple[int, Arrays, Facts] | None, list[str]]:
        """Return the newest whole state, and a line for each one passed over.

        Raises:
            UserError: there are states, and none is whole.
        """
        place, passed = checkpoints.newest(self.states)
        return (None if place is None else _read(place)), passed

    def save(self, step: int, arrays: Arrays, facts: Facts) -> None:
        """Save a state, and remove those that nobody will go back to."""
        checkpoints.save(self.states, step, arrays, facts.as_json())
        checkpoints.prune(self.states, step, self.training.checkpoint_every)

    def published(self, step: int) -> Path:
        """Return where the weights of a step lie."""
        return self.weights / f"step-{step:08d}.npz"

    def publish(self, step: int, arrays: Arrays) -> None:
        """Write the weights of a step, without what only training needs."""
        checkpoints.write_arrays(self.published(step), arrays)

    def retain(self, losses: dict[int, float]) -> None:
        """Remove the published weights that the setting `keep` does not name."""
        steps = {step_of(path) for path in self.weights.glob("step-*.npz")}
        for step in steps - kept(steps, self.training.keep, losses):
            self.published(step).unlink()

    def rollbacks(self) -> list[dict[str, Any]]:
        """Return each time the run went back: at which step, to which."""
        if not self._rollbacks.exists():
            return []
        events: list[dict[str, Any]] = json.loads(self._rollbacks.read_text())
        return events

    def roll_back(self, diverged_at: int) -> int:
        """Go back to the newest state at a regular checkpoint before a step.

        Regular, because others depend on when the run was stopped; it would not be the same again.

        Returns:
            The step of that state, now the newest there is.
        """
        steps = [step_of(place) for place in self.states.glob("step-*")]
        every = self.training.checkpoint_every
        target = max(step for step in steps if step < diverged_at and step % every == 0)
        for path in self.weights.glob("step-*.npz"):
            if step_of(path) > target:
                path.unlink()
        events = [*self.rollbacks(), {"at": diverged_at, "to": target}]
        write_json(self._rollbacks, events)
        self._forget_what_was_rolled_back()
        return target

    def _forget_what_was_rolled_back(self) -> None:
        all_events = self.rollbacks()
        for place in self.states.glob("step-*"):
            try:
                done = checkpoints.read_facts(place)["rollbacks"]
            except (OSError, ValueError, KeyError):
                continue  # damaged: passed over, and named, when a state is looked for
            events = all_events[done:]
            if events and step_of(place) > min(event["to"] for event in events):
                shutil.rmtree(place)

    def on_disk(self) -> dict[str, int]:
        """Return how many states and published weights there are, and their size in bytes."""
        states, published = list(self.states.glob("step-*")), list(self.weights.glob("step-*.npz"))
        files = [file for state in states for file in state.iterdir()] + published
        size = sum(file.stat().st_size for file in files)
        return {"states": len(states), "published": len(published), "size": size}


def _read(place: Path) -> tuple[int, Arrays, Facts]:
    step, arrays, facts = checkpoints.read(place)
    return step, arrays, Facts.from_json(facts)
