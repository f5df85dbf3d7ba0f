"""Convolutions over codes: of their rows in a table, or of their embeddings."""

from typing import Any

from keras import ops


def sum_of_rows(rows: Any, codes: Any) -> Any:
    """Convolve one-hot codes: add up what each of the last codes says.

    Args:
        rows: [taps, levels, outputs]; the last tap is the newest code.
        codes: int32 [batch, taps - 1 + time].

    Returns:
        [batch, time, outputs].
    """
    taps = rows.shape[0]
    time = codes.shape[1] - taps + 1
    return sum(ops.take(rows[k], codes[:, k : k + time], axis=0) for k in range(taps))


def convolved(x: Any, kernel: Any) -> Any:
    """Convolve features.

    Args:
        x: [batch, taps - 1 + time, inputs].
        kernel: [taps, inputs, outputs].

    Returns:
        [batch, time, outputs].
    """
    taps = kernel.shape[0]
    time = x.shape[1] - taps + 1
    return sum(ops.matmul(x[:, k : k + time], kernel[k]) for k in range(taps))
