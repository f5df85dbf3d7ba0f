"""SampleRNN's kernel says what its streaming form says, for one stream and for sixteen."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.audio import quantizers
from rawtone.generation.random import uniforms
from rawtone.model_settings import SampleRNN
from rawtone.models import backend

backend.start()

from rawtone.generation.kernels.samplernn import SampleRNNKernel  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402

LEVELS = 64
NO_LABELS = np.zeros((1, 0), np.float32)
PLAIN: dict[str, Any] = {
    "family": "samplernn",
    "frame_sizes": [4, 16],
    "variant": "prism",
    "dim": 24,
    "rnn": "gru",
    "rnn_layers": 2,
    "embedding": 8,
    "skip_connections": False,
    "learned_initial_state": False,
    "weight_norm": False,
}
FORMS = {
    "prism": {},
    "skips": {"rnn": "lstm", "skip_connections": True, "learned_initial_state": True},
    "reset before": {"variant": "dadabots", "weight_norm": True},
    "dadabots": {
        "variant": "dadabots",
        "rnn": "lstm",
        "skip_connections": True,
        "learned_initial_state": True,
        "weight_norm": True,
        "embedding": None,
    },
    "two tiers": {"frame_sizes": [8], "rnn_layers": 1, "mlp_layers": 3},
    "four tiers": {"frame_sizes": [2, 4, 12], "mlp_layers": 1, "dim": 40},
}


def model_of(form: dict[str, Any], seed: int = 1, quantizer: Any = None) -> Any:
    """Return a model with large random weights, so that its logits differ."""
    quantizer = quantizer or quantizers.make("mu-law", LEVELS)
    model = build(SampleRNN(**PLAIN | form), Audio(quantizer), seed=seed)
    random = np.random.default_rng(seed)
    for variable in model.variables:
        variable.assign(random.normal(size=variable.shape, scale=0.3))
    return model


def exact(matrix: Any) -> np.ndarray:
    """Return a matrix in float64, its weight norm worked out."""
    weight = np.asarray(matrix.weight, dtype=np.float64)
    if matrix.gain is None:
        return weight
    lengths = np.sqrt((weight.reshape(-1, weight.shape[-1]) ** 2).sum(axis=0))
    return weight * np.asarray(matrix.gain, dtype=np.float64) / lengths


def linear(layer: Any, x: np.ndarray) -> np.ndarray:
    return x @ exact(layer.kernel) + (0 if layer.bias is None else np.asarray(layer.bias))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def recurrent(layer: Any, x: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Return the state after a step of a layer."""
    units, kind = layer.units, type(layer.cell).__name__
    matrix, output = exact(layer.recurrent), state[: layer.units]
    x = x @ exact(layer.kernel) + np.asarray(layer.bias)
    if kind == "LSTM":
        i, f, g, o = np.split(x + output @ matrix, 4)
        memory = sigmoid(f) * state[units:] + sigmoid(i) * np.tanh(g)
        return np.concatenate([sigmoid(o) * np.tanh(memory), memory])
    hidden = output @ matrix
    if kind == "GRU":
        hidden = hidden + np.asarray(layer.recurrent_bias)
    z, r = np.split(sigmoid((x + hidden)[: 2 * units]), 2)
    if kind == "GRU":
        n = np.tanh(x[2 * units :] + r * hidden[2 * units :])
    else:
        n = np.tanh(x[2 * units :] + (r * output) @ matrix[:, 2 * units :])
    return z * output + (1 - z) * n


class Reference:
    """The streaming form in float64, one matrix after the other."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.context = model.settings.context
        self.past = [model.audio.quantizer.silence] * self.context
        self.count = self.context - 1
        carry = model.initial_carry(1)
        self.states = [[np.asarray(s, np.float64)[0] for s in tier] for tier in carry]
        self.told: list[Any] = [None] * len(model.tiers)

    def step(self, code: int) -> np.ndarray:
        """Hear a code; return logits."""
        self.past = [*self.past[1:], code]
        self.count = (self.count + 1) % self.context
        above = None
        for number in reversed(range(len(self.model.tiers))):
            tier = self.model.tiers[number]
            if self.count % tier.size == 0:
                self._frame(tier, number, above)
            place = self.count % tier.size // (tier.size // tier.ratio)
            above = self.told[number][place]
        return self._logits(above)

    def _frame(self, tier: Any, number: int, above: Any) -> None:
        x = np.array(self.past[-tier.size :]) * (4 / LEVELS) - 2
        if tier.entry is not None:
            x = linear(tier.entry, x) + (0 if above is None else above)
        outputs: list[np.ndarray] = []
        for index, layer in enumerate(tier.stack.layers):
            shared = [x] if index and tier.stack.shared_inputs else []
            heard = np.concatenate([outputs[-1], *shared]) if index else x
            after = recurrent(layer, heard, self.states[number][index])
            self.states[number][index] = after
            outputs.append(after[: layer.units])
        told = outputs[-1]
        if tier.skips:
            told = sum(linear(skip, y) for skip, y in zip(tier.skips, outputs, strict=True))
        self.told[number] = linear(tier.upsample, told).reshape(tier.ratio, tier.dim)

    def _logits(self, above: Any) -> np.ndarray:
        samples = self.model.samples
        kernel, x = exact(samples.kernel), above
        for tap, code in zip(kernel, self.past[-samples.size :], strict=True):
            rows = np.eye(LEVELS) if samples.embedding is None else np.asarray(samples.embedding)
            x = x + rows[code].astype(np.float64) @ tap
        for dense in samples.hidden:
            x = np.maximum(linear(dense, x), 0)
        return linear(samples.last, x)


def drawn(logits: np.ndarray, temperature: float, uniform: float) -> int:
    powers = np.exp((logits - logits.max()) / temperature)
    cumulative = np.cumsum(powers)
    return int(np.sum(cumulative <= uniform * cumulative[-1]))


def make(
    kernel: SampleRNNKernel, state: list[Any], samples: int, begin: int = 0, seed: int = 0
) -> np.ndarray:
    """Return codes [samples, lanes]; each lane has a seed and a temperature of its own."""
    lanes = state[0].shape[-1]
    codes = np.empty((samples, lanes), np.int32)
    each = [uniforms(seed + lane, begin, samples) for lane in range(lanes)]
    heat = np.tile(np.linspace(0.8, 1.1, 16)[seed : seed + lanes], (samples, 1))
    told = (heat.astype(np.float32), np.ones(lanes, np.float32), np.stack(each, axis=-1))
    kernel.make(state, *told, codes)
    return codes


def start(kernel: SampleRNNKernel, lanes: int) -> list[Any]:
    return kernel.state(lanes, np.repeat(NO_LABELS, lanes, axis=0))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_four_thousand_codes_are_those_of_float64(form: dict[str, Any]) -> None:
    model = model_of(form)
    kernel, reference = SampleRNNKernel(model), Reference(model)
    made = make(kernel, start(kernel, 1), 4000)[:, 0]
    numbers, code, expected = uniforms(0, 0, 4000)[:, 0], model.audio.quantizer.silence, []
    for uniform in numbers:
        code = drawn(reference.step(code), np.float32(0.8), uniform)
        expected.append(code)
    assert len(set(expected)) > LEVELS / 4
    np.testing.assert_array_equal(made, expected)


SETTINGS = st.fixed_dictionaries(
    {
        "frame_sizes": st.sampled_from([[4], [3, 9], [5, 10]]),
        "variant": st.sampled_from(["prism", "dadabots"]),
        "dim": st.integers(1, 70),
        "rnn": st.sampled_from(["gru", "lstm"]),
        "rnn_layers": st.just(2),
        "mlp_layers": st.integers(1, 3),
        "embedding": st.sampled_from([None, 1, 5]),
        "skip_connections": st.booleans(),
        "learned_initial_state": st.booleans(),
        "weight_norm": st.booleans(),
    }
)


@settings(max_examples=5, deadline=None)
@given(form=SETTINGS, seed=st.integers(0, 99))
def test_any_settings_score_as_the_models_streaming_form_does(
    form: dict[str, Any], seed: int
) -> None:
    model = model_of(form, seed)
    codes = np.random.default_rng(seed).integers(0, LEVELS, 25).astype(np.int32)
    kernel = SampleRNNKernel(model)
    scores = kernel.score(start(kernel, 1), codes[:, None])[:, 0]
    state, heard = model.initial_state(1), [model.audio.quantizer.silence, *codes]
    for (last, code), score in zip(pairwise(heard), scores, strict=True):
        logits, state = model.step(state, np.array([last], np.int32))
        logits = np.asarray(logits, np.float64)[0]
        expected = logits[code] - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        assert score == pytest.approx(expected, abs=2e-4)


def test_many_levels_are_heard_by_a_matrix_in_place_of_a_table() -> None:
    quantizer = quantizers.make("linear", 5000)
    form = {"frame_sizes": [4], "rnn_layers": 1}
    model = model_of(form, quantizer=quantizer)
    kernel = SampleRNNKernel(model)
    codes = np.random.default_rng(0).integers(0, 5000, 12).astype(np.int32)
    assert len(kernel.weights.codes.matrix)
    scores = kernel.score(start(kernel, 1), codes[:, None])[:, 0]
    state, heard = model.initial_state(1), [quantizer.silence, *codes]
    for (last, code), score in zip(pairwise(heard), scores, strict=True):
        logits, state = model.step(state, np.array([last], np.int32))
        logits = np.asarray(logits, np.float64)[0]
        expected = logits[code] - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        assert score == pytest.approx(expected, abs=2e-4)


ALIKE = [*((form, "float32") for form in FORMS), ("prism", "bfloat16"), ("skips", "int8")]


@pytest.mark.parametrize(("form", "precision"), ALIKE)
def test_sixteen_streams_have_the_bits_that_each_has_alone(form: str, precision: Any) -> None:
    kernel = SampleRNNKernel(model_of(FORMS[form]), precision)
    prime = np.arange(20, dtype=np.int32)
    together = start(kernel, 16)
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
    kernel = SampleRNNKernel(model_of({}))
    making, hearing = start(kernel, 1), start(kernel, 1)
    kernel.hear(hearing, make(kernel, making, 77)[:, 0])
    for one, other in zip(making, hearing, strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=10, deadline=None)
@given(first=st.integers(0, 90))
def test_an_interrupted_stream_goes_on_as_if_it_had_not_been(first: int) -> None:
    kernel = SampleRNNKernel(MODEL)
    whole = make(kernel, start(kernel, 1), 90)
    state = start(kernel, 1)
    parts = [make(kernel, state, first)]
    state = [np.array(array) for array in state]
    parts.append(make(kernel, state, 90 - first, begin=first))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(("precision", "most"), [("bfloat16", 0.05), ("int8", 0.1)])
def test_fewer_bits_cost_little(precision: Any, most: float) -> None:
    codes = make(SampleRNNKernel(MODEL), start(SampleRNNKernel(MODEL), 1), 2000)
    scores = []
    for kept in ("float32", precision):
        kernel = SampleRNNKernel(MODEL, kept)
        scores.append(kernel.score(start(kernel, 1), codes).mean() / np.log(2))
    assert scores[0] - most < scores[1] < scores[0] + most / 10
    assert scores[1] != scores[0]


def test_other_heads_have_no_kernel() -> None:
    form = {"output": {"kind": "logistics", "components": 2}}
    assert not SampleRNNKernel.fits(model_of(form))
    assert SampleRNNKernel.fits(MODEL)


MODEL = model_of({})
