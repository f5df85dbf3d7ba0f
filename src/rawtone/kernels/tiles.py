"""Matrix products of any strides, in tiles whose sums stay in registers.

out[i, j] += sum over k of a[i, k] b[k, j]. Rows of b and of out are read 16 floats at once, an
element of a is spread over a register. So the same code multiplies by a matrix, by a transposed
one, and adds up gradients of weights over time. LLVM's own vectorizer would keep the sums in
memory.
"""

from typing import Any

from numba import njit, types
from numba.extending import intrinsic

from rawtone.kernels.vectors import (
    INDEX,
    LANES,
    VECTOR,
    data,
    fma,
    index,
    load,
    splat,
    store,
)


def _tile(rows: int, vectors: int) -> Any:
    """Return an instruction that adds to a tile of `out`, rows x 16 vectors.

    More than 16 registers of sums made LLVM keep some of them on the stack.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def add(
        typing: Any,
        a: Any,
        a_at: Any,
        a_row: Any,
        a_next: Any,
        b: Any,
        b_at: Any,
        b_next: Any,
        out: Any,
        out_at: Any,
        out_row: Any,
        count: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kinds = signature.args
            pa, pb, po = (data(context, builder, kinds[i], values[i]) for i in (0, 4, 7))
            a_rows = _places(builder, values[1], values[2], rows)
            lines = _places(builder, values[8], values[9], rows)
            places = [_places(builder, line, index(LANES), vectors) for line in lines]
            begun = [[load(builder, po, place) for place in line] for line in places]

            def more(in_a: Any, in_b: Any, sums: list[list[Any]]) -> list[list[Any]]:
                found = [
                    load(builder, pb, p) for p in _places(builder, in_b, index(LANES), vectors)
                ]
                spread = [builder.load(builder.gep(pa, [builder.add(r, in_a)])) for r in a_rows]
                return [
                    [
                        fma(builder, splat(builder, s), f, t)
                        for f, t in zip(found, line, strict=True)
                    ]
                    for s, line in zip(spread, sums, strict=True)
                ]

            steps = (values[3], values[5], values[6], values[10])
            for line, totals in zip(places, _loop(builder, begun, steps, more), strict=True):
                for place, total in zip(line, totals, strict=True):
                    store(builder, total, po, place)
            return context.get_dummy_value()

        n = types.intp
        return types.void(a, n, n, n, b, n, n, out, n, n, n), generate

    return add


def _places(builder: Any, first: Any, step: Any, count: int) -> list[Any]:
    return [builder.add(first, builder.mul(step, index(i))) for i in range(count)]


def _loop(builder: Any, begun: list[list[Any]], steps: tuple[Any, ...], more: Any) -> Any:
    """Emit the loop over k, which keeps its sums in registers."""
    a_next, b_at, b_next, count = steps
    before = builder.block
    body, after = builder.append_basic_block("body"), builder.append_basic_block("after")
    builder.branch(body)
    builder.position_at_end(body)
    starts = (index(0), index(0), b_at)
    counters = [builder.phi(INDEX) for _ in starts]
    for counter, start in zip(counters, starts, strict=True):
        counter.add_incoming(start, before)
    sums = [[builder.phi(VECTOR) for _ in line] for line in begun]
    results = more(counters[1], counters[2], sums)
    for kept, first, result in zip(sums, begun, results, strict=True):
        for phi, start, total in zip(kept, first, result, strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(total, body)
    following = [
        builder.add(c, s) for c, s in zip(counters, (index(1), a_next, b_next), strict=True)
    ]
    for counter, value in zip(counters, following, strict=True):
        counter.add_incoming(value, body)
    builder.cbranch(builder.icmp_signed("<", following[0], count), body, after)
    builder.position_at_end(after)
    return results


def _strip(vectors: int, sizes: tuple[int, int, int]) -> Any:
    """Return a function for `vectors` x 16 columns of any number of rows."""
    large, medium, small = (_tile(rows, vectors) for rows in sizes)
    single = _tile(1, vectors)
    most, fewer, few = sizes

    @njit(nogil=True)  # type: ignore[untyped-decorator]
    def add(
        a: Any,
        at: int,
        row: int,
        step: int,
        b: Any,
        b_at: int,
        b_next: int,
        out: Any,
        out_at: int,
        out_row: int,
        rows: int,
        count: int,
    ) -> None:
        r = 0
        while r + most <= rows:
            o = out_at + r * out_row
            large(a, at + r * row, row, step, b, b_at, b_next, out, o, out_row, count)
            r += most
        while r + fewer <= rows:
            o = out_at + r * out_row
            medium(a, at + r * row, row, step, b, b_at, b_next, out, o, out_row, count)
            r += fewer
        while r + few <= rows:
            o = out_at + r * out_row
            small(a, at + r * row, row, step, b, b_at, b_next, out, o, out_row, count)
            r += few
        while r < rows:
            o = out_at + r * out_row
            single(a, at + r * row, row, step, b, b_at, b_next, out, o, out_row, count)
            r += 1

    return add


_four, _two, _one = _strip(4, (4, 2, 2)), _strip(2, (8, 4, 2)), _strip(1, (8, 4, 2))


@njit(nogil=True)  # type: ignore[untyped-decorator]
def add_product(
    a: Any,
    at: int,
    row: int,
    step: int,
    b: Any,
    b_at: int,
    b_next: int,
    out: Any,
    out_at: int,
    out_row: int,
    rows: int,
    columns: int,
    count: int,
) -> None:
    """Add a product to `out`, [rows, columns].

    Args:
        a: float32, flat; its element [i, k] is at `at + i * row + k * step`.
        at: see `a`.
        row: see `a`.
        step: see `a`.
        b: float32, flat; its row k begins at `b_at + k * b_next`.
        b_at: see `b`.
        b_next: see `b`.
        out: float32, flat; its row i begins at `out_at + i * out_row`.
        out_at: see `out`.
        out_row: see `out`.
        rows: of a and out.
        columns: of b and out, a multiple of 16.
        count: of what is added up, 1 or more.
    """
    c = 0
    while c + 64 <= columns:
        _four(a, at, row, step, b, b_at + c, b_next, out, out_at + c, out_row, rows, count)
        c += 64
    while c + 32 <= columns:
        _two(a, at, row, step, b, b_at + c, b_next, out, out_at + c, out_row, rows, count)
        c += 32
    while c < columns:
        _one(a, at, row, step, b, b_at + c, b_next, out, out_at + c, out_row, rows, count)
        c += 16
