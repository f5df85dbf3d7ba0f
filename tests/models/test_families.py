"""Building a family's model, and giving it weights."""

import keras
import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.errors import UserError
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.models.families import assign, build
from rawtone.models.family import Audio

backend.start()

AUDIO = Audio(quantizers.make("mu-law", 16))
SMALL = WaveNet(
    family="wavenet",
    dilations=[1, 2],
    filter_width=2,
    residual_channels=3,
    dilation_channels=3,
    skip_channels=5,
    biases=True,
)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_precision_is_that_of_the_model_alone(precision: str) -> None:
    model = build(SMALL, AUDIO, precision=precision)
    assert {layer.dtype_policy.name for layer in model._flatten_layers()} == {precision}
    assert {variable.dtype for variable in model.variables} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    assert keras.layers.Dense(1).dtype_policy.name == "float32"


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_predicts_about_the_same_in_float32(precision: str) -> None:
    codes = np.arange(20, dtype=np.int32)[None] % 16
    half, full = (build(SMALL, AUDIO, 1, kind)(codes)[0] for kind in (precision, "float32"))
    assert keras.backend.standardize_dtype(half.dtype) == "float32"
    assert not np.array_equal(half, full)
    np.testing.assert_allclose(half, full, atol=0.05)


def test_the_weights_of_another_model_are_refused() -> None:
    model = build(SMALL, AUDIO)
    weights = {variable.path: variable.numpy() for variable in model.weights}
    with pytest.raises(UserError, match=r"another model: .*causal is \(2, 16, 3\).*\(2, 32, 3\)"):
        assign(build(SMALL, Audio(quantizers.make("mu-law", 32))), weights)
    del weights["post0/kernel"]
    with pytest.raises(UserError, match="post0/kernel is missing"):
        assign(model, weights)
