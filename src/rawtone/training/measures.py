"""What losses measure: nats where a model gives probabilities, squared errors where it does not."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A kind of loss.

    Attributes:
        unit: its name in logs and tables.
        digits: that a log writes after the point.
        density: whether it is a negative log-likelihood, and so can be told in bits.
    """

    unit: str
    digits: int
    density: bool

    def bits(self, loss: float) -> float | None:
        """Return a loss in bits per sample, or None where it has none."""
        return loss / math.log(2) if self.density else None

    def written(self, loss: float) -> str:
        """Return a loss as logs have it."""
        return f"{loss:.{self.digits}f}"

    def words(self, loss: float) -> str:
        """Return a loss as people are told it."""
        bits = self.bits(loss)
        return f"{loss:.4g} {self.unit}" if bits is None else f"{bits:.3f} bits"

    def uniform(self, levels: int) -> float:
        """Return the loss of a model that knows nothing.

        Args:
            levels: number of codes.
        """
        # of a regression: silence where all is at full scale
        return math.log(levels) if self.density else 1.0


NATS = Measure("nats", digits=3, density=True)
SQUARED_ERROR = Measure("squared error", digits=9, density=False)
MEASURES = {measure.unit: measure for measure in (NATS, SQUARED_ERROR)}


def measure(density: bool) -> Measure:
    """Return what the losses of a model measure.

    Args:
        density: whether it gives probabilities.
    """
    return NATS if density else SQUARED_ERROR
