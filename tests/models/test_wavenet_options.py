"""WaveNet with labels, scalar input and any filter: published sizes, and one model in two forms."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.models.family import Audio, Family

backend.start()

from keras import ops  # noqa: E402

from rawtone.models.families import build  # noqa: E402

TEN = [2**i for i in range(10)]
DEFAULT = {
    "family": "wavenet",
    "dilations": TEN * 5,
    "filter_width": 2,
    "residual_channels": 32,
    "dilation_channels": 32,
    "skip_channels": 512,
    "biases": True,
}
SMALL = {"residual_channels": 5, "dilation_channels": 4, "skip_channels": 6}
MU_LAW = quantizers.make("mu-law", 256)


def sizes(**changed: Any) -> WaveNet:
    """Return tensorflow-wavenet's default settings with some changed."""
    return WaveNet.model_validate(DEFAULT | changed)


def randomized(model: Family, seed: int) -> np.random.Generator:
    """Give a model weights of which none is zero, and return where they came from."""
    random = np.random.default_rng(seed)
    for variable in model.weights:
        variable.assign(random.normal(size=variable.shape, scale=0.5))
    return random


@pytest.mark.parametrize(
    ("changed", "labels", "parameters"),
    [
        ({}, 0, 1_515_968),
        ({"biases": False}, 0, 1_484_800),
        ({"global_channels": 32}, 5, 1_618_528),
        ({"global_channels": 32}, 377, 1_630_432),
        ({"scalar_input": True}, 0, 1_500_608),
        ({"dilations": TEN * 2, "skip_channels": 128}, 0, 254_720),
    ],
)
def test_parameter_counts_are_those_of_tensorflow_wavenet(
    changed: dict[str, Any], labels: int, parameters: int
) -> None:
    assert build(sizes(**changed), Audio(MU_LAW, labels=labels)).count_params() == parameters


def test_the_receptive_field_is_that_of_tensorflow_wavenet() -> None:
    """(fw - 1) sum(dilations) + 1, and what the first filter adds to it."""
    assert sizes().context == 5117
    assert sizes(scalar_input=True).context == 5116 + 31
    assert sizes(filter_width=3, dilations=[1, 2]).context == 2 * 3 + 1 + 2
    assert sizes(initial_filter_width=9).context == 5117


options = {
    "dilations": st.lists(st.integers(1, 9), min_size=1, max_size=4),
    "filter_width": st.integers(2, 4),
    "biases": st.booleans(),
    "scalar_input": st.booleans(),
    "initial_filter_width": st.integers(1, 6),
    "global_channels": st.sampled_from([None, 3, 7]),
    "output": st.sampled_from(
        [
            {"kind": "softmax"},
            {"kind": "two_stage", "hidden": 5},
            {"kind": "logistics", "components": 3},
            {"kind": "regression"},
        ]
    ),
}
kinds = st.sampled_from([("mu-law", 256), ("linear", 16), ("a-law", 300)])


@settings(max_examples=8, deadline=None)
@given(changed=st.fixed_dictionaries(options), kind=kinds, seed=st.integers(0, 1000))
def test_streaming_form_predicts_what_the_parallel_form_predicts(
    changed: dict[str, Any], kind: tuple[Any, int], seed: int
) -> None:
    """Over all settings, labels, heads and quantizers; from silence on."""
    codec = quantizers.make(*kind)
    model = build(sizes(**SMALL, **changed), Audio(codec, labels=3))
    random = randomized(model, seed)
    heard = random.integers(0, codec.levels, (2, 12)).astype("int32")
    labels = random.integers(0, 3, 2).astype("int32")
    silence = np.full((2, model.settings.context - 1), codec.silence, dtype="int32")

    parallel, _ = model(np.concatenate([silence, heard], axis=1), (), labels)
    state, streamed = model.initial_state(2, labels), []
    for code in heard.T:
        features, state = model.step(state, code)
        streamed.append(ops.convert_to_numpy(features))

    expected = ops.convert_to_numpy(parallel)
    np.testing.assert_allclose(np.stack(streamed, axis=1), expected, atol=2e-5, rtol=1e-5)


def test_a_label_can_change_while_generating() -> None:
    """From then on the new one is heard; what was made before is not made anew."""
    model = build(sizes(dilations=[1, 2], global_channels=3, **SMALL), Audio(MU_LAW, labels=2))
    randomized(model, 0)
    first, second = np.array([0], "int32"), np.array([1], "int32")
    count, past, _, *rings = model.initial_state(1, first)
    changed = (count, past, model.conditioning(second), *rings)
    told = [(count, past, model.conditioning(first), *rings), changed, changed]
    code = np.array([200], "int32")
    one, two, again = (ops.convert_to_numpy(model.step(state, code)[0]) for state in told)
    assert np.abs(one - two).max() > 0.01
    np.testing.assert_array_equal(two, again)


def test_labels_begin_apart_where_there_are_as_many_as_channels() -> None:
    """As published: the identity, where the table is square."""
    model = build(sizes(dilations=[1], global_channels=4, **SMALL), Audio(MU_LAW, labels=4))
    np.testing.assert_array_equal(ops.convert_to_numpy(model.embedding + 0), np.eye(4))


def test_a_model_that_is_told_labels_needs_to_know_how_many() -> None:
    with pytest.raises(ValueError, match="labels=0"):
        build(sizes(dilations=[1], global_channels=4, **SMALL), Audio(MU_LAW))


@pytest.mark.parametrize("changed", [{"scalar_input": True}, {"global_channels": 3}])
def test_every_trainable_weight_learns(changed: dict[str, Any]) -> None:
    """A weight without a gradient would be a part that is drawn but not connected."""
    import tensorflow

    model = build(sizes(dilations=[1, 2], **SMALL, **changed), Audio(MU_LAW, labels=2))
    codes = np.arange(model.settings.context + 20, dtype="int32")[None] % 256
    with tensorflow.GradientTape() as tape:
        features, _ = model(codes, (), np.array([1], "int32"))
        loss = tensorflow.reduce_sum(features**2)
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    assert all(gradient is not None for gradient in gradients)


def test_scalar_input_hears_65536_levels_through_few_weights() -> None:
    """So with a head for many levels there is no table of a row for each."""
    codec = quantizers.make("linear", 65536)
    many = {"scalar_input": True, "output": {"kind": "logistics", "components": 4}}
    model = build(sizes(dilations=[1, 2], **SMALL, **many), Audio(codec))
    assert model.causal.shape == (32, 1, 5)
    assert model.count_params() < 1000
    codes = np.random.default_rng(0).integers(0, 65536, (1, model.settings.context + 9))
    features, _ = model(codes.astype("int32"))
    losses = ops.convert_to_numpy(model.head.loss(features, codes[:, -10:].astype("int32")))
    assert np.isfinite(losses).all()


def test_paths_of_weights_are_the_same_however_many_models_there_were() -> None:
    audio = Audio(MU_LAW, labels=2)
    one, two = (build(sizes(dilations=[1, 2], global_channels=3), audio) for _ in range(2))
    paths = [variable.path for variable in one.weights]
    assert paths == [variable.path for variable in two.weights]
    assert len(set(paths)) == len(paths)
