"""SampleRNN: the published sizes, and one model in two forms."""

from importlib import resources
from typing import Any

import keras
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from pydantic import ValidationError

from rawtone.audio import quantizers
from rawtone.model_settings import SampleRNN as Settings
from rawtone.models import backend
from rawtone.settings import Experiment
from tests import trainings

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402
from rawtone.models.samplernn import SampleRNN  # noqa: E402
from rawtone.training.batches import Batch  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

MU_LAW = Audio(quantizers.make("mu-law", 256))
WIDTH = 1024


def sizes(**changed: object) -> Settings:
    """Return the settings of PRiSM's default.config.json with some changed."""
    default = {
        "family": "samplernn",
        "frame_sizes": [16, 64],
        "variant": "prism",
        "dim": WIDTH,
        "rnn": "gru",
        "rnn_layers": 4,
        "embedding": 256,
        "skip_connections": False,
        "learned_initial_state": False,
        "weight_norm": False,
    }
    return Settings.model_validate(default | changed)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all weights be zero: big matrices take long to draw."""
    add = keras.layers.Layer.add_weight

    def with_zeros(layer: keras.layers.Layer, **options: Any) -> Any:
        return add(layer, **options | {"initializer": "zeros"})

    monkeypatch.setattr(keras.layers.Layer, "add_weight", with_zeros)


def parameters(settings: Settings) -> int:
    """Return how many a model has."""
    return int(SampleRNN(settings, MU_LAW).count_params())


# With skip connections PRiSM's first layers hear their input twice over, side by side: a matrix of
# 2 dim columns that does what one of dim does. That half is not there.
TWICE_HEARD_BY_GRU, TWICE_HEARD_BY_LSTM = 3 * WIDTH**2, 4 * WIDTH**2
TWO_TIERS: dict[str, object] = {"frame_sizes": [16], "rnn": "lstm", "rnn_layers": 5}
DADABOTS: dict[str, object] = {"variant": "dadabots", "frame_sizes": [16], "weight_norm": True}
BEST: dict[str, object] = DADABOTS | {"rnn": "lstm", "rnn_layers": 5, "skip_connections": True}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("changed", "published"),
    [
        ({}, 78_057_728),
        ({"rnn": "lstm"}, 94_818_560),
        ({"skip_connections": True}, 92_739_840 - 2 * TWICE_HEARD_BY_GRU),
        ({"rnn_layers": 5}, 90_652_928),
        ({"dim": 256, "rnn_layers": 2}, 4_222_208),
        ({"frame_sizes": [2, 8], "rnn_layers": 1}, 21_850_368),
        (TWO_TIERS | {"mlp_layers": 1}, 64_329_984),
        (
            TWO_TIERS | {"mlp_layers": 1, "skip_connections": True},
            73_768_192 - TWICE_HEARD_BY_LSTM,
        ),
        (BEST, 66_821_632),
        (BEST | {"weight_norm": False}, 66_755_840),
        (DADABOTS | {"rnn_layers": 3, "learned_initial_state": True}, 39_243_264),
    ],
)
def test_parameter_counts_are_the_published_ones(
    changed: dict[str, object], published: int
) -> None:
    assert parameters(sizes(**changed)) == published


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("changed", "tiers"),
    [
        ({}, [41_985_024, 29_451_264, 6_621_440]),
        ({"rnn": "lstm"}, [50_365_440, 37_831_680, 6_621_440]),
        ({"rnn_layers": 5}, [48_282_624, 35_748_864, 6_621_440]),
        ({"dim": 256, "rnn_layers": 2}, [1_842_432, 1_068_288, 1_311_488]),
        (BEST, [60_196_864, 6_624_768]),
    ],
)
def test_each_tier_has_its_published_parameters(
    changed: dict[str, object], tiers: list[int]
) -> None:
    model = SampleRNN(sizes(**changed), MU_LAW)
    assert [tier.count_params() for tier in [*model.tiers, model.samples]] == tiers


@pytest.mark.usefixtures("undrawn")
def test_the_size_of_the_embedding_is_the_one_asked_for() -> None:
    """PRiSM reads it and takes as many numbers as there are levels."""
    fewer = 256 * (256 - 8) + 16 * (256 - 8) * WIDTH
    assert parameters(sizes(embedding=8)) == 78_057_728 - fewer
    assert parameters(sizes(embedding=None)) == 78_057_728 - 256 * 256


PRESETS = {
    "samplernn-prism": 78_057_728,
    "samplernn-dadabots": 66_821_632,
    "sharks-5-layers": 90_652_928,
    "sharks-two-tier": 64_329_984,
    "sharks-overfit-one-song": 90_652_928,
    "sharks-mu-law": 90_652_928,
    "sharks-linear": 90_652_928,
    "samplernn-small": 3_178_752,
    "samplernn-demo": 2_091_776,
}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_whole_experiments_of_the_published_networks(name: str) -> None:
    text = resources.files("rawtone.presets").joinpath(f"{name}.yaml").read_text()
    table = yaml.safe_load(text) | {"corpus": "demo", "preset": name}
    experiment = Experiment.model_validate(table)
    assert parameters(experiment.model) == PRESETS[name]
    assert experiment.training.window % experiment.model.stride == 0


@pytest.mark.parametrize("frame_sizes", [[16, 16], [64, 16], [16, 40]])
def test_frames_that_do_not_fit_into_each_other_are_refused(frame_sizes: list[int]) -> None:
    with pytest.raises(ValidationError, match=r"ascend and each to divide the next, found \["):
        sizes(frame_sizes=frame_sizes)


ARCHITECTURES = st.fixed_dictionaries(
    {
        "frame_sizes": st.sampled_from([[1], [3], [2, 4], [1, 3], [2, 6, 12]]),
        "variant": st.sampled_from(["prism", "dadabots"]),
        "rnn": st.sampled_from(["gru", "lstm"]),
        "rnn_layers": st.integers(1, 3),
        "mlp_layers": st.integers(1, 2),
        "embedding": st.sampled_from([None, 3]),
        "skip_connections": st.booleans(),
        "learned_initial_state": st.booleans(),
        "weight_norm": st.booleans(),
        "rnn_dropout": st.sampled_from([0.0, 0.5]),
        "output": st.sampled_from(
            [
                {"kind": "softmax"},
                {"kind": "two_stage", "hidden": 3},
                {"kind": "logistics", "components": 2},
            ]
        ),
    }
)
QUANTIZERS = st.sampled_from([("mu-law", 16), ("linear", 256), ("a-law", 5000)])


def small(architecture: dict[str, Any], quantizer: tuple[Any, int], seed: int) -> SampleRNN:
    """Return a model with weights that all matter, also those that begin as zeros."""
    model: SampleRNN = build(sizes(dim=4, **architecture), Audio(quantizers.make(*quantizer)), seed)
    random = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(random.normal(size=variable.shape, scale=0.5))
    return model


def heard(model: SampleRNN, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return codes, and the silence that the parallel form hears before them."""
    quantizer = model.audio.quantizer
    codes = np.random.default_rng(seed).integers(0, quantizer.levels, (2, samples))
    silence = np.full((2, model.settings.context - 1), quantizer.silence)
    return codes.astype("int32"), silence.astype("int32")


@settings(max_examples=8, deadline=None)
@given(architecture=ARCHITECTURES, quantizer=QUANTIZERS, seed=st.integers(0, 1000))
def test_streaming_form_predicts_what_the_parallel_form_predicts(
    architecture: dict[str, Any], quantizer: tuple[Any, int], seed: int
) -> None:
    model = small(architecture, quantizer, seed)
    codes, silence = heard(model, 2 * model.settings.stride, seed)
    parallel, _ = model(np.concatenate([silence, codes], axis=1), model.initial_carry(2))
    state, streamed = model.initial_state(2), []
    for code in codes.T:
        features, state = model.step(state, code)
        streamed.append(np.asarray(features))
    np.testing.assert_allclose(np.stack(streamed, axis=1), parallel, atol=2e-5, rtol=1e-5)


@settings(max_examples=8, deadline=None)
@given(architecture=ARCHITECTURES, quantizer=QUANTIZERS, seed=st.integers(0, 1000))
def test_windows_that_carry_state_are_one_long_window(
    architecture: dict[str, Any], quantizer: tuple[Any, int], seed: int
) -> None:
    """What is cut at their edges is the way back, not the way there; and nothing drops out."""
    model = small(architecture, quantizer, seed)
    stride = model.settings.stride
    codes, silence = heard(model, 3 * stride, seed)
    audio = np.concatenate([silence, codes], axis=1)
    whole, last = model(audio, model.initial_carry(2))
    carry, parts = model.initial_carry(2), []
    for begin in range(0, 3 * stride, stride):
        window = audio[:, begin : begin + model.settings.context - 1 + stride]
        features, carry = model(window, carry)
        parts.append(np.asarray(features))
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=2e-5, rtol=1e-5)
    for one, other in zip(keras.tree.flatten(carry), keras.tree.flatten(last), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@settings(max_examples=4, deadline=None)
@given(architecture=ARCHITECTURES, seed=st.integers(0, 1000))
def test_a_compiled_loop_of_steps_predicts_what_single_steps_predict(
    architecture: dict[str, Any], seed: int
) -> None:
    model = small(architecture, ("mu-law", 16), seed)
    codes, _ = heard(model, model.settings.stride + 1, seed)

    def loop(codes: Any, state: Any) -> Any:
        def one(index: Any, carry: Any) -> Any:
            return model.step(carry[1], codes[:, index])

        features, state = model.step(state, codes[:, 0])
        return ops.fori_loop(1, codes.shape[1], one, (features, state))[0]

    state = model.initial_state(2)
    looped = backend.compiled(loop)(ops.array(codes), state)
    for code in codes.T:
        features, state = model.step(state, code)
    np.testing.assert_allclose(looped, features, atol=2e-5, rtol=1e-5)


@settings(max_examples=6, deadline=None)
@given(architecture=ARCHITECTURES, quantizer=QUANTIZERS)
def test_every_trainable_weight_learns(
    architecture: dict[str, Any], quantizer: tuple[Any, int]
) -> None:
    """A weight without a gradient would be a part that is drawn but not connected."""
    import tensorflow

    model = small(architecture, quantizer, 0)
    codes, silence = heard(model, 4 * model.settings.stride, 0)
    with tensorflow.GradientTape() as tape:
        features, _ = model(np.concatenate([silence, codes], axis=1), model.initial_carry(2))
        targets = codes[:, : features.shape[1]]
        loss = tensorflow.reduce_sum(model.head.loss(features, targets))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path


def test_dropout_is_drawn_anew_in_training_and_from_the_seed() -> None:
    models = [build(sizes(dim=4, rnn_layers=1, rnn_dropout=0.5), MU_LAW, seed=1) for _ in range(2)]
    codes, silence = heard(models[0], 64, 0)
    audio = np.concatenate([silence, codes], axis=1)
    first, second = (
        [np.asarray(model(audio, model.initial_carry(2), training=True)[0]) for _ in range(2)]
        for model in models
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(*first)


def test_paths_of_weights_are_unique_and_do_not_depend_on_what_was_built_before() -> None:
    models = [build(sizes(dim=2, skip_connections=True), MU_LAW) for _ in range(2)]
    paths = [[variable.path for variable in model.variables] for model in models]
    assert paths[0] == paths[1]
    assert len(set(paths[0])) == len(paths[0])


def test_training_goes_on_from_its_state_as_if_nothing_had_happened() -> None:
    """What windows leave behind and what dropout will draw are part of the state."""

    def trainer() -> Trainer:
        changed = {"frame_sizes": [2, 4], "dim": 4, "rnn_layers": 2, "rnn_dropout": 0.5}
        return Trainer(build(sizes(**changed), MU_LAW), trainings.plain(batch_size=2, window=12))

    random = np.random.default_rng(0)
    fresh = np.array([[True, True], [False, True], [False, False], [False, False]])
    batches = [
        Batch(
            random.integers(0, 256, (2, 15)).astype("int32"),
            random.integers(0, 256, (2, 12)).astype("int32"),
            np.ones((2, 12), "float32"),
            np.zeros(2, "int32"),
            fresh[index],
        )
        for index in range(4)
    ]
    one = trainer()
    for batch in batches[:2]:
        one.update([batch], 0.01)
    other = trainer()
    other.restore(one.state())
    for batch in batches[2:]:
        assert one.update([batch], 0.01) == other.update([batch], 0.01)
    for name, array in one.state().items():
        np.testing.assert_array_equal(array, other.state()[name])
