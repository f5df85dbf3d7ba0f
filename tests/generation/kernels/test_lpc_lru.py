"""The kernel of lpc_lru says what its streaming form says, for one stream and for sixteen."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.audio import quantizers
from rawtone.generation import engines
from rawtone.generation.engine import generate
from rawtone.generation.kernel import Kernel
from rawtone.generation.kernels.lpc_lru import LpcLruKernel
from rawtone.generation.loop import Loop
from rawtone.generation.random import uniforms
from rawtone.generation.streams import Stream
from tests.generation.kernels.lpc_lrus import Reference, drawn, lpc_lru

RATE = 8000
FORMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "mu-law": (("mu-law", 256), {}),
    "a-law, one window": (("a-law", 256), {"spans": [30.0]}),
    "linear, long": (("linear", 4096), {"frame_size": 8, "order": 16, "taps": 20, "residuals": 8}),
}


def model_of(form: str, seed: int = 1) -> Any:
    quantizer, changed = FORMS[form]
    return lpc_lru(quantizers.make(*quantizer), seed, **changed)


def start(kernel: LpcLruKernel, lanes: int) -> list[Any]:
    return kernel.state(lanes, np.zeros((lanes, 0), np.float32))


def make(kernel: LpcLruKernel, state: list[Any], samples: int, seed: int = 0) -> np.ndarray:
    """Return codes [samples, lanes]; each lane has a seed and a temperature of its own."""
    lanes = state[0].shape[-1]
    codes = np.empty((samples, lanes), np.int32)
    each = [uniforms(seed + lane, 0, samples) for lane in range(lanes)]
    heat = np.tile(np.linspace(0.8, 1.1, 16)[seed : seed + lanes], (samples, 1))
    told = (heat.astype(np.float32), np.ones(lanes, np.float32), np.stack(each, axis=-1))
    kernel.make(state, *told, codes)
    return codes


@pytest.mark.parametrize("form", FORMS)
def test_four_thousand_codes_are_those_of_float64(form: str) -> None:
    model = model_of(form)
    kernel, reference = LpcLruKernel(model), Reference(model)
    made = make(kernel, start(kernel, 1), 4000)[:, 0]
    code, expected = model.audio.quantizer.silence, []
    for uniform in uniforms(0, 0, 4000):
        code = drawn(model, reference.step(code), float(np.float32(0.8)), uniform)
        expected.append(code)
    np.testing.assert_array_equal(made, expected)
    bits = -kernel.score(start(kernel, 1), made[:, None].copy()).mean() / np.log(2)
    assert 3 < bits < np.log2(model.audio.quantizer.levels) - 2


@settings(max_examples=3, deadline=None)
@given(
    changed=st.fixed_dictionaries(
        {
            "frame_size": st.integers(3, 9),
            "order": st.integers(1, 8),
            "spans": st.lists(st.floats(2.0, 60.0), min_size=1, max_size=4),
            "taps": st.integers(1, 30),
            "layers": st.integers(1, 2),
            "hidden": st.integers(1, 40),
            "output": st.fixed_dictionaries(
                {"kind": st.just("logistics"), "components": st.integers(1, 20)}
            ),
        }
    ),
    quantizer=st.builds(
        quantizers.make, st.sampled_from(["mu-law", "a-law", "linear"]), st.sampled_from([16, 1000])
    ),
    seed=st.integers(0, 99),
)
def test_any_settings_score_as_the_parallel_form_does(
    changed: dict[str, Any], quantizer: Any, seed: int
) -> None:
    model, levels = lpc_lru(quantizer, seed, **changed), quantizer.levels
    n = 4 * model.settings.frame_size
    codes = np.random.default_rng(seed).integers(levels // 4, levels, n).astype(np.int32)
    silence = np.full(model.settings.context, quantizer.silence)
    heard = np.concatenate([silence, codes[:-1]]).astype(np.int32)
    features, _ = model(heard[None], model.initial_carry(1))
    expected = -np.asarray(model.head.loss(features, codes[None]))[0]
    kernel = LpcLruKernel(model)
    found = kernel.score(start(kernel, 1), codes[:, None])[:, 0]
    np.testing.assert_allclose(found, expected, atol=5e-3, rtol=1e-3)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_sixteen_streams_have_the_bits_that_each_has_alone(precision: Any) -> None:
    kernel = LpcLruKernel(model_of("mu-law"), precision)
    prime, together = np.arange(100, 130, dtype=np.int32), start(kernel, 16)
    kernel.hear(together, prime)
    made = make(kernel, together, 150)
    assert len(np.unique(made[-1])) > 1
    for lane in (0, 7, 15):
        alone = start(kernel, 1)
        kernel.hear(alone, prime)
        np.testing.assert_array_equal(make(kernel, alone, 150, seed=lane)[:, 0], made[:, lane])
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one[..., 0], many[..., lane])


def test_what_is_heard_leaves_the_state_that_making_it_leaves() -> None:
    kernel = LpcLruKernel(model_of("mu-law"))
    making, hearing, scoring = (start(kernel, 1) for _ in range(3))
    made = make(kernel, making, 77)
    kernel.hear(hearing, made[:, 0])
    kernel.score(scoring, made)
    for one, *others in zip(making, hearing, scoring, strict=True):
        for other in others:
            np.testing.assert_array_equal(one, other)


SAMPLES = 2300
STREAMS = [
    Stream(seed, [0.0, 0.7, 1.0, ((0.0, 0.5), (0.2, 1.2))][seed % 4])  # type: ignore[list-item]
    for seed in range(16)
]


def clips(engine: Any, streams: list[Stream], resumed: Any = None) -> np.ndarray:
    parts = generate(engine, streams, SAMPLES, resumed=resumed)
    return np.concatenate([part.codes for part in parts], axis=1)


def test_a_stream_has_the_same_bits_in_any_company_and_after_an_interruption() -> None:
    model = model_of("mu-law")
    engine, together = Kernel(LpcLruKernel(model), model.audio, RATE), STREAMS[:16]
    each = np.concatenate([clips(engine, [stream]) for stream in together])
    np.testing.assert_array_equal(clips(engine, together), each)
    np.testing.assert_array_equal(clips(engine, together[15:10:-1]), each[15:10:-1])
    first = next(generate(engine, together, SAMPLES))
    rest = clips(engine, together, ([np.array(array) for array in first.state], first.end))
    np.testing.assert_array_equal(np.concatenate([first.codes, rest], axis=1), each)


def test_the_loop_makes_the_same_codes_for_long() -> None:
    """It fits linear prediction in floats: where a code differs, so do all that follow."""
    model, streams = model_of("mu-law"), STREAMS[1:9]
    loop, kernel = Loop(model, RATE), Kernel(LpcLruKernel(model), model.audio, RATE)
    equal = clips(loop, streams) == clips(kernel, streams)
    # those before the first that differs
    assert np.cumprod(equal, axis=1).mean() > 0.5


def test_fewer_bits_cost_little() -> None:
    model = model_of("mu-law")
    codes = make(LpcLruKernel(model), start(LpcLruKernel(model), 1), 2000)
    kernels = [LpcLruKernel(model, kept) for kept in ("float32", "int8")]  # type: ignore[arg-type]
    full, fewer = (k.score(start(k, 1), codes).mean() / np.log(2) for k in kernels)
    assert full - 0.1 < fewer < full + 0.01
    assert fewer != full


def test_the_kernel_is_taken_by_itself() -> None:
    engine = engines.make(model_of("mu-law"), RATE)
    assert isinstance(engine, Kernel) and isinstance(engine.kernel, LpcLruKernel)
