"""Which checkpoint to take, and why: by what it predicts, then by how its clips sound."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

AS_GOOD = 0.01  # share by which the loss of a checkpoint may be above the least


@dataclass(frozen=True)
class Candidate:
    """What is known of a checkpoint.

    Attributes:
        step: of the training.
        loss: per sample on validation recordings.
        said: the loss in words, as "1.783 bits".
        scores: of its clips.
        sound: how many of them have no defect.
        copies: how many of them are copies of recordings.
    """

    step: int
    loss: float
    said: str
    scores: Sequence[float]
    sound: int
    copies: int


def choose(candidates: Sequence[Candidate], pinned: int | None = None) -> dict[str, Any]:
    """Choose a checkpoint.

    Of those whose loss is within one percent of the least, the one whose clips have the highest
    median score; of equal ones the one of less loss, then the earlier one.

    Args:
        candidates: all checkpoints, in the order of steps.
        pinned: step of the one that an ear chose.

    Returns:
        JSON: step, whether it is pinned, and the reasons as sentences.
    """
    least = min(candidates, key=_loss)
    as_good = [one for one in candidates if one.loss <= least.loss + AS_GOOD * abs(least.loss)]
    best = max(as_good, key=lambda one: (median(one.scores), -one.loss, -one.step))
    if pinned is None:
        return {"step": best.step, "pinned": False, "reasons": _reasons(best, least, as_good)}
    chosen = next(one for one in candidates if one.step == pinned)
    reasons = ["Pinned by select.step in params.yaml."]
    if chosen is not best:
        reasons.append(f"The measures would take step {best.step}.")
    return {"step": pinned, "pinned": True, "reasons": [*reasons, _of_clips(chosen)]}


def _loss(one: Candidate) -> tuple[float, int]:
    return (one.loss, one.step)


def _reasons(best: Candidate, least: Candidate, as_good: Sequence[Candidate]) -> list[str]:
    if best is least:
        first = f"It predicts validation recordings best: {best.said}."
    else:
        first = (
            f"It predicts validation recordings within {AS_GOOD:.0%} of the best: {best.said}, "
            f"step {least.step} {least.said}."
        )
    if len(as_good) == 1:
        return [first, _of_clips(best)]
    others = ", ".join(f"{median(one.scores):.2f}" for one in as_good if one is not best)
    second = f"Of the {len(as_good)} that predict about as well its clips score highest: "
    return [first, f"{second}{median(best.scores):.2f}, the others {others}.", _of_clips(best)]


def _of_clips(one: Candidate) -> str:
    number = len(one.scores)
    copies = f", {one.copies} a copy of a recording" if one.copies == 1 else ""
    copies = f", {one.copies} copies of recordings" if one.copies > 1 else copies
    return f"{one.sound} of its {number} clips have no defect that was heard{copies}."
