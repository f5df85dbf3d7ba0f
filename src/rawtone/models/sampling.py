"""From logits to a code, by inverse CDF."""

from typing import Any

from keras import ops


def choose(logits: Any, temperature: Any, uniform: Any) -> Any:
    """Draw a code from each stream's distribution.

    Args:
        logits: float32 [batch, levels].
        temperature: float32 [batch]; divides the logits, 0 takes the likeliest code.
        uniform: float32 [batch] in [0, 1).

    Returns:
        int32 [batch]: the smallest code whose cumulative probability exceeds the uniform number.
    """
    shifted = logits - ops.max(logits, axis=-1, keepdims=True)
    safe = ops.where(temperature > 0, temperature, 1.0)
    cumulative = ops.cumsum(ops.exp(shifted / safe[:, None]), axis=-1)
    below = cumulative <= uniform[:, None] * cumulative[:, -1:]
    drawn = ops.sum(ops.cast(below, "int32"), axis=-1)
    likeliest = ops.cast(ops.argmax(logits, axis=-1), "int32")
    return ops.where(temperature > 0, ops.minimum(drawn, logits.shape[-1] - 1), likeliest)
