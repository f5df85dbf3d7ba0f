"""WaveNet: the published sizes, and one model in two forms."""

from importlib import resources

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.models.families import build
from rawtone.models.family import Audio

backend.start()

TEN = [2**i for i in range(10)]


def audio(levels: int = 256) -> Audio:
    """Return what a model hears."""
    return Audio(quantizers.make("mu-law", levels))


def sizes(**changed: object) -> WaveNet:
    """Return tensorflow-wavenet's default settings with some changed."""
    default = {
        "family": "wavenet",
        "dilations": TEN * 5,
        "filter_width": 2,
        "residual_channels": 32,
        "dilation_channels": 32,
        "skip_channels": 512,
        "biases": True,
    }
    return WaveNet.model_validate(default | changed)


@pytest.mark.parametrize(
    ("changed", "parameters"),
    [
        ({}, 1_515_968),
        ({"biases": False}, 1_484_800),
        ({"dilations": TEN * 2, "skip_channels": 128}, 254_720),
    ],
)
def test_parameter_counts_are_the_published_ones(
    changed: dict[str, object], parameters: int
) -> None:
    assert build(sizes(**changed), audio()).count_params() == parameters


def test_the_default_preset_is_the_published_network() -> None:
    text = resources.files("rawtone.presets").joinpath("wavenet-default.yaml").read_text()
    settings = WaveNet.model_validate(yaml.safe_load(text)["model"])
    assert build(settings, audio()).count_params() == 1_515_968


def test_receptive_field_is_the_published_one() -> None:
    assert sizes().context == 5117


@settings(max_examples=8, deadline=None)
@given(
    dilations=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    width=st.integers(2, 4),
    biases=st.booleans(),
    levels=st.sampled_from([16, 256]),
    seed=st.integers(0, 1000),
)
def test_streaming_form_predicts_what_the_parallel_form_predicts(
    dilations: list[int], width: int, biases: bool, levels: int, seed: int
) -> None:
    small = {"residual_channels": 5, "dilation_channels": 4, "skip_channels": 6}
    model = build(
        sizes(dilations=dilations, filter_width=width, biases=biases, **small), audio(levels), seed
    )
    random = np.random.default_rng(seed)
    for variable in model.variables:
        variable.assign(random.normal(size=variable.shape, scale=0.5))
    heard = random.integers(0, levels, (2, 12)).astype("int32")
    silence = np.full((2, model.settings.context - 1), model.audio.quantizer.silence, dtype="int32")

    parallel = np.asarray(model(np.concatenate([silence, heard], axis=1))[0])
    state, streamed = model.initial_state(2), []
    for code in heard.T:
        logits, state = model.step(state, code)
        streamed.append(np.asarray(logits))

    np.testing.assert_allclose(np.stack(streamed, axis=1), parallel, atol=2e-5)


def test_every_trainable_weight_learns() -> None:
    """A weight without a gradient would be a part that is drawn but not connected."""
    import tensorflow

    model = build(sizes(dilations=[1, 2], skip_channels=4), audio(16))
    codes = np.arange(model.settings.context + 20)[None] % 16
    with tensorflow.GradientTape() as tape:
        loss = tensorflow.reduce_sum(model(codes)[0] ** 2)
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    assert all(gradient is not None for gradient in gradients)
