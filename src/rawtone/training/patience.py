"""Early stopping: a pure function of the validations so far, so there is no state to lose."""

from collections.abc import Mapping


def why_early(losses: Mapping[int, float], patience: int | None) -> str:
    """Tell whether training has waited long enough for a better validation.

    Args:
        losses: validation loss by step.
        patience: validations to wait for; None never ends.

    Returns:
        The reason to end, or nothing.
    """
    if patience is None or not losses:
        return ""
    best = min(losses, key=lambda step: (losses[step], step))
    waited = sum(step > best for step in losses)
    return f"no better validation in {patience}" if waited >= patience else ""
