"""The families of models by name."""

from collections.abc import Mapping
from typing import Any

import keras
from numpy.typing import NDArray

from rawtone.models.wavenet import WaveNet
from rawtone.settings import WaveNet as WaveNetSettings


def build(settings: WaveNetSettings, levels: int, seed: int = 0) -> Any:
    """Build a family's model with freshly drawn weights.

    Args:
        settings: of the family.
        levels: number of codes.
        seed: decides the weights.
    """
    keras.utils.set_random_seed(seed)
    return WaveNet(settings, levels)


def assign(model: Any, weights: Mapping[str, NDArray[Any]]) -> None:
    """Give a model a checkpoint's weights, named by the paths of its variables."""
    for variable in model.variables:
        variable.assign(weights[variable.path])
