"""Linear prediction and the scans under it, against the same written out in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rawtone.audio import quantizers
from rawtone.models import axis, backend, scans
from rawtone.models.linear_prediction import Windows, levinson
from rawtone.models.resonators import Resonators

backend.start()


@given(steps=st.integers(1, 20), seed=st.integers(0, 100))
@settings(max_examples=10, deadline=None)
def test_scans_are_the_recurrences_they_stand_for(steps: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    a = random.uniform(size=(2, steps, 3)).astype("float32")
    x = random.normal(size=(2, steps, 3)).astype("float32")
    matrix = random.uniform(-0.5, 0.5, (3, 3))
    gated, constant = np.ones((2, 3)), np.ones((2, 3))
    found = np.asarray(scans.gated(a, x, ops.ones((2, 3))))
    found_constant = np.asarray(scans.constant(matrix, x, ops.ones((2, 3))))
    for step in range(steps):
        gated = a[:, step] * gated + x[:, step]
        constant = constant @ matrix.T + x[:, step]
        np.testing.assert_allclose(found[:, step], gated, atol=1e-5)
        np.testing.assert_allclose(found_constant[:, step], constant, atol=1e-5)


def test_levinson_solves_the_normal_equations() -> None:
    random = np.random.default_rng(0)
    signal = np.convolve(random.normal(size=4000), [1.0, 1.6, 0.9], "valid")
    r = np.array([np.dot(signal[lag:], signal[: len(signal) - lag]) for lag in range(9)])
    table = r[np.abs(np.subtract.outer(range(8), range(8)))]
    expected = np.linalg.solve(table, r[1:])

    coefficients, reflections, power = levinson(ops.convert_to_tensor(r[None], "float32"))

    np.testing.assert_allclose(np.asarray(coefficients)[0], expected, atol=1e-3)
    assert float(power[0, 0]) == pytest.approx(r[0] - expected @ r[1:], rel=1e-3)
    assert float(reflections[0, 0]) == pytest.approx(r[1] / r[0], rel=1e-5)


def test_windows_give_the_autocorrelation_of_the_windowed_past() -> None:
    """Three running sums a lag stand for a window without end; whatever the frames."""
    order, frame, span = 4, 5, 7.0
    random = np.random.default_rng(1)
    x = random.normal(size=order + 40)
    x[:order] = 0.0
    lags = np.stack([x[order - lag : len(x) - lag] for lag in range(order + 1)], axis=-1)
    products = np.concatenate([lags[:, :1] * lags, np.zeros((40, 1))], axis=1)
    windows = Windows([span], order, frame)

    running = windows.run(
        ops.convert_to_tensor(products.reshape(1, 8, frame, -1), "float32"),
        ops.zeros((1, *windows.shape)),
    )
    found = np.asarray(windows.autocorrelation(running))[0, -1, 0]

    age = np.arange(len(x))[::-1]
    windowed = x * (age + 1) * (1 - 1 / span) ** age
    expected = [np.dot(windowed[lag:], windowed[: len(x) - lag]) for lag in range(order + 1)]
    np.testing.assert_allclose(found[1:] / found[0], expected[1:] / expected[0], atol=2e-5)


@pytest.mark.parametrize("kind", ["mu-law", "a-law", "linear"])
def test_samples_are_placed_where_their_codes_stand(kind: quantizers.Kind) -> None:
    quantizer = quantizers.make(kind, 256)
    codes = np.arange(256)
    placed = axis.place(ops.convert_to_tensor(quantizer.decode(codes)), quantizer)
    np.testing.assert_allclose(placed, axis.position(codes, quantizer), atol=1e-5)


def test_resonators_answer_to_their_own_frequency_most() -> None:
    bank = Resonators(16, 10)
    angles = np.geomspace(0.015, 0.9 * np.pi, 16)
    for index in (3, 8, 14):
        x = np.sin(angles[index] * np.arange(4000)).astype("float32").reshape(1, 400, 10)
        levels = np.asarray(bank.levels(bank.run(x, ops.zeros((1, *bank.shape)))))[0, -1]
        assert levels.argmax() == index
