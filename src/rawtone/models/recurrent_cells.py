"""One step of a GRU or an LSTM, and back: what their gradients through time are made of.

Gates are in Keras's order. Shapes: x [batch, gates * units] is the input times its matrix; a state
is [batch, state_size]; kernel [units, gates * units] is the recurrent matrix. What a step saves for
the way back, and the gradients that the way back gives, are both [..., 4 units].
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from keras import ops


def _parts(x: Any, count: int) -> list[Any]:
    size = x.shape[-1] // count
    return [x[..., k * size : (k + 1) * size] for k in range(count)]


def _joined(*parts: Any) -> Any:
    return ops.concatenate(parts, axis=-1)


def _product(left: Any, right: Any) -> Any:
    """Return the sum over time and batch of the outer products, [left, right]."""
    left = ops.reshape(left, (-1, left.shape[-1]))
    right = ops.reshape(right, (-1, right.shape[-1]))
    return ops.matmul(ops.transpose(left), right)


class Cell:
    """What a recurrent layer does in one step.

    Args:
        units: features of its output.
    """

    gates: int
    biases: int = 1

    def __init__(self, units: int) -> None:
        self.units = units

    @property
    def state_size(self) -> int:
        """Numbers of state; the first `units` of them are the output."""
        return self.units

    def advance(self, x: Any, state: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
        """Return the state after a step, and what the way back needs."""
        raise NotImplementedError

    def retreat(self, d_state: Any, before: Any, saved: Any, kernel: Any) -> tuple[Any, Any]:
        """Return the gradients of the state before a step, and of its gates."""
        raise NotImplementedError

    def gradients(self, d_gates: Any, befores: Any, saved: Any) -> tuple[Any, Any, Any]:
        """Return the gradients of x, of the kernel and of the bias, over all steps."""
        raise NotImplementedError


class GRU(Cell):
    """Gates z, r, n; r is applied after the recurrent matrix, as Keras and cuDNN do."""

    gates = 3
    biases = 2

    def advance(self, x: Any, state: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
        """Return z * state + (1 - z) * n."""
        units = self.units
        hidden = ops.matmul(state, kernel) + bias
        z, r = _parts(ops.sigmoid(x[..., : 2 * units] + hidden[..., : 2 * units]), 2)
        inner = hidden[..., 2 * units :]
        n = ops.tanh(x[..., 2 * units :] + r * inner)
        return n + z * (state - n), _joined(z, r, n, inner)

    def retreat(self, d_state: Any, before: Any, saved: Any, kernel: Any) -> tuple[Any, Any]:
        """Return the gradients of the state, and of z, r, n and of what r is applied to."""
        z, r, n, inner = _parts(saved, 4)
        d_n = d_state * (1 - z) * (1 - n * n)
        d_z = d_state * (before - n) * z * (1 - z)
        d_r = d_n * inner * r * (1 - r)
        d_inner = d_n * r
        d_hidden = _joined(d_z, d_r, d_inner)
        d_before = d_state * z + ops.matmul(d_hidden, ops.transpose(kernel))
        return d_before, _joined(d_n, d_hidden)

    def gradients(self, d_gates: Any, befores: Any, saved: Any) -> tuple[Any, Any, Any]:
        """Return the gradients of x, of the kernel and of the bias, over all steps."""
        d_n, d_hidden = d_gates[..., : self.units], d_gates[..., self.units :]
        d_x = _joined(d_hidden[..., : 2 * self.units], d_n)
        return d_x, _product(befores, d_hidden), ops.sum(d_hidden, axis=(0, 1))


class ResetBefore(Cell):
    """A GRU of the first form (Cho et al. 2014): r is applied before the recurrent matrix."""

    gates = 3

    def advance(self, x: Any, state: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
        """Return z * state + (1 - z) * n."""
        units = self.units
        x = x + bias
        hidden = ops.matmul(state, kernel[:, : 2 * units])
        z, r = _parts(ops.sigmoid(x[..., : 2 * units] + hidden), 2)
        reset = r * state
        n = ops.tanh(x[..., 2 * units :] + ops.matmul(reset, kernel[:, 2 * units :]))
        return n + z * (state - n), _joined(z, r, n, reset)

    def retreat(self, d_state: Any, before: Any, saved: Any, kernel: Any) -> tuple[Any, Any]:
        """Return the gradients of the state, and of z, r and n (and once more of n)."""
        units = self.units
        z, r, n, _ = _parts(saved, 4)
        d_n = d_state * (1 - z) * (1 - n * n)
        d_z = d_state * (before - n) * z * (1 - z)
        d_reset = ops.matmul(d_n, ops.transpose(kernel[:, 2 * units :]))
        d_r = d_reset * before * r * (1 - r)
        d_before = ops.matmul(_joined(d_z, d_r), ops.transpose(kernel[:, : 2 * units]))
        return d_before + d_state * z + d_reset * r, _joined(d_z, d_r, d_n, d_n)

    def gradients(self, d_gates: Any, befores: Any, saved: Any) -> tuple[Any, Any, Any]:
        """Return the gradients of x, of the kernel and of the bias, over all steps."""
        units = self.units
        d_x = d_gates[..., : 3 * units]
        reset = saved[..., 3 * units :]
        d_kernel = _joined(
            _product(befores, d_x[..., : 2 * units]), _product(reset, d_x[..., 2 * units :])
        )
        return d_x, d_kernel, ops.sum(d_x, axis=(0, 1))


# The slope of a function, where its value is y. (Of SELU: scale, and scale times alpha.)
_SCALE, _STEEP = 1.0507009873554805, 1.7580993408473766
_SLOPES: dict[str, Callable[[Any], Any]] = {
    "tanh": lambda y: 1 - y * y,
    "sigmoid": lambda y: y * (1 - y),
    "relu": lambda y: ops.cast(y > 0, y.dtype),
    "selu": lambda y: ops.where(y > 0, _SCALE, y + _STEEP),
}


class LSTM(Cell):
    """Gates i, f, g, o; the state is the output and the cell's memory.

    Args:
        units: features of its output.
        activation: of g and of the memory: "tanh", "sigmoid", "relu" or "selu".
    """

    gates = 4

    def __init__(self, units: int, activation: str = "tanh") -> None:
        super().__init__(units)
        self.bend = getattr(ops, activation)
        self.slope = _SLOPES[activation]

    @property
    def state_size(self) -> int:
        """Numbers of state."""
        return 2 * self.units

    def advance(self, x: Any, state: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
        """Return o * bend(c), c with c = f * memory + i * g."""
        output, memory = _parts(state, 2)
        i, f, g, o = _parts(x + ops.matmul(output, kernel) + bias, 4)
        i, f, g, o = ops.sigmoid(i), ops.sigmoid(f), self.bend(g), ops.sigmoid(o)
        memory = f * memory + i * g
        return _joined(o * self.bend(memory), memory), _joined(i, f, g, o)

    def retreat(self, d_state: Any, before: Any, saved: Any, kernel: Any) -> tuple[Any, Any]:
        """Return the gradients of the state, and of i, f, g, o."""
        d_output, d_memory = _parts(d_state, 2)
        _, memory = _parts(before, 2)
        i, f, g, o = _parts(saved, 4)
        bent = self.bend(f * memory + i * g)
        d_memory = d_memory + d_output * o * self.slope(bent)
        d_gates = _joined(
            d_memory * g * i * (1 - i),
            d_memory * memory * f * (1 - f),
            d_memory * i * self.slope(g),
            d_output * bent * o * (1 - o),
        )
        return _joined(ops.matmul(d_gates, ops.transpose(kernel)), d_memory * f), d_gates

    def gradients(self, d_gates: Any, befores: Any, saved: Any) -> tuple[Any, Any, Any]:
        """Return the gradients of x, of the kernel and of the bias, over all steps."""
        outputs = befores[..., : self.units]
        return d_gates, _product(outputs, d_gates), ops.sum(d_gates, axis=(0, 1))


CELLS: dict[str, Callable[[int], Cell]] = {
    "gru": GRU,
    "gru_reset_before": ResetBefore,
    "lstm": LSTM,
    "lstm_sigmoid": partial(LSTM, activation="sigmoid"),
    "lstm_relu": partial(LSTM, activation="relu"),
    "lstm_selu": partial(LSTM, activation="selu"),
}
