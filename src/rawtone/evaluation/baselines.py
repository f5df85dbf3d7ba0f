"""What needs no model to be trained, on the very samples that checkpoints are scored on."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawtone.audio import quantizers
from rawtone.audio.quantizers import Quantizer
from rawtone.evaluation.bits import entropy_bits, flac_bits, order_1_bits
from rawtone.evaluation.held_out import HeldOut
from rawtone.evaluation.linear_prediction import linear_prediction_bits
from rawtone.evaluation.squares import repetition_error, silence_error

Codes = NDArray[np.int32]


def baselines(heard: Mapping[str, HeldOut], density: bool) -> dict[str, Any]:
    """Measure what a model has to beat, on each split.

    Args:
        heard: what checkpoints are scored on, by split; at least one.
        density: whether the model gives probabilities; if not, guesses stand beside it, too.

    Returns:
        JSON: bits of a sample by split, those of knowing nothing, and how many samples these are.
    """
    some = next(iter(heard.values()))
    codec, rate = quantizers.make(**some.config["quantizer"]), some.chunks.sample_rate
    codes = {split: part.codes for split, part in heard.items()}
    found = {
        "flac_bits": lambda these: flac_bits(these, codec.levels, rate),
        "linear_prediction_bits": lambda these: linear_prediction_bits(these, codec),
        "entropy_bits": lambda these: entropy_bits(these, codec.levels),
        "order_1_bits": lambda these: order_1_bits(these, codec.levels),
    }
    bits = {name: _rounded(measured, codes) for name, measured in found.items()}
    return (
        bits
        | ({} if density else _squares(codes, codec))
        | {
            "uniform_bits": round(float(np.log2(codec.levels)), 4),
            "samples": {split: len(these) for split, these in codes.items()},
        }
    )


def _rounded(bits: Callable[[Codes], float], codes: Mapping[str, Codes]) -> dict[str, float]:
    return {split: round(bits(these), 4) for split, these in codes.items()}


def _squares(codes: Mapping[str, Codes], codec: Quantizer) -> dict[str, dict[str, float]]:
    errors = {"repetition_loss": repetition_error, "silence_loss": silence_error}
    return {
        name: {split: float(f"{error(these, codec):.6g}") for split, these in codes.items()}
        for name, error in errors.items()
    }
