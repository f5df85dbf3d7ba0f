"""The compiled loop: it says what the model says, and every stream is alone in the world."""

import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.generation.random import uniforms
from rawtone.model_settings import WaveNet
from rawtone.models import backend

backend.start()

from rawtone.generation.engine import generate  # noqa: E402
from rawtone.generation.loop import LANES, Loop  # noqa: E402
from rawtone.generation.streams import Stream  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402

MODEL = WaveNet(
    family="wavenet",
    dilations=[1, 2, 4, 8],
    filter_width=3,
    residual_channels=8,
    dilation_channels=8,
    skip_channels=16,
    biases=True,
)


@pytest.fixture(scope="module")
def engine() -> Loop:
    """Return a loop around a model with large random weights, so that its logits differ."""
    model = build(MODEL, Audio(quantizers.make("mu-law", 64)), seed=1)
    random = np.random.default_rng(1)
    for variable in model.variables:
        variable.assign(random.normal(size=variable.shape, scale=0.7))
    return Loop(model, sample_rate=8000)


def codes(engine: Loop, streams: list[Stream], samples: int) -> np.ndarray:
    """Return the codes of streams, [streams, samples]."""
    return np.concatenate([part.codes for part in generate(engine, streams, samples)], axis=1)


def test_it_draws_from_the_parallel_forms_distribution(engine: Loop) -> None:
    stream = Stream(seed=5, temperature=0.9)
    made = codes(engine, [stream], 300)[0]
    silence = np.full(MODEL.context, 32)
    heard = np.concatenate([silence, made])[None, :-1]
    logits = np.asarray(engine.model(heard.astype("int32"))[0])[0].astype(np.float64) / 0.9
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    cumulative = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    expected = (cumulative <= uniforms(5, 0, 300)[:, :1]).sum(axis=1)
    np.testing.assert_array_equal(made, expected)


def test_a_stream_is_the_same_whatever_batch_it_is_made_in(engine: Loop) -> None:
    streams = [Stream(seed, 0.5 + seed / 8) for seed in range(LANES)]
    together = codes(engine, streams, 500)
    alone = [codes(engine, [stream], 500)[0] for stream in streams]
    np.testing.assert_array_equal(together, alone)


def test_a_shorter_clip_is_the_beginning_of_a_longer_one(engine: Loop) -> None:
    stream = Stream(seed=2, temperature=1.0)
    long, short = codes(engine, [stream], 4100), codes(engine, [stream], 2500)
    np.testing.assert_array_equal(short, long[:, :2500])


def test_temperature_zero_takes_the_likeliest_whatever_the_seed(engine: Loop) -> None:
    one, other = codes(engine, [Stream(1, 0.0), Stream(2, 0.0)], 200)
    np.testing.assert_array_equal(one, other)


def test_another_checkpoint_needs_no_new_loop(engine: Loop) -> None:
    stream = Stream(seed=3, temperature=1.0)
    before = codes(engine, [stream], 100)
    engine.model.causal.assign(-engine.model.causal)
    assert (codes(engine, [stream], 100) != before).any()
    engine.model.causal.assign(-engine.model.causal)
    np.testing.assert_array_equal(codes(engine, [stream], 100), before)


def test_more_streams_than_lanes_are_refused(engine: Loop) -> None:
    with pytest.raises(ValueError, match="at most"):
        next(generate(engine, [Stream(0, 1.0)] * (LANES + 1), 10))
