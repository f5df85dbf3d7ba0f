"""WaveNet's kernel says what the model says, to the code, in all of the family's forms."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.generation.engine import generate
from rawtone.generation.kernel import Kernel
from rawtone.generation.kernels.wavenet import WaveNetKernel
from rawtone.generation.streams import Stream, labels
from tests.generation.kernels.wavenets import expected, logits_of, surprise, wavenet


def made(
    model: Any, streams: list[Stream], samples: int, prime: np.ndarray | None = None
) -> np.ndarray:
    """Return codes [streams, samples]."""
    engine = Kernel(WaveNetKernel(model), model.audio, 16_000)
    return np.concatenate([p.codes for p in generate(engine, streams, samples, prime)], axis=1)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"dilations": [2**i for i in range(10)], "skip_channels": 128, "residual_channels": 32},
        {"filter_width": 3, "dilations": [9, 3, 1], "biases": False},
        {"scalar_input": True},
    ],
    ids=["small", "wide", "three taps", "samples"],
)
def test_4000_codes_are_those_of_float64(changed: dict[str, Any]) -> None:
    model, stream = wavenet(**changed), Stream(seed=7, temperature=0.8)
    codes = made(model, [stream], 4000)[0]
    np.testing.assert_array_equal(codes, expected(model, codes, stream))
    assert 1 < surprise(model, codes) < 7.5


options = {
    "dilations": st.lists(st.integers(1, 40), min_size=1, max_size=4),
    "filter_width": st.integers(2, 4),
    "residual_channels": st.sampled_from([1, 5, 16, 17, 40]),
    "dilation_channels": st.sampled_from([1, 4, 16, 33]),
    "skip_channels": st.sampled_from([3, 16, 130]),
    "biases": st.booleans(),
    "scalar_input": st.booleans(),
    "initial_filter_width": st.integers(1, 6),
    "global_channels": st.sampled_from([None, 3, 7]),
}
kinds = st.sampled_from([("mu-law", 256), ("linear", 16), ("a-law", 300), ("linear", 5000)])


@settings(max_examples=12, deadline=None)
@given(changed=st.fixed_dictionaries(options), kind=kinds, seed=st.integers(0, 1000))
def test_all_settings(changed: dict[str, Any], kind: tuple[str, int], seed: int) -> None:
    """Two streams of different labels, primed, against float64."""
    model = wavenet(*kind, labels=3, seed=seed, **changed)
    prime = np.random.default_rng(seed).integers(0, kind[1], 50, np.int32)
    streams = [Stream(seed, 0.9, label=2), Stream(seed + 1, 1.1, label=0)]
    for stream, codes in zip(streams, made(model, streams, 100, prime), strict=True):
        told = labels([stream] * 150, 0, 16_000, 3)
        wanted = expected(model, codes, stream, prime, told, unsure=1e-5)
        np.testing.assert_array_equal(codes, wanted)


@settings(max_examples=8, deadline=None)
@given(changed=st.fixed_dictionaries(options), seed=st.integers(0, 1000))
def test_float64_is_what_the_model_itself_says(changed: dict[str, Any], seed: int) -> None:
    """The reference of these tests against Keras, so that not both are wrong."""
    model = wavenet(labels=3, seed=seed, **changed)
    heard = np.random.default_rng(seed).integers(0, 256, 40).astype("int32")
    silence = np.full(model.settings.context - 1, model.audio.quantizer.silence, "int32")
    window = np.concatenate([silence, heard])[None]
    said = np.asarray(model(window, (), np.array([1], "int32"))[0])[0]
    shares = np.eye(3)[np.ones(40, int)]
    np.testing.assert_allclose(said, logits_of(model, heard, shares), atol=1e-4, rtol=1e-4)


def test_a_prime_is_heard_to_its_end_and_forgotten_beyond_the_receptive_field() -> None:
    model, stream = wavenet(), Stream(seed=3, temperature=0.9)
    prime = np.random.default_rng(0).integers(0, 256, 500, np.int32)
    codes = made(model, [stream], 300, prime)[0]
    np.testing.assert_array_equal(codes, expected(model, codes, stream, prime))
    end = prime[-model.settings.context :]
    np.testing.assert_array_equal(codes, made(model, [stream], 300, end)[0])
    assert (codes != made(model, [stream], 300)[0]).any()


def test_a_morph_is_told_block_by_block() -> None:
    model = wavenet(labels=2, global_channels=5)
    stream = Stream(4, 0.9, label=((0.0, 0), (0.25, 1)))
    codes = made(model, [stream], 4500)[0]
    told = np.concatenate([labels([stream] * 2000, start, 16_000, 2) for start in (0, 2000, 4000)])
    np.testing.assert_array_equal(codes, expected(model, codes, stream, shares=told[:4500]))


def test_what_it_scores_is_what_the_model_gives_each_code() -> None:
    model = wavenet()
    kernel, heard = WaveNetKernel(model), np.random.default_rng(0).integers(0, 256, 200, np.int32)
    logits = logits_of(model, np.concatenate([[model.audio.quantizer.silence], heard])[:-1])
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    for lanes in (1, 16):
        state = kernel.state(lanes, np.zeros((lanes, 0), np.float32))
        scores = kernel.score(state, np.repeat(heard[:, None], lanes, axis=1))
        exact = logs[np.arange(200), heard]
        np.testing.assert_allclose(scores, np.repeat(exact[:, None], lanes, axis=1), atol=1e-4)


@pytest.mark.parametrize(
    "output",
    [
        {"kind": "two_stage", "hidden": 5},
        {"kind": "logistics", "components": 3},
        {"kind": "regression"},
    ],
)
def test_other_heads_are_left_to_the_loop(output: dict[str, Any]) -> None:
    assert not WaveNetKernel.fits(wavenet(output=output))
    assert WaveNetKernel.fits(wavenet())
