"""LSTM and Conv-LSTM: the published sizes, and one model in two forms."""

from importlib import resources

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone import model_settings
from rawtone.audio.quantizers import make
from rawtone.models import backend

backend.start()

from keras import ops  # noqa: E402

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio, Family  # noqa: E402


def model(levels: int = 256, kind: str = "mu-law", seed: int = 0, **changed: object) -> Family:
    """Return wav-nn's LSTM with some settings changed."""
    published = {"family": "next_sample", "units": [256, 64], "output": {"kind": "regression"}}
    chosen = model_settings.model(published | changed)
    return build(chosen, Audio(make(kind, levels)), seed)


def randomize(model: Family, seed: int) -> np.random.Generator:
    """Give a model weights that leave nothing near zero."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        variable.assign(random.normal(size=variable.shape, scale=0.5))
    return random


@pytest.mark.parametrize(
    ("changed", "parameters"),
    [({}, 346_433), ({"convolution": {"filters": 32, "width": 5}}, 378_369)],
)
@pytest.mark.parametrize(("kind", "levels"), [("linear", 256), ("linear", 65536)])
def test_parameter_counts_are_the_published_ones(
    changed: dict[str, object], parameters: int, kind: str, levels: int
) -> None:
    """Whether audio has 8 bits or 16: a sample is one number."""
    assert model(levels, kind, **changed).count_params() == parameters


@pytest.mark.parametrize(
    ("preset", "parameters"), [("wav-nn-lstm", 346_433), ("wav-nn-conv-lstm", 378_369)]
)
def test_the_presets_are_the_published_networks(preset: str, parameters: int) -> None:
    text = resources.files("rawtone.presets").joinpath(f"{preset}.yaml").read_text()
    table = yaml.safe_load(text)
    net = build(model_settings.model(table["model"]), Audio(make(**table["quantizer"])))
    assert net.count_params() == parameters


@settings(max_examples=8, deadline=None)
@given(
    units=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    width=st.one_of(st.none(), st.integers(2, 6)),
    embedding=st.one_of(st.none(), st.integers(1, 4)),
    output=st.sampled_from(
        [
            {"kind": "softmax"},
            {"kind": "regression"},
            {"kind": "two_stage", "hidden": 3},
            {"kind": "logistics", "components": 2},
        ]
    ),
    levels=st.sampled_from([16, 255, 1000]),
    seed=st.integers(0, 1000),
)
def test_streaming_form_predicts_what_the_parallel_form_predicts(
    units: list[int],
    width: int | None,
    embedding: int | None,
    output: dict[str, object],
    levels: int,
    seed: int,
) -> None:
    convolution = {"filters": 3, "width": width} if width else None
    net = model(
        levels, units=units, convolution=convolution, embedding=embedding, output=output, seed=seed
    )
    random = randomize(net, seed)
    heard = random.integers(0, levels, (2, 9)).astype("int32")
    silence = np.full((2, net.settings.context - 1), net.audio.quantizer.silence, "int32")

    parallel, _ = net(np.concatenate([silence, heard], axis=1), net.initial_carry(2))
    state, streamed = net.initial_state(2), []
    for code in heard.T:
        features, state = net.step(state, code)
        streamed.append(ops.convert_to_numpy(features))

    np.testing.assert_allclose(
        np.stack(streamed, axis=1), ops.convert_to_numpy(parallel), atol=2e-5
    )


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(1, 10), width=st.sampled_from([None, 4]), seed=st.integers(0, 1000))
def test_what_is_carried_makes_two_windows_one(cut: int, width: int | None, seed: int) -> None:
    convolution = {"filters": 3, "width": width} if width else None
    net = model(units=[4, 3], convolution=convolution)
    codes = randomize(net, seed).integers(0, 256, (2, net.settings.context + 10)).astype("int32")
    whole, left = net(codes, net.initial_carry(2))

    first, carry = net(codes[:, : net.settings.context - 1 + cut], net.initial_carry(2))
    second, carry = net(codes[:, cut:], carry)

    both = np.concatenate([ops.convert_to_numpy(part) for part in (first, second)], axis=1)
    np.testing.assert_allclose(both, ops.convert_to_numpy(whole), atol=2e-6)
    for one, other in zip(carry, left, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(other), atol=2e-6
        )


def test_every_weight_learns() -> None:
    """A weight without a gradient would be a part that is drawn but not connected."""
    import tensorflow

    net = model(
        units=[3, 2],
        embedding=2,
        convolution={"filters": 8, "width": 3},
        output={"kind": "two_stage", "hidden": 8},
    )
    codes = np.arange(60)[None].astype("int32") * 4
    with tensorflow.GradientTape() as tape:
        features, _ = net(codes, net.initial_carry(1))
        loss = tensorflow.reduce_sum(net.head.loss(features, codes[:, : features.shape[1]]))
    gradients = tape.gradient(loss, [v.value for v in net.trainable_variables])
    for gradient in gradients:
        assert np.abs(tensorflow.convert_to_tensor(gradient).numpy()).max() > 0


def test_paths_name_weights_the_same_in_every_model() -> None:
    first, second = (model(embedding=4, convolution={"filters": 2, "width": 2}) for _ in range(2))
    paths = [variable.path for variable in first.variables]
    assert paths == [variable.path for variable in second.variables]
    assert len(set(paths)) == len(paths)
