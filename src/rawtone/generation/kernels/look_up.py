"""What the last codes say, as sums of rows of a table, or as their embeddings times a matrix."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from rawtone.generation.kernels.loops import carried, in_tiles
from rawtone.generation.kernels.packed import add_packed, pack
from rawtone.generation.kernels.turning import add_beside
from rawtone.generation.kernels.weights import Matrix, Precision
from rawtone.kernels.vectors import LANES, constant, data, index, load, store

Floats = NDArray[np.float32]

# Above so many codes, a table of what they say after a matrix costs more than the matrix.
LEVELS_OF_A_TABLE = 4096


class LookUp(NamedTuple):
    """A convolution over codes.

    Attributes:
        rows: [taps, levels, outputs], what a code adds, by how long ago it was; with a matrix [1,
            levels, numbers], what stands for a code.
        matrix: packed, [taps * numbers, outputs]; empty where rows say it all.
    """

    rows: Floats
    matrix: Matrix


def pack_look_up(
    rows: NDArray[np.float64] | None,
    kernel: NDArray[np.float64],
    after: NDArray[np.float64],
    precision: Precision,
) -> LookUp:
    """Pack a convolution over codes and the matrix that follows it.

    Args:
        rows: [levels, numbers], what stands for a code; None where the kernel has a row for each.
        kernel: [taps, numbers or levels, features].
        after: [features, outputs]; outputs are a multiple of 16.
        precision: of a matrix. Tables stay as they are, as little of them is read for a sample;
            and int8 becomes bfloat16, as numbers of codes are no multiple of 16.
    """
    kept: Precision = "bfloat16" if precision == "int8" else precision
    if rows is None or len(rows) <= LEVELS_OF_A_TABLE:
        taps = kernel if rows is None else rows @ kernel
        table = np.stack([(tap @ after).astype(np.float32) for tap in taps])
        return LookUp(np.ascontiguousarray(table), pack(np.zeros((0, LANES)), kept))
    flat = (kernel @ after).reshape(-1, after.shape[1])
    return LookUp(np.ascontiguousarray(rows[None], np.float32), pack(flat, kept))


@njit(nogil=True)  # type: ignore[untyped-decorator]
def room(found: Any, taps: int, lanes: int) -> Any:
    """Return what `add_look_up` works in."""
    return np.empty(found.rows.shape[2] * lanes * (taps if len(found.matrix) else 1), np.float32)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def add_look_up(found: Any, past: Any, first: int, taps: int, work: Any, y: Any) -> None:
    """Add to y what the last codes say.

    Args:
        found: `LookUp`.
        past: int32 [slots, lanes], a ring.
        first: slot of the oldest code that counts.
        taps: how many count.
        work: `room`. Overwritten.
        y: [outputs, lanes]. Written.
    """
    slots, lanes = past.shape
    numbers = found.rows.shape[2]
    if len(found.matrix):
        x = work.reshape((taps * numbers, lanes))
        for k in range(taps):
            for lane in range(lanes):
                code = past[(first + k) % slots, lane]
                for number in range(numbers):
                    x[k * numbers + number, lane] = found.rows[0, code, number]
        add_packed(found.matrix, x, y)
        return
    own, places = work.reshape((lanes, numbers)), np.empty(taps, np.int64)
    for lane in range(lanes):
        for k in range(taps):
            places[k] = k * found.rows.shape[1] + past[(first + k) % slots, lane]
        _sum_rows(found.rows, places, own[lane])
    add_beside(own, y)


@intrinsic  # type: ignore[untyped-decorator]
def _sum_rows(_: Any, rows: Any, places: Any, y: Any) -> Any:
    """Set y to the sum of rows of a table, at such places."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pairs = list(zip(signature.args, arguments, strict=True))
        table, at, ys = (data(context, builder, kind, array) for kind, array in pairs)
        _, count, width = (
            cgutils.create_struct_proxy(k)(context, builder, a).nitems for k, a in pairs
        )

        def tile(start: Any, registers: int) -> None:
            def more(k: Any, sums: list[Any]) -> list[Any]:
                row = builder.mul(builder.load(builder.gep(at, [k])), width)
                first = builder.add(row, start)
                ats = [builder.add(first, index(LANES * r)) for r in range(registers)]
                found = [load(builder, table, place) for place in ats]
                return [builder.fadd(total, row) for total, row in zip(sums, found, strict=True)]

            sums = carried(builder, [constant(0.0)] * registers, count, more)
            for r, total in enumerate(sums):
                store(builder, total, ys, builder.add(start, index(LANES * r)))

        in_tiles(builder, width, LANES, tile)
        return context.get_dummy_value()

    return types.void(rows, places, y), generate
