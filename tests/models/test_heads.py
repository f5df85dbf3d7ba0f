"""Output heads: a probability for every code, and draws that follow it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from rawtone.audio.quantizers import Quantizer
from rawtone.model_settings import Output
from rawtone.models import backend

backend.start()

from keras import ops  # noqa: E402

from rawtone.models import axis, heads  # noqa: E402
from rawtone.models.head import Head  # noqa: E402

DENSITIES = (
    {"kind": "softmax"},
    {"kind": "two_stage", "hidden": 7},
    {"kind": "logistics", "components": 1},
    {"kind": "logistics", "components": 5},
)


def named(output: dict[str, object]) -> str:
    """Name a test by its output."""
    return "-".join(map(str, output.values()))


density = st.sampled_from(DENSITIES)
quantizer = st.builds(
    Quantizer,
    kind=st.sampled_from(["mu-law", "a-law", "linear"]),
    levels=st.one_of(st.sampled_from([16, 255, 256, 1024]), st.integers(16, 2000)),
)


def make(output: dict[str, object], quantizer: Quantizer, seed: int = 0) -> Head:
    """Return a head whose own weights are random."""
    head = heads.make(TypeAdapter(Output).validate_python(output), quantizer)
    random = np.random.default_rng(seed)
    for weight in head.weights:
        weight.assign(random.normal(size=weight.shape))
    return head


def probabilities(head: Head, features: np.ndarray, levels: int) -> np.ndarray:
    """Return the probability of every code, by the loss."""
    repeated = np.repeat(features[None].astype("float32"), levels, axis=0)
    loss = head.loss(repeated, np.arange(levels, dtype="int32"))
    return np.exp(-ops.convert_to_numpy(loss).astype("float64"))


def drawn(head: Head, features: np.ndarray, count: int, temperature: float = 1.0) -> np.ndarray:
    """Draw codes from the same features with many uniform numbers."""
    uniform = np.random.default_rng(1).random((2, count), dtype="float32")
    repeated = np.repeat(features[None].astype("float32"), count, axis=0)
    at = np.full(count, temperature, dtype="float32")
    return ops.convert_to_numpy(head.draw(repeated, at, uniform))


@settings(max_examples=16, deadline=None)
@given(density, quantizer, st.integers(0, 1000), st.sampled_from([0.1, 1.0, 4.0]))
def test_probabilities_of_all_codes_sum_to_one(
    output: dict[str, object], quantizer: Quantizer, seed: int, scale: float
) -> None:
    head = make(output, quantizer, seed)
    features = np.random.default_rng(seed).normal(size=head.size, scale=scale)
    assert probabilities(head, features, quantizer.levels).sum() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("kind", ["mu-law", "a-law", "linear"])
@pytest.mark.parametrize("output", DENSITIES[1:], ids=named)
def test_probabilities_of_65536_codes_sum_to_one(output: dict[str, object], kind: str) -> None:
    quantizer = Quantizer(kind, 65536)
    head = make(output, quantizer)
    for width in (-8.0, -1.0, 3.0):
        features = np.random.default_rng(2).normal(size=head.size)
        features[-head.size // 3 :] += width
        total = probabilities(head, features, 65536).sum()
        assert total == pytest.approx(1.0, abs=1e-3)


@settings(max_examples=10, deadline=None)
@given(density, quantizer, st.integers(0, 1000))
def test_draws_follow_the_probabilities(
    output: dict[str, object], quantizer: Quantizer, seed: int
) -> None:
    """A chi-square test over at most 30 groups of codes."""
    head = make(output, quantizer, seed)
    features = np.random.default_rng(seed).normal(size=head.size)
    expected = probabilities(head, features, quantizer.levels)
    count = 50_000
    found = np.bincount(drawn(head, features, count), minlength=quantizer.levels)
    groups = np.minimum((np.cumsum(expected) * 30).astype(int), 29)
    expected, found = (np.bincount(groups, weights=each) for each in (expected * count, found))
    expected, found = expected[expected > 20], found[expected > 20]
    distance = float(((found - expected) ** 2 / expected).sum())
    freedom = max(len(expected) - 1, 1)
    assert distance < freedom + 6 * np.sqrt(2 * freedom) + 10


@pytest.mark.parametrize("output", DENSITIES, ids=named)
def test_lower_temperatures_draw_likelier_codes(output: dict[str, object]) -> None:
    head = make(output, Quantizer("mu-law", 256))
    features = np.random.default_rng(3).normal(size=head.size)
    loss = [
        float(np.mean(-np.log(probabilities(head, features, 256)[drawn(head, features, 5000, t)])))
        for t in (1.5, 1.0, 0.5)
    ]
    assert loss == sorted(loss, reverse=True)


@settings(max_examples=10, deadline=None)
@given(density, quantizer, st.integers(0, 1000))
def test_temperature_zero_always_draws_the_same(
    output: dict[str, object], quantizer: Quantizer, seed: int
) -> None:
    head = make(output, quantizer, seed)
    features = np.random.default_rng(seed).normal(size=head.size)
    assert len(set(drawn(head, features, 100, temperature=0.0).tolist())) == 1


def test_a_narrow_logistic_draws_its_mean_at_temperature_zero() -> None:
    quantizer = Quantizer("linear", 65536)
    head = make({"kind": "logistics", "components": 3}, quantizer)
    means = np.array([-0.5, 0.25, 0.125]) - head.spread
    features = np.concatenate([[0.0, 3.0, 1.0], means, [-4.0, -4.0, -4.0]])
    assert drawn(head, features, 1, temperature=0.0).tolist() == [int(1.25 * 32768)]


@pytest.mark.parametrize("value", [0.0, 1e4, -1e4])
@pytest.mark.parametrize("levels", [16, 1000, 65536])
@pytest.mark.parametrize("output", [*DENSITIES[1:], {"kind": "regression"}], ids=named)
def test_loss_and_gradient_are_finite_at_extremes(
    output: dict[str, object], levels: int, value: float
) -> None:
    import tensorflow

    head = make(output, Quantizer("mu-law", levels))
    codes = tensorflow.constant([0, 1, levels // 2, levels - 1])
    features = tensorflow.Variable(tensorflow.fill((4, head.size), value))
    for sign in (1.0, np.where(np.arange(head.size) % 2, 1.0, -1.0).astype("float32")):
        with tensorflow.GradientTape() as tape:
            loss = head.loss(features * sign, codes)
        assert np.isfinite(loss.numpy()).all()
        assert np.isfinite(tape.gradient(loss, features).numpy()).all()


@settings(max_examples=12, deadline=None)
@given(quantizer)
def test_regression_draws_the_code_whose_value_it_names(quantizer: Quantizer) -> None:
    head = make({"kind": "regression"}, quantizer)
    codes = np.arange(quantizer.levels, dtype="int32")
    features = axis.position(codes, quantizer)[:, None]
    uniform = np.zeros((2, len(codes)), "float32")
    for temperature in (0.0, 1.0):
        at = np.full(len(codes), temperature, "float32")
        assert (ops.convert_to_numpy(head.draw(features, at, uniform)) == codes).all()
    assert ops.convert_to_numpy(head.loss(features, codes)).max() < 1e-9


def test_regression_beyond_full_scale_draws_the_ends() -> None:
    head = make({"kind": "regression"}, Quantizer("linear", 256))
    features = np.array([[-7.0], [7.0], [1e30]], "float32")
    uniform = np.zeros((2, 3), "float32")
    assert ops.convert_to_numpy(head.draw(features, np.ones(3, "float32"), uniform)).tolist() == [
        0,
        255,
        255,
    ]
