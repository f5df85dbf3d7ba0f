"""The axis from -1 to 1 on which all cells of a quantizer are equally wide.

It is the companded one of mu-law and A-law, the linear one otherwise.
"""

import math
from typing import Any

from keras import ops

from rawtone.audio.quantizers import A, Quantizer


def position(codes: Any, quantizer: Quantizer) -> Any:
    """Return where codes stand, float32 of the same shape.

    Args:
        codes: int32 of any shape.
        quantizer: that made them.
    """
    return ops.cast(codes, "float32") * (2.0 / quantizer.steps) - 1.0


def nearest(positions: Any, quantizer: Quantizer) -> Any:
    """Return the codes that stand nearest, int32 of the same shape.

    Args:
        positions: float32 of any shape; those beyond the ends get the codes of the ends.
        quantizer: that makes codes.
    """
    codes = ops.floor((positions + 1.0) * (quantizer.steps / 2.0) + 0.5)
    return ops.cast(ops.clip(codes, 0, quantizer.levels - 1), "int32")


def place(samples: Any, quantizer: Quantizer) -> Any:
    """Return where samples stand, float32 of the same shape: not rounded to codes.

    Args:
        samples: float32 of any shape; those beyond -1 and 1 are clipped.
        quantizer: whose axis it is.
    """
    size = ops.minimum(ops.abs(samples), 1.0)
    if quantizer.kind == "mu-law":
        mu = quantizer.levels - 1.0
        size = ops.log1p(mu * size) / math.log1p(mu)
    elif quantizer.kind == "a-law":
        large = 1.0 + ops.log(ops.maximum(A * size, 1.0))
        size = ops.where(size < 1 / A, A * size, large) / (1.0 + math.log(A))
    return ops.sign(samples) * size
