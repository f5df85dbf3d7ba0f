"""From logits to a code, by inverse CDF."""

from typing import Any

from keras import ops


def choose(logits: Any, temperature: Any, uniform: Any, top_p: Any = None) -> Any:
    """Draw a code from each stream's distribution.

    Args:
        logits: float32 [batch, levels].
        temperature: float32 [batch]; divides the logits, 0 takes the likeliest code.
        uniform: float32 [batch] in [0, 1).
        top_p: float32 [batch], see `nucleus`; None keeps all codes.

    Returns:
        int32 [batch]: the smallest code whose cumulative probability exceeds the uniform number.
    """
    shifted = logits - ops.max(logits, axis=-1, keepdims=True)
    safe = ops.where(temperature > 0, temperature, 1.0)
    shares = ops.exp(shifted / safe[:, None])
    if top_p is not None:
        shares = ops.where(nucleus(shares, top_p), shares, 0.0)
    cumulative = ops.cumsum(shares, axis=-1)
    below = cumulative <= uniform[:, None] * cumulative[:, -1:]
    drawn = ops.sum(ops.cast(below, "int32"), axis=-1)
    likeliest = ops.cast(ops.argmax(logits, axis=-1), "int32")
    return ops.where(temperature > 0, ops.minimum(drawn, logits.shape[-1] - 1), likeliest)


def nucleus(shares: Any, top_p: Any) -> Any:
    """Tell which codes top-p keeps (Holtzman et al. 2020).

    They are as few of the likeliest codes as have the share `top_p` of all probability, and those
    that are as likely as the last of them.

    Args:
        shares: float32 [batch, levels], not negative; their sums do not matter.
        top_p: float32 [batch]; 1 keeps all codes.

    Returns:
        bool [batch, levels].
    """
    descending = ops.flip(ops.sort(shares, axis=-1), axis=-1)
    cumulative = ops.cumsum(descending, axis=-1)
    before = ops.cast(cumulative < top_p[:, None] * cumulative[:, -1:], "int32")
    last = ops.minimum(ops.sum(before, axis=-1, keepdims=True), shares.shape[-1] - 1)
    least = ops.take_along_axis(descending, last, axis=-1)
    return ops.logical_or(shares >= least, top_p[:, None] >= 1.0)
