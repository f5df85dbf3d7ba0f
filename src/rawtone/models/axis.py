"""The axis from -1 to 1 on which all cells of a quantizer are equally wide.

It is the companded one of mu-law and A-law, the linear one otherwise.
"""

from typing import Any

from keras import ops

from rawtone.audio.quantizers import Quantizer


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
