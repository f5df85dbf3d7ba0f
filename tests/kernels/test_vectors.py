"""The functions that kernels are made of are as exact as float32 lets them be."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit, types
from numba.extending import intrinsic

from rawtone.generation.kernels.elements import gate
from rawtone.kernels import vectors
from rawtone.kernels.vectors import LANES, data, index, load, store


def on_arrays(emit: Any) -> Any:
    """Return a function that sets y to what is computed of x, both float32 [16]."""

    @intrinsic
    def compute(_: Any, x: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pairs = zip(signature.args, arguments, strict=True)
            source, target = (data(context, builder, kind, array) for kind, array in pairs)
            store(builder, emit(builder, load(builder, source, index(0))), target, index(0))
            return context.get_dummy_value()

        return types.void(x, y), generate

    @njit
    def run(x: Any, y: Any) -> None:
        compute(x, y)

    return run


EXP, TANH, SIGMOID = (on_arrays(emit) for emit in (vectors.exp, vectors.tanh, vectors.sigmoid))


@njit
def gated(a: Any, b: Any, z: Any) -> None:
    gate(a, b, z)


def of(function: Any, value: float) -> float:
    """Return what a function makes of a value, which has to be the same in every lane."""
    x, y = np.full(LANES, value, np.float32), np.empty(LANES, np.float32)
    function(x, y)
    assert len(set(y.tolist())) == 1
    return float(y[0])


numbers = st.floats(-300, 300, width=32)
inner = st.floats(-87, 87, width=32)


@given(inner)
@settings(deadline=None)
def test_exp_is_within_two_units_in_the_last_place(x: float) -> None:
    exact = np.exp(np.float64(np.float32(x)))
    assert abs(of(EXP, x) - exact) <= 2 * np.spacing(np.float32(exact))


@given(numbers)
@settings(deadline=None)
def test_exp_stays_finite_beyond_what_it_can_tell(x: float) -> None:
    assert of(EXP, x) == of(EXP, min(max(x, -87.0), 87.0))


@given(numbers)
@settings(deadline=None)
def test_tanh_and_sigmoid_err_less_than_a_unit_in_the_last_place_of_one(x: float) -> None:
    exact = np.float64(np.float32(x))
    assert of(TANH, x) == pytest.approx(math.tanh(exact), abs=1.5e-7)
    assert of(SIGMOID, x) == pytest.approx(1 / (1 + np.exp(-exact)), abs=1.5e-7)


@given(numbers, numbers)
@settings(deadline=None)
def test_a_gate_is_tanh_times_sigmoid(a: float, b: float) -> None:
    pair, z = (np.full(LANES, value, np.float32) for value in (a, b)), np.empty(LANES, np.float32)
    gated(*pair, z)
    exact = math.tanh(a) / (1 + np.exp(-np.float64(b)))
    assert float(z[0]) == pytest.approx(exact, abs=2e-7)


def test_no_lane_looks_at_another() -> None:
    x, y = np.linspace(-4, 4, LANES, dtype=np.float32), np.empty(LANES, np.float32)
    EXP(x, y)
    np.testing.assert_array_equal(y, [np.float32(of(EXP, value)) for value in x])
