"""Linear prediction under linear recurrence: one model in two forms, which learns and remembers."""

from importlib import resources
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rawtone.audio import quantizers
from rawtone.errors import UserError
from rawtone.model_settings import LpcLru, model
from rawtone.models import backend
from rawtone.models.families import build
from rawtone.models.family import Audio, Family
from rawtone.training.batches import Batch
from rawtone.training.trainer import Trainer
from tests import trainings

backend.start()


def sizes(**changed: object) -> LpcLru:
    """Return settings of a small network with some changed."""
    small = {
        "family": "lpc_lru",
        "output": {"kind": "logistics", "components": 3},
        "frame_size": 4,
        "order": 5,
        "spans": [20.0, 7.0],
        "residuals": 3,
        "taps": 6,
        "resonators": 6,
        "width": 7,
        "layers": 2,
        "hidden": 9,
    }
    return LpcLru.model_validate(small | changed)


def shaken(settings: LpcLru, quantizer: quantizers.Quantizer, seed: int) -> Family:
    """Return a model whose weights are far from where they begin."""
    made = build(settings, Audio(quantizer), seed)
    random = np.random.default_rng(seed)
    for weight in made.trainable_variables:
        weight.assign_add(random.normal(size=weight.shape, scale=0.2))
    return made


def silence(made: Family, count: int) -> Any:
    """Return two streams of silence."""
    return np.full((2, count), made.audio.quantizer.silence, dtype="int32")


@settings(max_examples=5, deadline=None)
@given(
    frame_size=st.integers(2, 6),
    order=st.integers(1, 8),
    spans=st.lists(st.floats(2.0, 60.0), min_size=1, max_size=3),
    layers=st.integers(1, 2),
    taps=st.integers(1, 12),
    kind=st.sampled_from(["mu-law", "a-law", "linear"]),
    levels=st.sampled_from([16, 256, 4096]),
    seed=st.integers(0, 1000),
)
def test_streaming_form_predicts_what_the_parallel_form_predicts(
    frame_size: int,
    order: int,
    spans: list[float],
    layers: int,
    taps: int,
    kind: Any,
    levels: int,
    seed: int,
) -> None:
    changed = {"frame_size": frame_size, "order": order, "spans": spans, "layers": layers}
    quantizer = quantizers.make(kind, levels)
    made = shaken(sizes(residuals=frame_size, taps=taps, **changed), quantizer, seed)
    heard = np.random.default_rng(seed).integers(0, levels, (2, 4 * frame_size)).astype("int32")

    codes = np.concatenate([silence(made, made.settings.context - 1), heard], axis=1)
    parallel = np.asarray(made(codes, made.initial_carry(2))[0])
    state, streamed = made.initial_state(2), []
    for code in heard.T:
        features, state = made.step(state, code)
        streamed.append(np.asarray(features))

    np.testing.assert_allclose(np.stack(streamed, axis=1), parallel, atol=2e-3, rtol=2e-3)


def test_windows_one_after_the_other_predict_what_one_long_window_predicts() -> None:
    """What is carried is all that there is to know of the past."""
    quantizer = quantizers.make("mu-law", 256)
    made = shaken(sizes(), quantizer, 1)
    context, n = made.settings.context, 8
    heard = np.random.default_rng(0).integers(64, 192, (2, 3 * n)).astype("int32")
    codes = np.concatenate([silence(made, context), heard], axis=1)

    whole, _ = made(codes[:, :-1], made.initial_carry(2))
    carry, parts = made.initial_carry(2), []
    for start in range(0, 3 * n, n):
        features, carry = made(codes[:, start : start + context + n - 1], carry)
        parts.append(np.asarray(features))

    np.testing.assert_allclose(np.concatenate(parts, axis=1), np.asarray(whole), atol=1e-4)


def test_noise_is_heard_in_training_only() -> None:
    made = build(sizes(noise=20.0), Audio(quantizers.make("mu-law", 256)))
    codes = silence(made, made.settings.context + 15)
    told = [np.asarray(made(codes, made.initial_carry(2))[0]) for _ in range(2)]
    trained = [np.asarray(made(codes, made.initial_carry(2), training=True)[0]) for _ in range(2)]
    np.testing.assert_array_equal(told[0], told[1])
    assert not np.array_equal(trained[0], trained[1])


def test_every_trainable_weight_learns() -> None:
    """A weight without a gradient would be a part that is drawn but not connected."""
    import tensorflow

    made = build(sizes(), Audio(quantizers.make("mu-law", 256)))
    codes = np.random.default_rng(0).integers(0, 256, (2, made.settings.context + 15))
    with tensorflow.GradientTape() as tape:
        loss = tensorflow.reduce_sum(made(codes, made.initial_carry(2))[0] ** 2)
    gradients = tape.gradient(loss, [v.value for v in made.trainable_variables])
    assert all(gradient is not None for gradient in gradients)


def test_more_residuals_than_a_frame_holds_are_refused() -> None:
    with pytest.raises((ValueError, UserError), match="residuals"):
        sizes(residuals=5)


@pytest.mark.parametrize(
    ("preset", "parameters"), [("lpc-lru-demo", 317_836), ("lpc-lru-small", 317_836)]
)
def test_presets_have_the_size_that_they_say(preset: str, parameters: int) -> None:
    text = resources.files("rawtone.presets").joinpath(f"{preset}.yaml").read_text()
    table = yaml.safe_load(text)
    made = build(model(table["model"]), Audio(quantizers.make(**table["quantizer"])))
    assert made.count_params() == parameters
    assert f"{parameters:,} parameters" in text.replace("\n# ", " ")


def tune() -> Any:
    """Return 0.25 s of two notes at once at 8 kHz, as codes."""
    notes = sum(np.sin(2 * np.pi * np.arange(2000) / period) for period in (20, 32))
    return quantizers.make("mu-law", 256).encode(0.3 * notes).astype("int32")[None]


def test_it_learns_a_short_clip_by_heart_and_plays_it_on_from_its_beginning() -> None:
    codes = tune()
    changed = {"order": 16, "spans": [60.0, 20.0], "frame_size": 16, "residuals": 16, "taps": 160}
    larger = {"resonators": 24, "width": 48, "layers": 2, "hidden": 64}
    made = build(sizes(**changed, **larger), Audio(quantizers.make("mu-law", 256)))
    bits = learn(made, codes, steps=500)
    assert bits < 0.5
    played = played_on(made, codes, prime=500)
    assert np.corrcoef(played, codes[0, 500:])[0, 1] > 0.9


def learn(made: Family, codes: Any, steps: int) -> float:
    """Train on one clip, and return its bits a sample."""
    heard = np.concatenate([silence(made, made.settings.context)[:1], codes[:, :-1]], axis=1)
    weights, one = np.ones(codes.shape, "float32"), np.zeros(1, "int32")
    batch = Batch(heard, codes, weights, one, np.ones(1, bool))
    trainer = Trainer(made, trainings.plain(steps=steps, window=codes.shape[1]))
    for step in range(steps):
        trainer.update([batch], 0.005 * (1 + np.cos(np.pi * step / steps)))
    return trainer.validate([batch]) / float(np.log(2.0))


def played_on(made: Family, codes: Any, prime: int) -> Any:
    """Return what comes after the first samples of a clip, always the likeliest."""
    count, begins = codes.shape[1], made.audio.quantizer.silence
    heard = np.concatenate([[[begins]], codes[:, : prime - 1]], axis=1)[0]

    def one(index: Any, carried: Any) -> Any:
        state, code, played = carried
        known = ops.take(ops.convert_to_tensor(heard, "int32"), ops.minimum(index, prime - 1))
        code = ops.where(index < prime, known, code)
        features, state = made.step(state, code)
        zero = ops.zeros((1, 2, 1), "float32")
        code, state = made.draw(state, features, ops.zeros((1,), "float32"), zero + 0.5)
        return state, code, ops.slice_update(played, (index,), code)

    def play() -> Any:
        start = (made.initial_state(1), ops.full((1,), begins, "int32"), ops.zeros(count, "int32"))
        return ops.fori_loop(0, count, one, start)[2]

    return ops.convert_to_numpy(backend.compiled(play)())[prime:]
