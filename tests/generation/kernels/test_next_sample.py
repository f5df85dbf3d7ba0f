"""The kernel of next_sample says what its streaming form says, for one stream and for sixteen."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.audio import quantizers
from rawtone.generation.random import uniforms
from rawtone.model_settings import NextSample
from rawtone.models import backend

backend.start()

from rawtone.generation.kernels.next_sample import NextSampleKernel  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402

LEVELS = 64
PLAIN: dict[str, Any] = {"family": "next_sample", "units": [24, 8], "embedding": 8}
REGRESSION = {"embedding": None, "output": {"kind": "regression"}}
FORMS = {
    "embedding": {},
    "numbers": {"embedding": None},
    "convolution": {"convolution": {"filters": 10, "width": 3}},
    "of numbers": {"embedding": None, "convolution": {"filters": 20, "width": 5}},
}


def model_of(form: dict[str, Any], seed: int = 1, quantizer: Any = None) -> Any:
    """Return a model with large random weights, so that its logits differ."""
    quantizer = quantizer or quantizers.make("mu-law", LEVELS)
    model = build(NextSample(**PLAIN | form), Audio(quantizer), seed=seed)
    random = np.random.default_rng(seed)
    for variable in model.variables:
        variable.assign(random.normal(size=variable.shape, scale=0.7))
    return model


def matrix_of(layer: Any) -> np.ndarray:
    return np.asarray(layer.kernel.weight, np.float64)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


class Reference:
    """The streaming form in float64."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.past = [model.audio.quantizer.silence] * model.settings.context
        self.states = [np.zeros((2, lstm.units)) for lstm in model.lstms]

    def step(self, code: int) -> np.ndarray:
        """Hear a code; return features."""
        model, self.past = self.model, [*self.past[1:], code]
        rows = 2 * np.arange(LEVELS)[:, None] / model.audio.quantizer.steps - 1
        if model.table is not None:
            rows = np.asarray(model.table, np.float64)
        x = rows[self.past].reshape(-1)
        if model.convolution is not None:
            bias = np.asarray(model.convolution.bias)
            x = np.maximum(x @ matrix_of(model.convolution) + bias, 0)
        for index, lstm in enumerate(model.lstms):
            output, memory = self.states[index]
            sums = x @ matrix_of(lstm) + output @ np.asarray(lstm.recurrent.weight, np.float64)
            i, f, g, o = np.split(sums + np.asarray(lstm.bias), 4)
            memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
            x = sigmoid(o) * np.tanh(memory)
            self.states[index] = np.stack([x, memory])
        return x @ matrix_of(model.dense) + np.asarray(model.dense.bias)


def drawn(logits: np.ndarray, temperature: float, uniform: float) -> int:
    powers = np.exp((logits - logits.max()) / temperature)
    cumulative = np.cumsum(powers)
    return int(np.sum(cumulative <= uniform * cumulative[-1]))


def make(kernel: NextSampleKernel, state: list[Any], samples: int, seed: int = 0) -> np.ndarray:
    """Return codes [samples, lanes]; each lane has a seed and a temperature of its own."""
    lanes = state[0].shape[-1]
    codes = np.empty((samples, lanes), np.int32)
    each = [uniforms(seed + lane, 0, samples) for lane in range(lanes)]
    heat = np.tile(np.linspace(0.8, 1.1, 16)[seed : seed + lanes], (samples, 1))
    told = (heat.astype(np.float32), np.ones(lanes, np.float32), np.stack(each, axis=-1))
    kernel.make(state, *told, codes)
    return codes


def start(kernel: NextSampleKernel, lanes: int) -> list[Any]:
    return kernel.state(lanes, np.zeros((lanes, 0), np.float32))


def score(model: Any, codes: np.ndarray) -> list[float]:
    """Return the logarithms of probabilities in the model's own streaming form."""
    state, scores = model.initial_state(1), []
    for last, code in pairwise([model.audio.quantizer.silence, *codes]):
        logits, state = model.step(state, np.array([last], np.int32))
        logits = np.asarray(logits, np.float64)[0]
        scores.append(logits[code] - logits.max() - np.log(np.exp(logits - logits.max()).sum()))
    return scores


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_four_thousand_codes_are_those_of_float64(form: dict[str, Any]) -> None:
    model = model_of(form)
    kernel, reference = NextSampleKernel(model), Reference(model)
    made = make(kernel, start(kernel, 1), 4000)[:, 0]
    code, expected = model.audio.quantizer.silence, []
    for uniform in uniforms(0, 0, 4000)[:, 0]:
        code = drawn(reference.step(code), np.float32(0.8), uniform)
        expected.append(code)
    assert len(set(expected)) > LEVELS / 4
    np.testing.assert_array_equal(made, expected)


def test_a_regression_takes_the_nearest_code() -> None:
    model = model_of(REGRESSION)
    kernel, reference, code = NextSampleKernel(model), Reference(model), LEVELS // 2
    made, steps = make(kernel, start(kernel, 1), 300)[:, 0], model.audio.quantizer.steps
    expected = []
    for _ in made:
        place = (reference.step(code)[0] + 1) * steps / 2
        code = int(np.clip(np.floor(place + 0.5), 0, LEVELS - 1))
        expected.append(code)
    assert len(set(expected)) > 5
    np.testing.assert_array_equal(made, expected)


@settings(max_examples=5, deadline=None)
@given(
    form=st.fixed_dictionaries(
        {
            "units": st.lists(st.integers(1, 70), min_size=2, max_size=2),
            "embedding": st.sampled_from([None, 1, 20]),
            "convolution": st.sampled_from([None, {"filters": 7, "width": 4}]),
        }
    ),
    seed=st.integers(0, 99),
)
def test_any_settings_score_as_the_models_streaming_form_does(
    form: dict[str, Any], seed: int
) -> None:
    model = model_of(form, seed)
    codes = np.random.default_rng(seed).integers(0, LEVELS, 20).astype(np.int32)
    kernel = NextSampleKernel(model)
    scores = kernel.score(start(kernel, 1), codes[:, None])[:, 0]
    np.testing.assert_allclose(scores, score(model, codes), atol=2e-4)


@pytest.mark.parametrize("form", [{}, {"convolution": {"filters": 7, "width": 4}}])
def test_many_levels_are_heard_by_a_matrix_in_place_of_a_table(form: dict[str, Any]) -> None:
    model = model_of(form, quantizer=quantizers.make("linear", 5000))
    kernel = NextSampleKernel(model)
    assert len(kernel.weights.codes.matrix)
    codes = np.random.default_rng(0).integers(0, 5000, 12).astype(np.int32)
    scores = kernel.score(start(kernel, 1), codes[:, None])[:, 0]
    np.testing.assert_allclose(scores, score(model, codes), atol=5e-4)


ALIKE = [({}, "bfloat16"), ({}, "int8"), *((form, "float32") for form in FORMS.values())]


@pytest.mark.parametrize(("form", "precision"), [*ALIKE, (REGRESSION, "float32")])
def test_sixteen_streams_have_the_bits_that_each_has_alone(
    form: dict[str, Any], precision: Any
) -> None:
    kernel = NextSampleKernel(model_of(form), precision)
    prime, together = np.arange(20, dtype=np.int32), start(kernel, 16)
    kernel.hear(together, prime)
    made = make(kernel, together, 150)
    for lane in (0, 7, 15):
        alone = start(kernel, 1)
        kernel.hear(alone, prime)
        np.testing.assert_array_equal(make(kernel, alone, 150, seed=lane)[:, 0], made[:, lane])
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one[..., 0], many[..., lane])


def test_what_is_heard_leaves_the_state_that_making_it_leaves() -> None:
    kernel = NextSampleKernel(model_of(FORMS["convolution"]))
    making, hearing = start(kernel, 1), start(kernel, 1)
    kernel.hear(hearing, make(kernel, making, 77)[:, 0])
    for one, other in zip(making, hearing, strict=True):
        np.testing.assert_array_equal(one, other)


def test_mixtures_have_no_kernel() -> None:
    assert not NextSampleKernel.fits(model_of({"output": {"kind": "logistics", "components": 2}}))
    assert NextSampleKernel.fits(model_of({}))
