"""Linear recurrences over a whole sequence at once, by doubling (Hillis & Steele 1986).

y[j] = a[j] y[j - 1] + x[j] over n steps takes log2(n) passes over the sequence, each of elementwise
operations that any backend compiles and differentiates.
"""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray


def _later(x: Any, steps: int, fill: float) -> Any:
    """Return x [batch, n, …] shifted to later steps, what was before filled."""
    before = ops.full((x.shape[0], steps, *x.shape[2:]), fill, dtype=x.dtype)
    return ops.concatenate([before, x[:, :-steps]], axis=1)


def gated(a: Any, x: Any, before: Any) -> Any:
    """Run y[j] = a[j] y[j - 1] + x[j], elementwise.

    Args:
        a: float32 [batch, n, …], from 0 to 1.
        x: like `a`.
        before: y[-1], [batch, …].

    Returns:
        y, like `x`.
    """
    x = ops.concatenate([x[:, :1] + a[:, :1] * before[:, None], x[:, 1:]], axis=1)
    steps = 1
    while steps < x.shape[1]:
        x = x + a * _later(x, steps, 0.0)
        a = a * _later(a, steps, 1.0)
        steps *= 2
    return x


def constant(matrix: NDArray[np.float64], x: Any, before: Any) -> Any:
    """Run y[j] = matrix y[j - 1] + x[j], the same matrix at every step.

    Args:
        matrix: [size, size], for the axis after the steps.
        x: float32 [batch, n, size, …].
        before: y[-1], [batch, size, …].

    Returns:
        y, like `x`.
    """
    x = ops.concatenate([x[:, :1] + _times(matrix, before[:, None]), x[:, 1:]], axis=1)
    steps, power = 1, matrix
    while steps < x.shape[1]:
        x = x + _later(_times(power, x), steps, 0.0)
        steps, power = 2 * steps, power @ power
    return x


def turning(poles: NDArray[np.complex128], x: Any, before: Any) -> Any:
    """Run y[j] = poles y[j - 1] + x[j], elementwise in complex numbers.

    Args:
        poles: [size], the same at every step.
        x: float32 [batch, n, 2, size], real and imaginary parts.
        before: y[-1], [batch, 2, size].

    Returns:
        y, like `x`.
    """
    x = ops.concatenate([x[:, :1] + _turned(poles, before[:, None]), x[:, 1:]], axis=1)
    steps, power = 1, poles
    while steps < x.shape[1]:
        x = x + _later(_turned(power, x), steps, 0.0)
        steps, power = 2 * steps, power * power
    return x


def _turned(poles: NDArray[np.complex128], x: Any) -> Any:
    by = ops.convert_to_tensor(np.stack([poles.real, poles.imag]), "float32")
    real, imaginary = x[..., 0, :], x[..., 1, :]
    return ops.stack([real * by[0] - imaginary * by[1], real * by[1] + imaginary * by[0]], axis=-2)


def _times(matrix: NDArray[np.float64], x: Any) -> Any:
    return ops.einsum("pq,bnq...->bnp...", ops.convert_to_tensor(matrix, "float32"), x)
