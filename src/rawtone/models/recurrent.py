"""Recurrent layers whose state is explicit: over a sequence from any state, or one step.

Keras's own keep their state in themselves, where it is neither saved nor portable. Here a layer's
state is one tensor, [batch, state_size], that comes in and goes out. Gradients through time are
written by hand: that of the recurrent matrix is then one product over all steps, and a loop needs
no gradient of its own, which XLA on TensorFlow would not give.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rawtone.models.matrices import Matrix, tensor
from rawtone.models.recurrent_cells import CELLS, LSTM, Cell

State = tuple[Any, ...]


def _walk(cell: Cell, projected: Any, first: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
    """Step through time.

    Returns:
        States [time, batch, state_size], and what the way back needs, [time, batch, saved].
    """

    def step(carry: tuple[Any, Any], x: Any) -> Any:
        both = cell.advance(x, carry[0], kernel, bias)
        return both, both  # on TensorFlow what a scan gives has to be shaped like its carry

    nothing = ops.zeros((first.shape[0], 4 * cell.units), dtype=first.dtype)
    states, saved = ops.scan(step, (first, nothing), projected)[1]
    return states, saved


def _walk_back(cell: Cell, upstream: Any, befores: Any, saved: Any, kernel: Any) -> Any:
    """Step back through time.

    Returns:
        The gradient of the first state, and those of the gates, [time, batch, 4 units].
    """

    def step(carry: tuple[Any, Any], xs: tuple[Any, Any, Any]) -> Any:
        given, before, saved = xs
        both = cell.retreat(carry[0] + given, before, saved, kernel)
        return both, both

    nothing = ops.zeros(saved.shape[1:], dtype=saved.dtype)
    start = (ops.zeros_like(befores[0]), nothing)
    (d_first, _), (_, d_gates) = ops.scan(step, start, (upstream, befores, saved), reverse=True)
    return d_first, d_gates


def _through_time(cell: Cell, projected: Any, first: Any, kernel: Any, bias: Any) -> Any:
    """Return the states [time, batch, state_size] of a walk through time.

    Args:
        cell: what a step does.
        projected: [time, batch, gates * units], the inputs times their matrix.
        first: [batch, state_size], the state before.
        kernel: [units, gates * units], the recurrent matrix.
        bias: [gates * units], added to what comes of it.
    """

    def run(projected: Any, first: Any, kernel: Any, bias: Any) -> Any:
        states, saved = _walk(cell, projected, first, kernel, bias)

        def gradient(*args: Any, upstream: Any = None) -> tuple[Any, ...]:
            if upstream is None:
                (upstream,) = args
            befores = ops.concatenate([first[None], states[:-1]], axis=0)
            d_first, d_gates = _walk_back(cell, upstream, befores, saved, kernel)
            d_projected, d_kernel, d_bias = cell.gradients(d_gates, befores, saved)
            return d_projected, d_first, d_kernel, d_bias

        return states, gradient

    return ops.custom_gradient(run)(projected, first, kernel, bias)


class Recurrent(keras.layers.Layer):
    """One recurrent layer.

    Args:
        kind: of cell, one of `recurrent_cells.CELLS`.
        inputs: features that come in.
        units: features that go out.
        name: of the layer.
        weight_norm: whether its matrices have weight normalization.
        forget_bias: at which the bias of an LSTM's forget gate begins.
    """

    def __init__(
        self,
        kind: str,
        inputs: int,
        units: int,
        name: str,
        weight_norm: bool = False,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__(name=name)
        self.cell = CELLS[kind](units)
        self.units = units
        gates = self.cell.gates * units
        self.kernel = Matrix(self, "kernel", (inputs, gates), weight_norm)
        self.recurrent = Matrix(self, "recurrent", (units, gates), weight_norm, "orthogonal")

        def start(shape: Any, dtype: Any) -> Any:
            zeros = ops.zeros(shape, dtype=dtype)
            forget = ops.full(
                (units,), forget_bias if isinstance(self.cell, LSTM) else 0.0, dtype=dtype
            )
            return ops.slice_update(zeros, (units,), forget)

        self.bias = self.add_weight(name="bias", shape=(gates,), initializer=start)
        self.recurrent_bias = None
        if self.cell.biases == 2:
            self.recurrent_bias = self.add_weight(
                name="recurrent_bias", shape=(gates,), initializer="zeros"
            )
        self.built = True

    @property
    def state_size(self) -> int:
        """Numbers of a lane's state: its output, of an LSTM with its memory behind it."""
        return self.cell.state_size

    def _project(self, x: Any) -> Any:
        return ops.matmul(x, self.kernel.value()) + self.bias

    def _recurrence(self) -> tuple[Any, Any]:
        kernel = self.recurrent.value()
        if self.recurrent_bias is None:
            return kernel, ops.zeros((kernel.shape[1],), dtype=kernel.dtype)
        return kernel, tensor(self.recurrent_bias)

    def over_time(self, x: Any, state: Any) -> tuple[Any, Any]:
        """Go through a sequence that has time as its first axis.

        Args:
            x: [time, batch, inputs].
            state: [batch, state_size].

        Returns:
            [time, batch, units], and the state after the last step.
        """
        projected = self._project(x)
        first = ops.cast(state, projected.dtype)
        states = _through_time(self.cell, projected, first, *self._recurrence())
        return states[..., : self.units], states[-1]

    def sequence(self, x: Any, state: Any) -> tuple[Any, Any]:
        """Go through a sequence.

        Args:
            x: [batch, time, inputs].
            state: [batch, state_size].

        Returns:
            [batch, time, units], and the state after the last step.
        """
        outputs, state = self.over_time(ops.swapaxes(x, 0, 1), state)
        return ops.swapaxes(outputs, 0, 1), state

    def step(self, x: Any, state: Any) -> tuple[Any, Any]:
        """Go one step.

        Args:
            x: [batch, inputs].
            state: [batch, state_size].

        Returns:
            [batch, units], and the state after it.
        """
        after, _ = self.cell.advance(self._project(x), state, *self._recurrence())
        return after[:, : self.units], after


class Stack(keras.layers.Layer):
    """Recurrent layers on top of each other.

    Args:
        kind: of cell, as `Recurrent` takes them.
        inputs: features that come in.
        units: of each layer.
        layers: how many.
        name: of the stack; its layers are `<name>_0`, `<name>_1`, …
        weight_norm: whether matrices have weight normalization.
        dropout: share of each layer's inputs that is dropped in training, the same ones at every
            step of a sequence.
        shared_inputs: whether the layers after the first hear the stack's inputs, too.
        forget_bias: at which the bias of an LSTM's forget gate begins.
    """

    def __init__(
        self,
        kind: str,
        inputs: int,
        units: int,
        layers: int,
        name: str,
        weight_norm: bool = False,
        dropout: float = 0.0,
        shared_inputs: bool = False,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__(name=name)
        self.shared_inputs = shared_inputs
        self.dropout = dropout
        if dropout:
            # Keras draws its seed from the process's seed, and would number its name
            self.seeds = keras.random.SeedGenerator(name=f"{name}_dropout")
        sizes = [inputs, *[units + inputs * shared_inputs] * (layers - 1)]
        self.layers = [
            Recurrent(kind, size, units, f"{name}_{index}", weight_norm, forget_bias)
            for index, size in enumerate(sizes)
        ]
        self.built = True

    def initial_state(self, batch: int) -> State:
        """Return zeros for each layer, float32 [batch, state_size]."""
        return tuple(ops.zeros((batch, layer.state_size)) for layer in self.layers)

    def _hear(self, x: Any, below: Any) -> Any:
        if below is None:
            return x
        return ops.concatenate([below, x], axis=-1) if self.shared_inputs else below

    def _drop(self, x: Any, training: bool) -> Any:
        if not (training and self.dropout):
            return x
        mask = keras.random.dropout(
            ops.ones((1, *x.shape[1:]), dtype=x.dtype), self.dropout, seed=self.seeds
        )
        return x * mask

    def sequence(
        self, x: Any, state: Sequence[Any], training: bool = False
    ) -> tuple[list[Any], State]:
        """Go through a sequence.

        Args:
            x: [batch, time, inputs].
            state: [batch, state_size] of each layer.
            training: whether to drop.

        Returns:
            The outputs of each layer, [batch, time, units], and the states after the last step.
        """
        x = ops.swapaxes(x, 0, 1)
        outputs: list[Any] = [None]
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            heard = self._drop(self._hear(x, outputs[-1]), training)
            output, left = layer.over_time(heard, before)
            outputs.append(output)
            after.append(left)
        return [ops.swapaxes(output, 0, 1) for output in outputs[1:]], tuple(after)

    def step(self, x: Any, state: Sequence[Any]) -> tuple[list[Any], State]:
        """Go one step.

        Args:
            x: [batch, inputs].
            state: [batch, state_size] of each layer.

        Returns:
            The outputs of each layer, [batch, units], and the states after them.
        """
        outputs: list[Any] = [None]
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            output, left = layer.step(self._hear(x, outputs[-1]), before)
            outputs.append(output)
            after.append(left)
        return outputs[1:], tuple(after)
