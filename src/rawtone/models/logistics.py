"""A mixture of logistic distributions, cut into the quantizer's cells (Salimans et al. 2017).

All is counted in cells from the middle of the axis: there the edges between cells are exact in
float32, also those of 65,536 levels, so that the cells' masses add up to one.
"""

import math
from typing import Any

import numpy as np
from keras import ops

from rawtone.audio.quantizers import Quantizer
from rawtone.models.head import Head
from rawtone.models.sampling import choose

# Widths of a component, in cells where it is narrow and in lengths of the axis otherwise: almost
# all of it in one cell, what it begins with, and as good as flat.
NARROW, FIRST, WIDE = 0.05, 1 / 32, 2.0
LEAST_SHARE = 1e-4  # of the range of widths that is left at either end
RAREST = 2.0**-25  # of a uniform number; its logit is finite


class LogisticMixture(Head):
    """Each code's probability is the mixture's mass in its cell; the ends take the tails.

    The features are, for each component, the logit of its share, its mean on the axis from -1 to 1,
    and its width, bent so that no feature makes it too narrow or too wide for float32. Where all
    features are zero, means are spread evenly over the axis.

    Args:
        quantizer: of the codes.
        components: distributions in the mixture.
    """

    def __init__(self, quantizer: Quantizer, components: int) -> None:
        super().__init__(name="logistics")
        self.last = quantizer.levels - 1
        self.steps = float(quantizer.steps)
        self.components = components
        self.size = 3 * components
        self.spread = (2.0 * np.arange(components) + 1.0) / components - 1.0
        self.narrow = math.log(NARROW)
        self.range = math.log(WIDE * self.steps / NARROW)
        share = math.log(FIRST * self.steps / NARROW) / self.range
        self.first = math.log(share / (1.0 - share))
        self.built = True

    def _mixture(self, features: Any) -> tuple[Any, Any, Any]:
        """Return logits, means and widths [..., components], the latter two in cells."""
        logits, means, widths = ops.split(features, 3, axis=-1)
        means = (means + ops.convert_to_tensor(self.spread, "float32")) * (self.steps / 2.0)
        bent = ops.sigmoid(widths + self.first)
        return logits, means, ops.exp(self.narrow + self.range * bent)

    def features(self, logits: Any, means: Any, widths: Any) -> Any:
        """Return the features of a mixture, the inverse of `_mixture`.

        Args:
            logits: of the components' shares, float32 [..., components].
            means: in cells from the middle of the axis, of the same shape.
            widths: logarithms of the widths in cells, of the same shape.
        """
        spread = ops.convert_to_tensor(self.spread, "float32")
        share = ops.clip((widths - self.narrow) / self.range, LEAST_SHARE, 1.0 - LEAST_SHARE)
        bent = ops.log(share) - ops.log1p(-share) - self.first
        return ops.concatenate([logits, means * (2.0 / self.steps) - spread, bent], axis=-1)

    def loss(self, features: Any, codes: Any) -> Any:
        """Return the negative logarithm of the mass in the codes' cells."""
        logits, means, widths = self._mixture(features)
        middle = ops.cast(codes[..., None], "float32") - self.steps / 2.0
        upper = ops.log_sigmoid((middle + 0.5 - means) / widths)
        lower = ops.log_sigmoid((means - middle + 0.5) / widths)
        # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a))
        between = ops.log(-ops.expm1(-1.0 / widths))
        first, last = codes[..., None] == 0, codes[..., None] == self.last
        mass = ops.where(first, upper, ops.where(last, lower, upper + lower + between))
        return -ops.logsumexp(ops.log_softmax(logits, axis=-1) + mass, axis=-1)

    def draw(self, features: Any, temperature: Any, uniform: Any, top_p: Any = None) -> Any:
        """Draw a component, then a value of it; at temperature 0 the likeliest one's mean.

        A temperature divides the logits and multiplies the widths.
        """
        logits, means, widths = self._mixture(features)
        chosen = ops.one_hot(choose(logits, temperature, uniform[0]), self.components)
        mean, width = (ops.sum(chosen * each, axis=-1) for each in (means, widths))
        rank = ops.clip(uniform[1], RAREST, 1.0 - 2.0**-24)
        value = mean + temperature * width * (ops.log(rank) - ops.log1p(-rank))
        return ops.cast(
            ops.clip(ops.floor(value + (self.steps + 1.0) / 2.0), 0, self.last), "int32"
        )
