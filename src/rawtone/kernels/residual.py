"""A residual block of WaveNet over a whole window, and its gradients, a part of the window at once.

Time is cut into chunks that stay in a core's cache; of each, one pass makes all that is made of it.
All arrays are C-contiguous float32; channels are multiples of 16. `x` [batch, n + span, residual]
comes in, and n steps go out; span = (taps - 1) * dilation. The gates are in `h`
[batch, n, 2 * channels]: filter beside gate. Of `z` = tanh(filter) * sigmoid(gate), the last
`scored` steps of all blocks stand side by side in `gated` [batch, scored, blocks * channels],
those of this block from `column` on. `y` [batch, n, residual] is the next block's input, empty
where there is no next block.
"""

from typing import Any

import numpy as np
from numba import njit

from rawtone.kernels.compiling import compiled
from rawtone.kernels.gated_rows import add, clear, gate, move, ungate
from rawtone.kernels.tiles import add_product

CHUNK = 128  # steps; 128 rows of 64 gates are 32 KiB


@compiled
def forward(
    part: int,
    parts: int,
    dilation: int,
    column: int,
    x: Any,
    kernel: Any,
    bias: Any,
    dense: Any,
    dense_bias: Any,
    h: Any,
    y: Any,
    gated: Any,
) -> None:
    """Make one of `parts` parts of a block's outputs.

    Args:
        part: which one.
        parts: of all.
        dilation: samples between two taps.
        column: see above.
        x: see above.
        kernel: [taps, residual, 2 * channels].
        bias: [batch, 2 * channels].
        dense: [channels, residual].
        dense_bias: [residual].
        h: set to tanh and sigmoid.
        y: set, unless empty.
        gated: the block's columns of it are set.
    """
    batch, n, gates = h.shape
    taps, residual, channels = kernel.shape[0], kernel.shape[1], gates // 2
    span, unscored, wide = (taps - 1) * dilation, n - gated.shape[1], gated.shape[2]
    z = np.empty(CHUNK * channels, np.float32)
    xs, hs, ks, ys = x.reshape(-1), h.reshape(-1), kernel.reshape(-1), y.reshape(-1)
    bs, ds, out = bias.reshape(-1), dense.reshape(-1), gated.reshape(-1)
    for b in range(batch):
        end = n * (part + 1) // parts
        for start in range(n * part // parts, end, CHUNK):
            rows = min(CHUNK, end - start)
            first, heard = (b * n + start) * gates, (b * (n + span) + start) * residual
            for r in range(rows):
                move(bs, b * gates, hs, first + r * gates, gates)
            for k in range(taps):
                at, w = heard + k * dilation * residual, k * residual * gates
                add_product(
                    xs, at, residual, 1, ks, w, gates, hs, first, gates, rows, gates, residual
                )
            for r in range(rows):
                gate(hs, first + r * gates, z, r * channels, channels)
            for r in range(max(0, unscored - start), rows):
                place = (b * gated.shape[1] + start + r - unscored) * wide + column
                move(z, r * channels, out, place, channels)
            if y.size:
                _residual(xs, heard + span * residual, z, ds, dense_bias, ys, b * n + start, rows)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _residual(
    x: Any, at: int, z: Any, dense: Any, bias: Any, y: Any, begin: int, rows: int
) -> None:
    """Set rows of y to those of x, plus the bias, plus z times the matrix."""
    residual = bias.size
    channels = dense.size // residual
    first = begin * residual
    for r in range(rows):
        add(x, at + r * residual, bias, 0, y, first + r * residual, residual)
    add_product(z, 0, channels, 1, dense, 0, residual, y, first, residual, rows, residual, channels)


@compiled
def backward(
    part: int,
    parts: int,
    dilation: int,
    column: int,
    d_gated: Any,
    x: Any,
    h: Any,
    dh: Any,
    dense: Any,
    dy: Any,
    d_kernel: Any,
    d_bias: Any,
    d_dense: Any,
    d_dense_bias: Any,
) -> None:
    """Make a part of the gradient by filters and gates, and add that part's gradients of weights.

    Args:
        part: which one.
        parts: of all.
        dilation: as for `forward`.
        column: as for `forward`.
        d_gated: the gradient by `gated`.
        x: as for `forward`.
        h: as `forward` left it.
        dh: set to the gradient by what the gates were before tanh and sigmoid.
        dense: transposed, [residual, channels].
        dy: the gradient by `y`; empty where there was none.
        d_kernel: [taps, residual, 2 * channels], added to, as those that follow.
        d_bias: [batch, 2 * channels].
        d_dense: [channels, residual].
        d_dense_bias: [residual].
    """
    batch, n, gates = h.shape
    taps, residual, channels = d_kernel.shape[0], d_kernel.shape[1], gates // 2
    span = (taps - 1) * dilation
    z, dz = np.empty(CHUNK * channels, np.float32), np.empty(CHUNK * channels, np.float32)
    one = np.ones(1, np.float32)
    xs, hs, dys, ds = x.reshape(-1), h.reshape(-1), dy.reshape(-1), dense.reshape(-1)
    dhs = dh.reshape(-1)
    dks, dbs, dds = d_kernel.reshape(-1), d_bias.reshape(-1), d_dense.reshape(-1)
    for b in range(batch):
        end = n * (part + 1) // parts
        for start in range(n * part // parts, end, CHUNK):
            rows = min(CHUNK, end - start)
            first, after = (b * n + start) * gates, (b * n + start) * residual
            _upstream(d_gated, b, start - (n - d_gated.shape[1]), column, dz, rows, channels)
            if dy.size:
                add_product(
                    dys,
                    after,
                    residual,
                    1,
                    ds,
                    0,
                    channels,
                    dz,
                    0,
                    channels,
                    rows,
                    channels,
                    residual,
                )
            for r in range(rows):
                at = first + r * gates
                ungate(hs, at, dz, z, r * channels, dhs, at, channels)
            for k in range(taps):
                at = (b * (n + span) + start + k * dilation) * residual
                w = k * residual * gates
                add_product(
                    xs, at, 1, residual, dhs, first, gates, dks, w, gates, residual, gates, rows
                )
            add_product(one, 0, 0, 0, dhs, first, gates, dbs, b * gates, gates, 1, gates, rows)
            if dy.size:
                _of_dense(z, one, dys, after, dds, d_dense_bias, rows)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _of_dense(z: Any, one: Any, dy: Any, at: int, d_dense: Any, d_bias: Any, rows: int) -> None:
    residual = d_bias.size
    channels = d_dense.size // residual
    add_product(z, 0, 1, channels, dy, at, residual, d_dense, 0, residual, channels, residual, rows)
    add_product(one, 0, 0, 0, dy, at, residual, d_bias, 0, residual, 1, residual, rows)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _upstream(
    d_gated: Any, b: int, begin: int, column: int, dz: Any, rows: int, channels: int
) -> None:
    """Set dz to the gradient by what was scored; what was not has none from there."""
    source, wide = d_gated.reshape(-1), d_gated.shape[2]
    for r in range(rows):
        if begin + r >= 0:
            at = (b * d_gated.shape[1] + begin + r) * wide + column
            move(source, at, dz, r * channels, channels)
        else:
            clear(dz, r * channels, channels)


@compiled
def to_input(part: int, parts: int, dilation: int, dh: Any, kernel: Any, dy: Any, dx: Any) -> None:
    """Make a part of the gradient by `x`.

    Args:
        part: which one.
        parts: of all.
        dilation: as for `forward`.
        dh: as `backward` set it, all of it.
        kernel: transposed, [taps, 2 * channels, residual].
        dy: as for `backward`.
        dx: set, [batch, n + span, residual].
    """
    batch, n, gates = dh.shape
    taps, residual, m = kernel.shape[0], kernel.shape[2], dx.shape[1]
    dhs, ks, dxs, dys = dh.reshape(-1), kernel.reshape(-1), dx.reshape(-1), dy.reshape(-1)
    for b in range(batch):
        end = m * (part + 1) // parts
        for start in range(m * part // parts, end, CHUNK):
            stop = min(start + CHUNK, end)
            for i in range(start, stop):
                at = (b * m + i) * residual
                if dy.size and i >= m - n:
                    move(dys, (b * n + i - (m - n)) * residual, dxs, at, residual)
                else:
                    clear(dxs, at, residual)
            for k in range(taps):
                low, high = max(start, k * dilation), min(stop, k * dilation + n)
                if low < high:
                    at, w = (b * n + low - k * dilation) * gates, k * gates * residual
                    o, rows = (b * m + low) * residual, high - low
                    add_product(
                        dhs, at, gates, 1, ks, w, residual, dxs, o, residual, rows, residual, gates
                    )
