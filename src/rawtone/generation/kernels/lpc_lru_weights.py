"""What an lpc_lru network's kernel reads: weights, packed, and the constants of its prediction."""

import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from numpy.typing import NDArray

from rawtone.audio.quantizers import A
from rawtone.generation.kernels.padding import padded
from rawtone.generation.kernels.recurrent import exact
from rawtone.generation.kernels.weights import Matrix, Precision, of_logits, packed
from rawtone.models.logistics import LEAST_SHARE
from rawtone.models.rg_lru import SHARPNESS

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LINEAR, MU_LAW, A_LAW = 0, 1, 2
_KINDS = {"linear": LINEAR, "mu-law": MU_LAW, "a-law": A_LAW}


class Axis(NamedTuple):
    """The axis on which all cells of a quantizer are equally wide.

    Attributes:
        kind: LINEAR, MU_LAW or A_LAW.
        slope: of the curve's beginning.
        whole: what the curve is divided by.
        steps: cells between -1 and 1.
        levels: number of codes.
        values: [levels], what each code stands for.
        rounding: [levels], power of each code's rounding.
    """

    kind: int
    slope: float
    whole: float
    steps: float
    levels: int
    values: Doubles
    rounding: Doubles


class Prediction(NamedTuple):
    """Constants of the linear prediction, and of the resonators.

    Attributes:
        products: what a product within a frame adds to running sums, [3 * windows, frame].
        ageing: what a frame makes of the sums before it, [3 * windows, 3 * windows].
        lags: what makes autocorrelations of sums, [windows, 3, order + 2].
        struck: what a sample of a frame adds to resonators, [frame, 2, resonators].
        turning: what a frame makes of the resonators before it, [2, resonators].
    """

    products: Doubles
    ageing: Doubles
    lags: Doubles
    struck: Doubles
    turning: Doubles


class Layer(NamedTuple):
    """A recurrent block's weights; units are filled up to multiples of 16.

    Attributes:
        enter: [units, 2 * units], what its inputs are scaled by worked in.
        gates: [units, 2 * units].
        gates_bias: [2 * units].
        rate: [units], logarithm of what is kept in a frame, where the gate is open.
        leave: [units, units].
    """

    enter: Matrix
    gates: Matrix
    gates_bias: Floats
    rate: Doubles
    leave: Matrix


class Frames(NamedTuple):
    """The network that goes from frame to frame.

    Attributes:
        size: samples of a frame.
        width: units of a layer that are not filled in.
        entry: [heard, units]; reflections are heard in the order of lags.
        entry_bias: [units].
        layers: of the stack.
        tell: [units, hidden].
        tell_bias: [hidden].
    """

    size: int
    width: int
    entry: Matrix
    entry_bias: Floats
    layers: tuple[Layer, ...]
    tell: Matrix
    tell_bias: Floats


class Mixture(NamedTuple):
    """How outputs are a mixture of logistics.

    Attributes:
        first: [components], logarithms of widths where outputs are zero, by what is expected.
        narrowest: logarithm of the least width, in cells.
        widest: logarithm of the greatest.
    """

    first: Doubles
    narrowest: float
    widest: float


class Weights(NamedTuple):
    """A network's weights, packed.

    Attributes:
        axis: of the quantizer.
        prediction: constants.
        frames: the network that goes from frame to frame.
        residuals: past errors of each window that are heard.
        taps: past codes that are heard.
        hear: [heard, hidden]: errors, places of codes, what is predicted.
        hidden: [hidden, hidden].
        hidden_bias: [hidden].
        out: [hidden, outputs].
        out_bias: [outputs].
        mixture: what the outputs mean.
    """

    axis: Axis
    prediction: Prediction
    frames: Frames
    residuals: int
    taps: int
    hear: Matrix
    hidden: Matrix
    hidden_bias: Floats
    out: Matrix
    out_bias: Floats
    mixture: Mixture


def pack_weights(model: Any, precision: Precision) -> Weights:
    """Pack a rawtone.models.lpc_lru.LpcLru.

    Args:
        model: of the family.
        precision: of its matrices; constants stay doubles.
    """
    hidden, out = _filled(model.hidden.kernel), _filled(model.out.kernel)
    return Weights(
        axis=_axis(model),
        prediction=_prediction(model),
        frames=_frames(model, precision),
        residuals=model.settings.residuals,
        taps=model.settings.taps,
        hear=packed(_filled(model.hear.kernel), precision),
        hidden=packed(hidden, precision),
        hidden_bias=_bias(model.hidden.bias),
        out=packed(out, of_logits(precision)),
        out_bias=_bias(model.out.bias),
        mixture=_mixture(model),
    )


def _filled(weight: Any) -> Doubles:
    """Return a matrix whose axes are filled up to whole vectors."""
    return padded(padded(exact(weight), 0), 1)


def _bias(weight: Any) -> Floats:
    return padded(exact(weight), 0).astype(np.float32)


def _axis(model: Any) -> Axis:
    quantizer = model.audio.quantizer
    mu = quantizer.levels - 1.0
    slope, whole = {
        "linear": (1.0, 1.0),
        "mu-law": (mu, math.log1p(mu)),
        "a-law": (A, 1.0 + math.log(A)),
    }[quantizer.kind]
    tables = (np.asarray(table, np.float64) for table in (model.values, model.rounding))
    steps, levels = float(quantizer.steps), quantizer.levels
    return Axis(_KINDS[quantizer.kind], slope, whole, steps, levels, *tables)


def _prediction(model: Any) -> Prediction:
    windows, bank = model.windows, model.bank
    return Prediction(
        products=np.ascontiguousarray(windows.weights),
        ageing=windows.ageing,
        lags=np.ascontiguousarray(windows.lags),
        struck=np.ascontiguousarray(bank.weights.reshape(-1, *bank.shape)),
        turning=np.stack([bank.ageing.real, bank.ageing.imag]),
    )


def _frames(model: Any, precision: Precision) -> Frames:
    sizes, entry = model.settings, exact(model.enter.kernel)
    windows, reflections = len(sizes.spans), len(sizes.spans) * sizes.order
    by_lags = np.arange(reflections).reshape(windows, sizes.order).T.reshape(-1)
    entry[:reflections] = entry[by_lags]
    return Frames(
        size=sizes.frame_size,
        width=sizes.width,
        entry=packed(_filled(entry), precision),
        entry_bias=_bias(model.enter.bias),
        layers=tuple(_layer(block, precision) for block in model.blocks),
        tell=packed(_filled(model.condition.kernel), precision),
        tell_bias=_bias(model.condition.bias),
    )


def _layer(block: Any, precision: Precision) -> Layer:
    enter, gates = (
        padded(padded(matrix, 1, 2), 0)
        for matrix in (exact(block.scale)[:, None] * exact(block.enter), exact(block.gates))
    )
    return Layer(
        enter=packed(enter, precision),
        gates=packed(gates, precision),
        gates_bias=padded(exact(block.gates_bias), 0, 2).astype(np.float32),
        rate=-SHARPNESS * np.logaddexp(0.0, padded(exact(block.decay), 0)),
        leave=packed(_filled(block.leave), precision),
    )


def _mixture(model: Any) -> Mixture:
    head = model.head
    return Mixture(
        first=np.asarray(ops.convert_to_numpy(model.first_widths()), np.float64),
        narrowest=head.narrow + head.range * LEAST_SHARE,
        widest=head.narrow + head.range * (1.0 - LEAST_SHARE),
    )
