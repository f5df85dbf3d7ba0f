"""From each stream's own row to streams side by side, and back, 16 x 16 at a time.

Where there is one stream, its row is what is side by side, and is copied.
"""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.generation.kernels.elements import add, copy
from rawtone.kernels.vectors import INTEGERS, LANES, data, index, load, store


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of 16 vectors: one bit of the places after the other changes sides."""
    for bit in (1, 2, 4, 8):
        low = [k if not k & bit else LANES + k - bit for k in range(LANES)]
        high = [k + bit if not k & bit else LANES + k for k in range(LANES)]
        masks = [ir.Constant(INTEGERS, places) for places in (low, high)]
        for row in range(LANES):
            if not row & bit:
                pair = rows[row], rows[row | bit]
                rows[row], rows[row | bit] = (builder.shuffle_vector(*pair, m) for m in masks)
    return rows


def _turning(adds: bool, apart: int) -> Any:
    """Return what emits code that turns one array into another.

    Args:
        adds: whether to add to what is there.
        apart: which of both arrays has a row for each stream.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pairs = list(zip(signature.args, arguments, strict=True))
        pointers = [data(context, builder, kind, array) for kind, array in pairs]
        size = cgutils.create_struct_proxy(pairs[0][0])(context, builder, arguments[0]).nitems
        size = builder.udiv(size, index(LANES))
        with cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (at, _):
            first = builder.mul(at, index(LANES))
            rows = [builder.add(at, builder.mul(size, index(k))) for k in range(LANES)]
            blocks = [builder.add(first, index(LANES * k)) for k in range(LANES)]
            places = (rows, blocks) if apart == 0 else (blocks, rows)
            found = _turned(builder, [load(builder, pointers[0], place) for place in places[0]])
            for value, place in zip(found, places[1], strict=True):
                if adds:
                    value = builder.fadd(load(builder, pointers[1], place), value)
                store(builder, value, pointers[1], place)
        return context.get_dummy_value()

    return generate


@intrinsic  # type: ignore[untyped-decorator]
def _add_beside(_: Any, own: Any, y: Any) -> Any:
    """Add own[16, n] to y[n, 16]."""
    return types.void(own, y), _turning(adds=True, apart=0)


@intrinsic  # type: ignore[untyped-decorator]
def _set_apart(_: Any, x: Any, own: Any) -> Any:
    """Set own[16, n] to x[n, 16]."""
    return types.void(x, own), _turning(adds=False, apart=1)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def add_beside(own: Any, y: Any) -> None:
    """Add own[lanes, n] to y[n, lanes]; n is a multiple of 16."""
    if len(own) == 1:
        add(own, y)
    else:
        _add_beside(own, y)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def set_apart(x: Any, own: Any) -> None:
    """Set own[lanes, n] to x[n, lanes]; n is a multiple of 16."""
    if len(own) == 1:
        copy(x, own)
    else:
        _set_apart(x, own)
