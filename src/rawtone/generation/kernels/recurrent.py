"""Steps of recurrent layers: GRU, GRU that resets before its matrix, LSTM, and stacks of them.

Arrays are [features, lanes], for one stream or for 16; what is computed is the same, element by
element. Every gate's units are filled up to whole vectors; what is filled in stays zero.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rawtone.generation.kernels.elements import renew_gru, renew_lstm, renew_reset, reset, spread
from rawtone.generation.kernels.packed import add_packed, pack
from rawtone.generation.kernels.padding import padded, up
from rawtone.generation.kernels.weights import Matrix, Precision
from rawtone.kernels.vectors import LANES

Floats = NDArray[np.float32]

GRU, RESET_BEFORE, LSTM = 0, 1, 2
KINDS = {"GRU": GRU, "ResetBefore": RESET_BEFORE, "LSTM": LSTM}
GATES = (3, 3, 4)


class Layer(NamedTuple):
    """A recurrent layer's weights, packed.

    Attributes:
        below: [units of the layer below, gates * units]; zeros where there is none.
        bias: [gates * units], of all gates; zeros where what is heard has it already.
        recurrent: [units, gates * units], of a GRU that resets before [units, 2 * units].
        candidate: [units, units] of a GRU that resets before, which follows; else zeros.
        inner: [units], the bias that a GRU resets with what it multiplies; else zeros.
    """

    below: Matrix
    bias: Floats
    recurrent: Matrix
    candidate: Matrix
    inner: Floats


class Unpacked(NamedTuple):
    """A layer's matrices, gates padded, in float64.

    Attributes:
        kernel: [inputs, gates * units].
        bias: [gates * units].
        recurrent: [units, gates * units].
        inner: [units].
    """

    kernel: NDArray[np.float64]
    bias: NDArray[np.float64]
    recurrent: NDArray[np.float64]
    inner: NDArray[np.float64]


def unpacked(layer: Any) -> Unpacked:
    """Return the weights of a rawtone.models.recurrent.Recurrent."""
    gates, units = layer.cell.gates, layer.units
    kernel, recurrent = (
        padded(exact(matrix), -1, gates) for matrix in (layer.kernel, layer.recurrent)
    )
    bias, inner = padded(exact(layer.bias), 0, gates), np.zeros(up(units))
    if layer.recurrent_bias is not None:
        second = padded(exact(layer.recurrent_bias), 0, gates)
        bias[: 2 * up(units)] += second[: 2 * up(units)]
        inner = second[2 * up(units) :]
    return Unpacked(kernel, bias, padded(recurrent, 0), inner)


def exact(weight: Any) -> NDArray[np.float64]:
    """Return a variable or a Matrix, its weight norm worked out, as float64."""
    if not hasattr(weight, "gain"):
        return np.asarray(weight, dtype=np.float64)
    matrix = np.asarray(weight.weight, dtype=np.float64)
    if weight.gain is None:
        return matrix
    lengths = np.sqrt(np.sum(matrix**2, axis=tuple(range(matrix.ndim - 1))))
    normed: NDArray[np.float64] = matrix * (np.asarray(weight.gain, dtype=np.float64) / lengths)
    return normed


def pack_layer(
    kind: int,
    found: Unpacked,
    below: NDArray[np.float64] | None,
    biased: bool,
    precision: Precision,
) -> Layer:
    """Pack a layer.

    Args:
        kind: GRU, RESET_BEFORE or LSTM.
        found: its weights.
        below: the rows of its kernel that a layer below is heard by, padded; None for none.
        biased: whether what else it hears lacks its bias.
        precision: of its matrices.
    """
    units, nothing = len(found.inner), np.zeros((LANES, LANES))
    matrix, candidate = found.recurrent, nothing
    if kind == GRU:  # the last gate first: so it is beside the others, and apart from its input
        matrix = np.concatenate([matrix[:, 2 * units :], matrix[:, : 2 * units]], axis=1)
    if kind == RESET_BEFORE:
        matrix, candidate = matrix[:, : 2 * units], matrix[:, 2 * units :]
    return Layer(
        below=pack(nothing if below is None else below, precision),
        bias=(found.bias if biased else 0 * found.bias).astype(np.float32),
        recurrent=pack(matrix, precision),
        candidate=pack(candidate, precision),
        inner=found.inner.astype(np.float32),
    )


def state_rows(kind: int, units: int) -> int:
    """Return the numbers of a layer's state."""
    return up(units) * (2 if kind == LSTM else 1)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def begin(kind: int, units: int) -> int:
    """Return where, in the sums of a layer, those of what it hears begin."""
    return units if kind == GRU else 0


@njit(nogil=True)  # type: ignore[untyped-decorator]
def advance(kind: int, layer: Any, sums: Any, kept: Any, state: Any) -> None:
    """Go one step.

    Args:
        kind: of layer.
        layer: `Layer`.
        sums: [4 * units, lanes]; from `begin` on what the layer hears of others has been summed.
            Overwritten.
        kept: [units, lanes]; overwritten.
        state: [state, lanes]; the output comes first. Written.
    """
    units = len(layer.inner)
    output = state[:units]
    if kind == GRU:
        spread(layer.inner, sums[:units])
        add_packed(layer.recurrent, output, sums[: 3 * units])
        renew_gru(sums, state)
    elif kind == LSTM:
        add_packed(layer.recurrent, output, sums)
        renew_lstm(sums, output, state[units:])
    else:
        add_packed(layer.recurrent, output, sums[: 2 * units])
        reset(sums, state, kept)
        add_packed(layer.candidate, kept, sums[2 * units : 3 * units])
        renew_reset(sums, state)
