"""Matrices of a layer, if asked with weight normalization (Salimans and Kingma 2016)."""

from typing import Any

import keras
from keras import ops


def tensor(variable: Any) -> Any:
    """Return the value of a variable, and not, as TensorFlow does when asked, the variable."""
    return ops.copy(variable)


class Matrix:
    """A matrix of a layer, or a pile of them, [..., inputs, outputs].

    Args:
        layer: that it is a weight of.
        name: in the layer; its gain is called `<name>_gain`.
        shape: the last axis is that of the outputs.
        normed: whether each column w of it is g * w / |w|, with a gain g that is learned, too, and
            begins as |w|.
        initializer: as Keras takes them.
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        name: str,
        shape: tuple[int, ...],
        normed: bool = False,
        initializer: Any = "glorot_uniform",
    ) -> None:
        self.weight = layer.add_weight(name=name, shape=shape, initializer=initializer)
        self.gain = None
        if normed:
            self.gain = layer.add_weight(
                name=f"{name}_gain",
                shape=shape[-1:],
                initializer=lambda _, dtype: ops.cast(self._lengths(), dtype),
            )

    def _lengths(self) -> Any:
        squares = ops.square(self.weight)
        return ops.sqrt(ops.sum(squares, axis=tuple(range(len(squares.shape) - 1))))

    def value(self) -> Any:
        """Return the matrix as a tensor."""
        if self.gain is None:
            return tensor(self.weight)
        return self.weight * (self.gain / self._lengths())


class Linear(keras.layers.Layer):
    """Multiplies by a matrix, and adds a bias.

    Args:
        inputs: features that come in.
        outputs: features that go out.
        name: of the layer.
        bias: whether there is one.
        normed: whether the matrix has weight normalization.
        initializer: of the matrix, as Keras takes them.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        name: str,
        bias: bool = True,
        normed: bool = False,
        initializer: Any = "glorot_uniform",
    ) -> None:
        super().__init__(name=name)
        self.kernel = Matrix(self, "kernel", (inputs, outputs), normed, initializer)
        self.bias = None
        if bias:
            self.bias = self.add_weight(name="bias", shape=(outputs,), initializer="zeros")
        self.built = True

    def call(self, x: Any) -> Any:
        """Return [..., outputs] for [..., inputs]."""
        y = ops.matmul(x, self.kernel.value())
        return y if self.bias is None else y + self.bias
