"""Products with matrices that lie in memory in the order in which they are read.

A matrix is kept as tiles of 64 outputs, of each tile one row after the other, so that a processor
that reads ahead finds what it expects; row by row, large ones came at half of the memory's speed.
One stream has its outputs side by side in a register and goes through four tiles at once; many
have streams side by side. Every output is a chain of fused multiply-adds over the inputs from first
to last either way, so a stream gets the same bits in both.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from rawtone.generation.kernels.products import _sums
from rawtone.generation.kernels.vectors import LANES, data, fma, index, load, splat, store

Floats = NDArray[np.float32]
_WIDTH = 4  # vectors of outputs in a tile
_TILES = 4  # that one stream goes through at once: 16 sums hide how long each takes


def up(size: int) -> int:
    """Return a size rounded up to whole vectors."""
    return -(-size // LANES) * LANES


def padded(array: NDArray[Any], axis: int, parts: int = 1) -> NDArray[Any]:
    """Fill each of several equal parts of an axis up to whole vectors with zeros."""
    axis %= array.ndim
    size = array.shape[axis] // parts
    apart = array.reshape(*array.shape[:axis], parts, size, *array.shape[axis + 1 :])
    widths = [(0, up(size) - size if k == axis + 1 else 0) for k in range(apart.ndim)]
    return np.pad(apart, widths).reshape(
        *array.shape[:axis], parts * up(size), *array.shape[axis + 1 :]
    )


def pack(matrix: NDArray[Any]) -> Floats:
    """Return a matrix as the products here read it.

    Args:
        matrix: [inputs, outputs]; outputs are a multiple of 16.

    Returns:
        float32 [inputs * outputs].
    """
    edges = range(0, matrix.shape[1], LANES * _WIDTH)
    tiles = [matrix[:, edge : edge + LANES * _WIDTH].reshape(-1) for edge in edges]
    return np.concatenate(tiles).astype(np.float32)


def _whole(builder: Any, shape: Any, generate: Callable[[Any, int], None]) -> None:
    """Emit code for all tiles, then for what is left where outputs do not fill a last one."""
    outputs = shape
    full = builder.and_(outputs, index(-LANES * _WIDTH))
    start = cgutils.alloca_once_value(builder, index(0))
    for count in (_TILES, 1):
        step = index(LANES * _WIDTH * count)
        last = builder.sub(full, builder.srem(builder.sub(full, builder.load(start)), step))
        with cgutils.for_range_slice(builder, builder.load(start), last, step) as (at, _):
            generate(at, count * _WIDTH)
        builder.store(last, start)
    for left in range(1, _WIDTH):
        fits = builder.icmp_signed("==", builder.sub(outputs, full), index(LANES * left))
        with builder.if_then(fits):
            generate(full, left)


@intrinsic
def _add_one(typing: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 1] the product of x[inputs, 1] with packed weights."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        w, xs, ys = _pointers(context, builder, signature, arguments)
        inputs, outputs = _sizes(context, builder, signature, arguments)

        def tiles(at: Any, vectors: int) -> None:
            width = min(vectors, _WIDTH)
            count = vectors // width
            size = builder.mul(inputs, index(LANES * width))
            first = builder.mul(inputs, at)
            begins = [builder.add(first, builder.mul(size, index(k))) for k in range(count)]
            places = [builder.add(at, index(LANES * k)) for k in range(vectors)]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = splat(builder, builder.load(builder.gep(xs, [i])))
                row = builder.mul(i, index(LANES * width))
                starts = [builder.add(begin, row) for begin in begins]
                found = [
                    load(builder, w, builder.add(start, index(LANES * k)))
                    for start in starts
                    for k in range(width)
                ]
                return [fma(builder, value, a, s) for a, s in zip(found, sums, strict=True)]

            begun = [load(builder, ys, place) for place in places]
            for place, total in zip(places, _sums(builder, begun, inputs, more), strict=True):
                store(builder, total, ys, place)

        _whole(builder, outputs, tiles)
        return context.get_dummy_value()

    return types.void(weights, x, y), generate


@intrinsic
def _add_many(typing: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] the products of x[inputs, 16], of 16 streams, with packed weights."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        w, xs, ys = _pointers(context, builder, signature, arguments)
        inputs, outputs = _sizes(context, builder, signature, arguments)

        def part(at: Any, begin: Any, width: int) -> None:
            """Sum up 16 outputs whose first weight is at `begin`, in rows of `width` vectors."""
            rows = [builder.add(at, index(r)) for r in range(LANES)]
            places = [builder.mul(row, index(LANES)) for row in rows]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = load(builder, xs, builder.mul(i, index(LANES)))
                start = builder.add(begin, builder.mul(i, index(LANES * width)))
                found = [
                    builder.load(builder.gep(w, [builder.add(start, index(r))]))
                    for r in range(LANES)
                ]
                return [
                    fma(builder, value, splat(builder, a), s)
                    for a, s in zip(found, sums, strict=True)
                ]

            begun = [load(builder, ys, place) for place in places]
            for place, total in zip(places, _sums(builder, begun, inputs, more), strict=True):
                store(builder, total, ys, place)

        def tiles(at: Any, vectors: int) -> None:
            width = min(vectors, _WIDTH)
            size = index(LANES * width)
            end = builder.add(at, index(LANES * vectors))
            with cgutils.for_range_slice(builder, at, end, size) as (tile, _):
                first = builder.mul(inputs, tile)
                with cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (k, _):
                    part(builder.add(tile, k), builder.add(first, k), width)

        _whole(builder, outputs, tiles)
        return context.get_dummy_value()

    return types.void(weights, x, y), generate


def _pointers(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    pairs = zip(signature.args, arguments, strict=True)
    return [data(context, builder, kind, array) for kind, array in pairs]


def _sizes(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    """Return the lengths of x and of y."""
    found = []
    for kind, array in list(zip(signature.args, arguments, strict=True))[1:]:
        proxy = cgutils.create_struct_proxy(kind)(context, builder, array)
        found.append(cgutils.unpack_tuple(builder, proxy.shape, kind.ndim)[0])
    return found


@njit(nogil=True)  # type: ignore[untyped-decorator]
def add_packed(weights: Any, x: Any, y: Any) -> None:
    """Add to y[outputs, lanes] the products of x[inputs, lanes] with a packed matrix.

    Args:
        weights: what `pack` returned.
        x: float32, C-contiguous; lanes are 1 or 16.
        y: float32, C-contiguous; outputs are a multiple of 16. Written.
    """
    if len(x) == 0:
        return
    if x.shape[1] == 1:
        _add_one(weights, x, y)
    else:
        _add_many(weights, x, y)
