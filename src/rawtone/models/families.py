"""The families of models by name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
from numpy.typing import NDArray

from rawtone.errors import UserError
from rawtone.models.family import Audio, Family
from rawtone.models.lpc_lru import LpcLru
from rawtone.models.next_sample import NextSample
from rawtone.models.samplernn import SampleRNN
from rawtone.models.spectral import Spectral
from rawtone.models.wavenet import WaveNet

FAMILIES: dict[str, Any] = {
    "lpc_lru": LpcLru,
    "next_sample": NextSample,
    "samplernn": SampleRNN,
    "spectral": Spectral,
    "wavenet": WaveNet,
}


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build(settings: Any, audio: Audio, seed: int = 0, precision: str = "float32") -> Family:
    """Build a family's model with freshly drawn weights.

    Args:
        settings: of the family.
        audio: what it hears and makes.
        seed: decides the weights.
        precision: a Keras dtype policy: what the parallel form computes in. Weights are float32.
    """
    keras.utils.set_random_seed(seed)
    with _computing_in(precision):
        model: Family = FAMILIES[settings.family](settings, audio)
        return model


def assign(model: Any, weights: Mapping[str, NDArray[Any]]) -> None:
    """Give a model a checkpoint's weights, named by the paths of its variables.

    Raises:
        UserError: they are of another model.
    """
    for variable in model.weights:
        found = weights[variable.path].shape if variable.path in weights else "missing"
        if found != tuple(variable.shape):
            raise UserError(
                f"the weights are of another model: {variable.path} is {found}, and shape "
                f"{tuple(variable.shape)} is expected; set model as it was when they were trained"
            )
        variable.assign(weights[variable.path])
