"""Which published checkpoints stay on disk."""

from collections.abc import Collection, Mapping

from rawtone.settings import Keep


def kept(steps: Collection[int], keep: Keep, losses: Mapping[int, float]) -> set[int]:
    """Choose the checkpoints to keep.

    Applied after each new checkpoint it leaves the same as applied once at the end.

    Args:
        steps: of the checkpoints there are.
        keep: the setting.
        losses: validation loss by step; of equals the earlier is the better.

    Returns:
        Those of `steps` that are among the last, at a multiple of `every`, or among the best.
    """
    last = sorted(steps)[-keep.last :]
    best = sorted((losses[step], step) for step in steps if step in losses)[: keep.best]
    regular = {step for step in steps if keep.every is not None and step % keep.every == 0}
    return {*last, *regular, *(step for _, step in best)}
