"""Which checkpoint to listen to, why, and how to choose another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """The checkpoint that stands for an experiment."""

    step: int
    pinned: bool
    reasons: list[str]
    ranking: str

    @property
    def pin(self) -> str:
        """Return the lines of params.yaml that hold on to it."""
        return f"select:\n  step: {self.step}"


def choice(evaluation: Mapping[str, Any]) -> Choice | None:
    """Return the choice that was made, or the best guess before that, or nothing.

    Args:
        evaluation: as evaluation.json has it; empty before that.
    """
    made, best = evaluation.get("choice"), evaluation.get("best_step")
    if made:
        pinned, reasons = bool(made.get("pinned")), list(made.get("reasons", []))
        return Choice(int(made["step"]), pinned, reasons, str(evaluation.get("ranking", "")))
    if best is None:
        return None
    return Choice(int(best), False, ["It predicts the validation recordings best."], "")
