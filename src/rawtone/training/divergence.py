"""When a training is beyond help: a loss that is no number, or far above knowing nothing."""

import math

import numpy as np

from rawtone.training.checkpoints import Arrays

# Times the loss of knowing nothing. Bad moments stay below it; what passes it does not come back.
EXPLODED = 3.0


class Diverged(Exception):  # noqa: N818 - caught where it is decided whether it is an error
    """The training cannot go on from here.

    Args:
        step: the update at which it was noticed.
        loss: in nats per sample.
    """

    def __init__(self, step: int, loss: float) -> None:
        super().__init__(f"loss {loss} at step {step}")
        self.step = step
        self.loss = loss


def require_sane(step: int, loss: float, uniform_loss: float) -> None:
    """Refuse a loss that is no number or exploded.

    Args:
        step: the update that it belongs to.
        loss: in nats per sample.
        uniform_loss: that of a model that knows nothing.

    Raises:
        Diverged: it is.
    """
    if not math.isfinite(loss) or loss > EXPLODED * uniform_loss:
        raise Diverged(step, loss)


def require_finite(step: int, arrays: Arrays) -> None:
    """Refuse weights that are no numbers, before they are saved as if they were good.

    Raises:
        Diverged: they are; the loss that would tell is that of the next step.
    """
    floating = [array for array in arrays.values() if array.dtype.kind == "f"]
    if not all(np.isfinite(array).all() for array in floating):
        raise Diverged(step, math.nan)
