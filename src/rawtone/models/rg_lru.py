"""The real-gated linear recurrent unit (De et al. 2024, "Griffin"), in a residual block."""

from typing import Any

import keras
import numpy as np
from keras import ops

from rawtone.models import scans

SHARPNESS = 8.0  # c of the paper
_SHORTEST, _LONGEST = 4.0, 2000.0  # steps that units remember to begin with
EPSILON = 1e-6


class RecurrentBlock(keras.layers.Layer):
    """Adds to its input what a layer of gated linear recurrent units makes of it.

    Args:
        width: units.
        name: of the block.
    """

    def __init__(self, width: int, name: str) -> None:
        super().__init__(name=name)
        self.width = width
        self.scale = self.add_weight(name="scale", shape=(width,), initializer="ones")
        self.enter = self.add_weight(name="enter", shape=(width, 2 * width))
        self.gates = self.add_weight(name="gates", shape=(width, 2 * width))
        self.gates_bias = self.add_weight(
            name="gates_bias", shape=(2 * width,), initializer="zeros"
        )
        self.decay = self.add_weight(name="decay", shape=(width,), initializer=_decays)
        self.leave = self.add_weight(name="leave", shape=(width, width))
        self.built = True

    def run(self, x: Any, before: Any) -> tuple[Any, Any]:
        """Run over a sequence.

        Args:
            x: float32 [batch, n, width].
            before: the units' state before it, [batch, width].

        Returns:
            The block's output, like `x`, and the units' state after it.
        """
        level = ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + EPSILON)
        entering, beside = ops.split(ops.matmul(x * level * self.scale, self.enter), 2, axis=-1)
        gates = ops.sigmoid(ops.matmul(entering, self.gates) + self.gates_bias)
        recurrence, gate = ops.split(gates, 2, axis=-1)
        log_a = -SHARPNESS * ops.softplus(self.decay) * recurrence
        into = ops.sqrt(EPSILON - ops.expm1(2.0 * log_a)) * gate * entering
        states = scans.gated(ops.exp(log_a), into, before)
        return x + ops.matmul(states * ops.gelu(beside), self.leave), states[:, -1]


def _decays(shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Spread memories evenly over their logarithm, at half-open recurrence gates."""
    steps = np.geomspace(_SHORTEST, _LONGEST, shape[0])
    return ops.convert_to_tensor(np.log(np.expm1(2.0 / (SHARPNESS * steps))), dtype)
