"""Matrices of 8 and 16 bits: what their products are, to the bit."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from rawtone.generation.kernels import weights
from rawtone.generation.kernels.eight_bits import Eight

SIXTEENTHS = st.integers(1, 21)  # all tiles, and what is left of them
SCALES = st.sampled_from([0.0, 1e-35, 1e-6, 1.0, 1e6])


@njit
def one(matrix: Any, x: Any, y: Any) -> None:
    weights.add_product(matrix, x, y)


@njit
def sixteen(matrix: Any, x: Any, y: Any) -> None:
    weights.add_products(matrix, x, y)


@njit
def one_of_several(matrices: Any, number: int, x: Any, y: Any) -> None:
    weights.add_product(weights.part(matrices, number), x, y)


def numbers(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    random = np.random.default_rng([seed, *shape])
    return (scale * random.normal(size=shape)).astype(np.float32)


def as_integers(matrix: Eight, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return y plus the product, from whole numbers and single roundings in numpy.

    Args:
        matrix: int8.
        x: float32 [inputs].
        y: float32 [outputs].
    """
    greatest = np.maximum(np.abs(x).max(), np.float32(1e-30))
    factor, step = np.float32(127) / greatest, greatest / np.float32(127)
    coded = np.rint(x.astype(np.float64) * factor).astype(np.int64)
    signed = np.swapaxes(matrix.data, -1, -2).reshape(len(x), -1).astype(np.int64)
    sums = (coded @ signed).astype(np.float32).astype(np.float64)
    # a product of two floats is exact in 53 bits, and so is the sum all but never rounded twice
    return (sums * (matrix.scales * step) + y).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(SIXTEENTHS, SIXTEENTHS, SCALES, st.integers(0, 99))
def test_eight_bits_are_multiplied_as_whole_numbers(
    inputs: int, outputs: int, scale: float, seed: int
) -> None:
    matrix = weights.packed(numbers(16 * inputs, 16 * outputs, seed=seed), "int8")
    x, y = numbers(16 * inputs, scale=scale), numbers(16 * outputs)
    expected = as_integers(matrix, x, y)
    one(matrix, x, y)
    np.testing.assert_array_equal(y, expected)


@settings(max_examples=60, deadline=None)
@given(SIXTEENTHS, SIXTEENTHS, st.sampled_from(["float32", "bfloat16", "int8"]))
def test_a_stream_gets_the_same_bits_alone_and_among_sixteen(
    inputs: int, outputs: int, precision: weights.Precision
) -> None:
    matrix = weights.packed(numbers(16 * inputs, 16 * outputs), precision)
    xs, ys = numbers(16 * inputs, 16), numbers(16 * outputs, 16)
    xs *= np.geomspace(1e-3, 1e3, 16, dtype=np.float32)
    alone = [ys[:, lane].copy() for lane in range(16)]
    for lane, y in enumerate(alone):
        one(matrix, xs[:, lane].copy(), y)
    sixteen(matrix, xs, ys)
    np.testing.assert_array_equal(ys, np.stack(alone, axis=1))


@pytest.mark.parametrize("multiply", [one, sixteen])
def test_sixteen_bits_are_rounded_floats(multiply: Callable[..., None]) -> None:
    lanes = () if multiply is one else (16,)
    full = numbers(48, 80)
    matrix = weights.packed(full, "bfloat16")
    rounded = (matrix.astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_allclose(rounded, full, rtol=2.0**-8)
    x, y, expected = numbers(48, *lanes), numbers(80, *lanes), numbers(80, *lanes)
    multiply(matrix, x, y)
    multiply(weights.packed(rounded, "float32"), x, expected)
    np.testing.assert_array_equal(y, expected)


def test_halves_are_rounded_to_even() -> None:
    bits = np.array([0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF], np.uint32)
    found = weights.packed(bits.view(np.float32)[None], "bfloat16")
    assert [hex(half) for half in found[0]] == ["0x3f80", "0x3f82", "0x3f81", "0x3f80"]


@settings(max_examples=30, deadline=None)
@given(SIXTEENTHS, st.integers(0, 99))
def test_eight_bits_are_as_near_as_their_steps_allow(inputs: int, seed: int) -> None:
    full, x = numbers(16 * inputs, 32, seed=seed), numbers(16 * inputs, seed=seed + 1)
    y = np.zeros(32, np.float32)
    one(weights.packed(full, "int8"), x, y)
    step = np.abs(x).max() / 127
    steps = np.abs(full).max(axis=0) / 127
    # half a step of each factor, times the other
    bound = (np.abs(x)[:, None] * steps / 2 + (np.abs(full) + steps / 2) * step / 2).sum(axis=0)
    assert (np.abs(y - x.astype(np.float64) @ full) <= bound * 1.001).all()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_several_matrices_are_packed_together(precision: weights.Precision) -> None:
    several, x = numbers(3, 32, 48), numbers(32)
    together = weights.packed(several, precision)
    for number, full in enumerate(several):
        y, expected = np.zeros(48, np.float32), np.zeros(48, np.float32)
        one_of_several(together, number, x, y)
        one(weights.packed(full, precision), x, expected)
        np.testing.assert_array_equal(y, expected)
        again = np.zeros(48, np.float32)
        one(weights.part(together, number), x, again)
        np.testing.assert_array_equal(again, expected)


def test_matrices_begin_with_a_line_of_the_cache() -> None:
    for array in weights.packed(numbers(32, 48), "int8"):
        assert array.ctypes.data % 64 == 0


PRODUCTS = """
import hashlib
import numpy as np
from numba import njit
from rawtone.generation.kernels import weights

one = njit(lambda matrix, x, y: weights.add_product(matrix, x, y))
sixteen = njit(lambda matrix, x, y: weights.add_products(matrix, x, y))
random = np.random.default_rng(0)
found = hashlib.sha256()
for inputs, outputs in ((16, 16), (48, 80), (640, 352)):
    matrix = weights.packed(random.normal(size=(inputs, outputs)), "int8")
    for multiply, lanes in ((one, ()), (sixteen, (16,))):
        x = random.normal(size=(inputs, *lanes)).astype(np.float32)
        y = np.zeros((outputs, *lanes), np.float32)
        multiply(matrix, x, y)
        found.update(y)
print(any("vpdpbusd" in text for text in one.inspect_asm().values()), found.hexdigest())
"""


@cache
def products(features: str | None) -> list[str]:
    """Return whether the instruction was used, and a hash of many products."""
    forced = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features} if features else {}
    found = subprocess.run(
        [sys.executable, "-c", PRODUCTS],
        env=os.environ | forced,
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.split()


@pytest.mark.parametrize(
    ("features", "instruction"),
    [
        ("+avx2,+fma,+avxvnni", True),
        ("+avx512f,+avx512bw,+avx512dq,+avx512vl,+fma", False),
        ("+avx2,+fma", False),
    ],
)
def test_processors_without_the_instruction_get_the_same_bytes(
    features: str, instruction: bool
) -> None:
    import llvmlite.binding as llvm

    host = llvm.get_host_cpu_features()
    if not all(host.get(name.strip("+")) for name in features.split(",")):
        pytest.skip(f"this processor lacks {features}")
    used, here = products(None)
    assert used == str(bool(host.get("avx512vnni") or host.get("avxvnni")))
    assert products(features) == [str(instruction), here]
