"""Steps of recurrent layers: GRU, GRU that resets before its matrix, LSTM, and stacks of them.

Arrays are [features, lanes], for one stream or for 16; what is computed is the same, element by
element. Every gate's units are filled up to whole vectors; what is filled in stays zero.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from rawtone.generation.kernels.packed import Floats, add_packed, pack, padded, spread, up
from rawtone.generation.kernels.vectors import (
    LANES,
    clamped,
    data,
    fma,
    index,
    load,
    sigmoid,
    store,
    tanh,
)

GRU, RESET_BEFORE, LSTM = 0, 1, 2
KINDS = {"GRU": GRU, "ResetBefore": RESET_BEFORE, "LSTM": LSTM}
GATES = (3, 3, 4)


class Layer(NamedTuple):
    """A recurrent layer's weights, packed.

    Attributes:
        below: [units of the layer below, gates * units]; empty for the first layer.
        bias: [gates * units], of all gates; zeros where what is heard has it already.
        recurrent: [units, gates * units], of a GRU that resets before [units, 2 * units].
        candidate: [units, units] of a GRU that resets before, which follows; else empty.
        inner: [units], the bias that a GRU resets with what it multiplies; else zeros.
    """

    below: Floats
    bias: Floats
    recurrent: Floats
    candidate: Floats
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
    if hasattr(weight, "gain"):
        matrix = exact(weight.weight)
        if weight.gain is None:
            return matrix
        lengths = np.sqrt(np.sum(matrix**2, axis=tuple(range(matrix.ndim - 1))))
        return matrix * (exact(weight.gain) / lengths)
    return np.asarray(weight, dtype=np.float64)


def pack_layer(
    kind: int, found: Unpacked, below: NDArray[np.float64] | None, biased: bool
) -> Layer:
    """Pack a layer.

    Args:
        kind: GRU, RESET_BEFORE or LSTM.
        found: its weights.
        below: the rows of its kernel that a layer below is heard by, padded; None for none.
        biased: whether what else it hears lacks its bias.
    """
    units = len(found.inner)
    matrix, candidate = found.recurrent, np.zeros((0, units))
    if kind == GRU:  # the last gate first: so it is beside the others, and apart from its input
        matrix = np.concatenate([matrix[:, 2 * units :], matrix[:, : 2 * units]], axis=1)
    if kind == RESET_BEFORE:
        matrix, candidate = matrix[:, : 2 * units], matrix[:, 2 * units :]
    return Layer(
        below=pack(np.zeros((0, LANES)) if below is None else below),
        bias=(found.bias if biased else 0 * found.bias).astype(np.float32),
        recurrent=pack(matrix),
        candidate=pack(candidate),
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
        _gru(sums, state)
    elif kind == LSTM:
        add_packed(layer.recurrent, output, sums)
        _lstm(sums, output, state[units:])
    else:
        add_packed(layer.recurrent, output, sums[: 2 * units])
        _reset(sums, state, kept)
        add_packed(layer.candidate, kept, sums[2 * units : 3 * units])
        _renew(sums, state)


def _elementwise(body: Any) -> Any:
    """Return what emits code for a body that makes 16 elements of arrays.

    Args:
        body: of the builder, a function that loads and one that stores. They take the number of an
            array, and how many times the last array's length is before the element.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pairs = list(zip(signature.args, arguments, strict=True))
        pointers = [data(context, builder, kind, array) for kind, array in pairs]
        kind, last = pairs[-1]
        size = cgutils.create_struct_proxy(kind)(context, builder, last).nitems
        with cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (at, _):

            def get(array: int, part: int = 0) -> Any:
                place = builder.add(at, builder.mul(size, index(part)))
                return load(builder, pointers[array], place)

            def put(value: Any, array: int) -> None:
                store(builder, value, pointers[array], at)

            body(builder, get, put)
        return context.get_dummy_value()

    return generate


def _mixed(builder: Any, z: Any, new: Any, old: Any) -> Any:
    return fma(builder, z, builder.fsub(old, new), new)


@intrinsic
def _gru(typing: Any, sums: Any, state: Any) -> Any:
    """Renew a GRU's state from sums: n of its state, z, r, n of what it hears."""

    def body(builder: Any, get: Any, put: Any) -> None:
        z, r = sigmoid(builder, get(0, 1)), sigmoid(builder, get(0, 2))
        new = tanh(builder, fma(builder, r, get(0, 0), get(0, 3)))
        put(_mixed(builder, z, new, get(1)), 1)

    return types.void(sums, state), _elementwise(body)


@intrinsic
def _reset(typing: Any, sums: Any, state: Any, kept: Any) -> Any:
    """Set what is kept of a state, from sums: z, r, n."""

    def body(builder: Any, get: Any, put: Any) -> None:
        put(builder.fmul(sigmoid(builder, get(0, 1)), get(1)), 2)

    return types.void(sums, state, kept), _elementwise(body)


@intrinsic
def _renew(typing: Any, sums: Any, state: Any) -> Any:
    """Renew the state of a GRU that resets before, from sums: z, r, n."""

    def body(builder: Any, get: Any, put: Any) -> None:
        z, new = sigmoid(builder, get(0, 0)), tanh(builder, get(0, 2))
        put(_mixed(builder, z, new, get(1)), 1)

    return types.void(sums, state), _elementwise(body)


@intrinsic
def _lstm(typing: Any, sums: Any, output: Any, memory: Any) -> Any:
    """Renew an LSTM's output and memory, from sums: i, f, g, o."""

    def body(builder: Any, get: Any, put: Any) -> None:
        i, f, o = (sigmoid(builder, get(0, part)) for part in (0, 1, 3))
        taken = builder.fmul(i, tanh(builder, get(0, 2)))
        memory = fma(builder, f, get(2), taken)
        put(memory, 2)
        put(builder.fmul(o, tanh(builder, memory)), 1)

    return types.void(sums, output, memory), _elementwise(body)


@intrinsic
def rectify(typing: Any, x: Any) -> Any:
    """Set what is below zero to zero."""

    def body(builder: Any, get: Any, put: Any) -> None:
        put(clamped(builder, get(0), 0.0, float("inf")), 0)

    return types.void(x), _elementwise(body)
