"""What the processor can do at most: multiply-adds, and reads from each level of its memory."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.generation.kernels.loops import carried
from rawtone.generation.kernels.weights import aligned
from rawtone.kernels.vectors import LANES, constant, data, fma, index, load, store

SUMS = 16  # vectors under way at once
TRIES = 20
PLACES = {"L1": 32 * 2**10, "L2": 512 * 2**10, "L3": 8 * 2**20, "memory": 256 * 2**20}  # bytes


@intrinsic
def _multiply(_: Any, rounds: Any, kept: Any) -> Any:  # noqa: ARG001 - its type is given
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        factor = load(builder, data(context, builder, signature.args[1], arguments[1]), index(0))
        begun = [constant(float(number)) for number in range(SUMS)]
        found = carried(
            builder,
            begun,
            arguments[0],
            lambda _i, sums: [fma(builder, factor, factor, s) for s in sums],
        )
        _keep(context, builder, signature.args[1], arguments[1], found)
        return context.get_dummy_value()

    return types.void(types.int64, kept), generate


@intrinsic
def _read(_: Any, array: Any, kept: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, value = signature.args[0], arguments[0]
        size = cgutils.create_struct_proxy(kind)(context, builder, value).nitems
        pointer = data(context, builder, kind, value)

        def more(i: Any, sums: list[Any]) -> list[Any]:
            start = builder.mul(i, index(SUMS * LANES))
            places = [builder.add(start, index(LANES * number)) for number in range(SUMS)]
            found = [load(builder, pointer, place) for place in places]
            return [builder.fadd(s, x) for s, x in zip(sums, found, strict=True)]

        count = builder.udiv(size, index(SUMS * LANES))
        found = carried(builder, [constant(0.0)] * SUMS, count, more)
        _keep(context, builder, signature.args[1], arguments[1], found)
        return context.get_dummy_value()

    return types.void(array, kept), generate


def _keep(context: Any, builder: Any, kind: Any, array: Any, found: list[Any]) -> None:
    """Store a sum of all, or nothing would need to be computed."""
    total = found[0]
    for each in found[1:]:
        total = builder.fadd(total, each)
    store(builder, total, data(context, builder, kind, array), index(0))


@njit(nogil=True)
def _multiplied(rounds: int, kept: Any) -> None:
    _multiply(rounds, kept)


@njit(nogil=True)
def _reads(array: Any, times: int, kept: Any) -> None:
    for _ in range(times):
        _read(array, kept)


def _best(threads: int, work: Callable[[Any], None]) -> float:
    """Return the shortest time in seconds that all threads took to do the same."""
    kept = [aligned(np.full(LANES, 0.5, np.float32)) for _ in range(threads)]
    seconds = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(TRIES):
            started = time.perf_counter()
            list(pool.map(work, kept))
            seconds.append(time.perf_counter() - started)
    return min(seconds)


def arithmetic(threads: int) -> float:
    """Return operations a second in float32, a multiply-add being two."""
    rounds = 10**6
    seconds = _best(threads, lambda kept: _multiplied(rounds, kept))
    return 2 * rounds * SUMS * LANES * threads / seconds


def bandwidth(size: int, threads: int) -> float:
    """Return bytes a second that are read of arrays of so many bytes, one for each thread."""
    times = max(1, 64 * 2**20 // size)
    arrays = iter([aligned(np.ones(size // 4, np.float32)) for _ in range(threads)] * (TRIES + 1))
    seconds = _best(threads, lambda kept: _reads(next(arrays), times, kept))
    return size * times * threads / seconds


def line(threads: int) -> str:
    """Return all peaks in words."""
    read = ", ".join(
        f"{place} {bandwidth(size, threads) / 1e9:.0f}" for place, size in PLACES.items()
    )
    name = "1 thread" if threads == 1 else f"{threads} threads"
    return f"peaks, {name}: {arithmetic(threads) / 1e9:.0f} GFLOP/s; GB/s read from {read}"


if __name__ == "__main__":
    print(line(1))
