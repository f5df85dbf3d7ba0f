"""Products with matrices that lie in memory in the order in which they are read.

A matrix is kept as tiles of 64 outputs, of each tile one row after the other, so that a processor
that reads ahead finds what it expects; row by row, large ones came at half of the memory's speed.
One stream has its outputs side by side in a register and goes through four tiles at once; many
have streams side by side. Every output is a chain of fused multiply-adds over the inputs from first
to last either way, so a stream gets the same bits in both. Weights may have 16 or 8 bits.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from rawtone.generation.kernels import eight_bits, sixteen_bits
from rawtone.generation.kernels.calls import call
from rawtone.generation.kernels.eight_bits import GROUP, Eight
from rawtone.generation.kernels.loops import carried
from rawtone.generation.kernels.scratch import restore, scratch
from rawtone.generation.kernels.weights import Matrix, Precision, aligned
from rawtone.kernels.vectors import (
    FLOAT,
    LANES,
    data,
    fma,
    index,
    load,
    prefetch,
    splat,
    store,
)

_WIDTH = 4  # vectors of outputs in a tile
_TILES = 4  # that one stream goes through at once: 16 sums hide how long each takes
# Inputs above which 16 streams ask for weights ahead: it makes large matrices more than twice as
# fast, and those a few per cent slower of which a tile is near anyway.
_TALL = 512
_EIGHT_WIDTH = 256  # outputs in a tile of 8-bit weights: as many as their product takes at once


def pack(matrix: NDArray[Any], precision: Precision = "float32") -> Matrix:
    """Return a matrix as the products here read it.

    Args:
        matrix: [inputs, outputs]; outputs are a multiple of 16, for int8 inputs, too.
        precision: that it is kept in.

    Returns:
        All of a matrix in a row, float32 or bfloat16 as uint16 [inputs * outputs], or `Eight` with
        data [inputs * outputs], and scales and corrections [outputs].
    """
    if precision == "int8":
        tiles = [eight_bits.packed(tile) for tile in _tiles(matrix, _EIGHT_WIDTH)]
        arrays = [[part.reshape(-1) for part in tile] for tile in tiles]
        return Eight(*(aligned(np.concatenate(parts)) for parts in zip(*arrays, strict=True)))
    flat = np.concatenate([tile.reshape(-1) for tile in _tiles(matrix, LANES * _WIDTH)])
    return aligned(flat if precision == "float32" else sixteen_bits.packed(flat))


def _tiles(matrix: NDArray[Any], width: int) -> list[NDArray[np.float32]]:
    edges = range(0, matrix.shape[1], width)
    return [matrix[:, edge : edge + width].astype(np.float32) for edge in edges]


def _in_tiles(builder: Any, outputs: Any, emit: Callable[[Any, int], None]) -> None:
    """Emit code for all tiles, and for what is left where outputs do not fill a last one.

    Args:
        builder: of LLVM's code.
        outputs: how many there are.
        emit: emits what is done with so many vectors of outputs, whole tiles or a part of one, from
            an output on.
    """
    full = builder.and_(outputs, index(-LANES * _WIDTH))
    start = cgutils.alloca_once_value(builder, index(0))
    for count in (_TILES, 1):
        step = index(LANES * _WIDTH * count)
        last = builder.sub(full, builder.srem(builder.sub(full, builder.load(start)), step))
        with cgutils.for_range_slice(builder, builder.load(start), last, step) as (at, _):
            emit(at, count * _WIDTH)
        builder.store(last, start)
    for left in range(1, _WIDTH):
        fits = builder.icmp_signed("==", builder.sub(outputs, full), index(LANES * left))
        with builder.if_then(fits):
            emit(full, left)


def _called(name: str, emit: Callable[..., None]) -> Callable[..., Any]:
    """Return what generates a call of a function, which each module has once: it compiles sooner.

    Args:
        name: of the function.
        emit: emits its body, given a builder, pointers to weights, x and y, and the numbers of
            inputs and outputs.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pairs = list(zip(signature.args, arguments, strict=True))
        given = [data(context, builder, kind, array) for kind, array in pairs]
        for kind, array in pairs[1:]:
            proxy = cgutils.create_struct_proxy(kind)(context, builder, array)
            given.append(cgutils.unpack_tuple(builder, proxy.shape, kind.ndim)[0])
        call(builder, f"{name}.{signature.args[0].dtype}", given, emit)
        return context.get_dummy_value()

    return generate


def _is_halves(pointer: Any) -> bool:
    return bool(pointer.type != FLOAT.as_pointer())


def _of_one(builder: Any, w: Any, xs: Any, ys: Any, inputs: Any, outputs: Any) -> None:
    """Emit the product for one stream."""
    load_weights = sixteen_bits.load_sixteen if _is_halves(w) else load

    def tiles(at: Any, vectors: int) -> None:
        width = min(vectors, _WIDTH)
        size = builder.mul(inputs, index(LANES * width))
        first = builder.mul(inputs, at)
        begins = [builder.add(first, builder.mul(size, index(k))) for k in range(vectors // width)]
        places = [builder.add(at, index(LANES * k)) for k in range(vectors)]

        def more(i: Any, sums: list[Any]) -> list[Any]:
            value = splat(builder, builder.load(builder.gep(xs, [i])))
            row = builder.mul(i, index(LANES * width))
            found = [
                load_weights(builder, w, builder.add(builder.add(begin, row), index(LANES * k)))
                for begin in begins
                for k in range(width)
            ]
            return [fma(builder, value, a, s) for a, s in zip(found, sums, strict=True)]

        begun = [load(builder, ys, place) for place in places]
        for place, total in zip(places, carried(builder, begun, inputs, more), strict=True):
            store(builder, total, ys, place)

    _in_tiles(builder, outputs, tiles)


def _of_many(builder: Any, w: Any, xs: Any, ys: Any, inputs: Any, outputs: Any) -> None:
    """Emit the product for 16 streams."""
    halves = _is_halves(w)
    if halves:  # widened once for all streams
        saved, floats = scratch(builder, FLOAT, builder.mul(inputs, index(LANES)))

    def vector(at: Any, first: Any, width: int, following: Any) -> None:
        """Sum up 16 outputs, whose first weight is at `first`, in rows of so many vectors.

        Meanwhile it asks for the next ones, at `following`, unless that is None.
        """
        found, begin, stride = w, first, index(LANES * width)
        if halves:
            sixteen_bits.widen(builder, w, first, stride, inputs, LANES, floats)
            found, begin, stride = floats, index(0), index(LANES)
        places = [builder.mul(builder.add(at, index(r)), index(LANES)) for r in range(LANES)]

        def more(i: Any, sums: list[Any]) -> list[Any]:
            value = load(builder, xs, builder.mul(i, index(LANES)))
            start = builder.add(begin, builder.mul(i, stride))
            ats = [builder.add(start, index(r)) for r in range(LANES)]
            if following is not None:
                prefetch(builder, w, builder.add(following, builder.mul(i, index(LANES * width))))
            ones = [splat(builder, builder.load(builder.gep(found, [at]))) for at in ats]
            return [fma(builder, value, a, s) for a, s in zip(ones, sums, strict=True)]

        begun = [load(builder, ys, place) for place in places]
        for place, total in zip(places, carried(builder, begun, inputs, more), strict=True):
            store(builder, total, ys, place)

    def tiles(at: Any, vectors: int, asking: bool) -> None:
        width = min(vectors, _WIDTH)
        size, end = index(LANES * width), builder.add(at, index(LANES * vectors))
        with cgutils.for_range_slice(builder, at, end, size) as (tile, _):
            first = builder.mul(inputs, tile)
            with cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (k, _):
                behind = builder.add(k, index(LANES))
                last = builder.icmp_signed("==", behind, size)
                after = builder.select(last, builder.mul(inputs, size), behind)
                following = builder.add(first, after) if asking else None
                vector(builder.add(tile, k), builder.add(first, k), width, following)

    tall = builder.icmp_signed(">", inputs, index(_TALL))
    with builder.if_else(tall) as (asking, waiting):
        with asking:
            _in_tiles(builder, outputs, partial(tiles, asking=True))
        with waiting:
            _in_tiles(builder, outputs, partial(tiles, asking=False))
    if halves:
        restore(builder, saved)


@intrinsic  # type: ignore[untyped-decorator]
def _add_one(_: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 1] the product of x[inputs, 1] with packed weights."""
    return types.void(weights, x, y), _called("packed_one", _of_one)


@intrinsic  # type: ignore[untyped-decorator]
def _add_many(_: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] the products of x[inputs, 16], of 16 streams, with packed weights."""
    return types.void(weights, x, y), _called("packed_many", _of_many)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _add_floats(weights: Any, x: Any, y: Any) -> None:
    if x.shape[1] == 1:
        _add_one(weights, x, y)
    else:
        _add_many(weights, x, y)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _add_eight(matrix: Any, x: Any, y: Any) -> None:
    groups, lanes = len(x) // GROUP, x.shape[1]
    for at in range(0, len(y), _EIGHT_WIDTH):
        end = min(at + _EIGHT_WIDTH, len(y))
        whole = matrix.data[at * len(x) : end * len(x)]
        tile = whole.reshape((groups, end - at, GROUP))
        scales, corrections = matrix.scales[at:end], matrix.corrections[at:end]
        if lanes == 1:
            eight_bits.add_product(tile, scales, corrections, x, y[at:end])
        else:
            eight_bits.add_products(tile, scales, corrections, x, y[at:end])


def add_packed(matrix: Matrix, x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
    """Add to y[outputs, lanes] the products of x[inputs, lanes]; in compiled code only.

    Args:
        matrix: what `pack` returned.
        x: C-contiguous; lanes are 1 or 16.
        y: C-contiguous. Written.
    """
    raise TypeError("only compiled code can call it")


@overload(add_packed, strict=False)  # type: ignore[untyped-decorator]
def _add_packed(matrix: Any, x: Any, y: Any) -> Any:
    if isinstance(matrix, types.NamedTuple):
        return lambda matrix, x, y: _add_eight(matrix, x, y)
    return lambda matrix, x, y: _add_floats(matrix, x, y)
