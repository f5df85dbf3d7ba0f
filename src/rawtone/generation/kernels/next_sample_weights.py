"""A next_sample network's weights as its kernel reads them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rawtone.generation.kernels.look_up import LookUp, pack_look_up
from rawtone.generation.kernels.packed import pack
from rawtone.generation.kernels.padding import padded, up
from rawtone.generation.kernels.recurrent import LSTM, Layer, exact, pack_layer, unpacked
from rawtone.generation.kernels.weights import Matrix, Precision, of_logits

Floats = NDArray[np.float32]


class Weights(NamedTuple):
    """A network's weights, packed.

    Attributes:
        codes: what the last codes say to the convolution, or to the first layer's gates.
        codes_bias: of the convolution or of the gates.
        taps: codes that are heard at once.
        convolved: whether there is a convolution.
        layers: of LSTMs; after a convolution the first has one below it, too.
        dense: packed, [units, outputs].
        dense_bias: [outputs], padded.
        levels: number of codes.
        steps: of a regression, cells of the axis from -1 to 1; 0 where outputs are logits.
    """

    codes: LookUp
    codes_bias: Floats
    taps: int
    convolved: bool
    layers: tuple[Layer, ...]
    dense: Matrix
    dense_bias: Floats
    levels: int
    steps: float


def _heard(model: Any) -> NDArray[np.float64]:
    """Return what stands for each code, [levels, numbers]."""
    if model.table is not None:
        return exact(model.table)
    quantizer = model.audio.quantizer
    codes = np.arange(quantizer.levels, dtype=np.float64)[:, None]
    positions: NDArray[np.float64] = codes * (2.0 / quantizer.steps) - 1.0
    return positions


def pack_weights(model: Any, precision: Precision) -> Weights:
    """Pack a rawtone.models.next_sample.NextSample."""
    layers = [unpacked(lstm) for lstm in model.lstms]
    rows, quantizer = _heard(model), model.audio.quantizer
    taps, first = model.settings.context, layers[0]
    kernel, after, bias = np.eye(rows.shape[1])[None], first.kernel, first.bias
    if model.convolution is not None:
        matrix = padded(exact(model.convolution.kernel), 1)
        kernel, after = matrix.reshape(taps, -1, matrix.shape[1]), np.eye(matrix.shape[1])
        bias = padded(exact(model.convolution.bias), 0)
    convolved = model.convolution is not None
    stack = [
        pack_layer(LSTM, layer, padded(layer.kernel, 0) if above else None, above, precision)
        for layer, above in zip(layers, [convolved, *[True] * len(layers)], strict=False)
    ]
    dense = padded(padded(exact(model.dense.kernel), 0), 1)
    regression = model.settings.output.kind == "regression"
    return Weights(
        codes=pack_look_up(rows, kernel, after, precision),
        codes_bias=bias.astype(np.float32),
        taps=taps,
        convolved=convolved,
        layers=tuple(stack),
        dense=pack(dense, of_logits(precision)),
        dense_bias=padded(exact(model.dense.bias), 0).astype(np.float32),
        levels=quantizer.levels,
        steps=float(quantizer.steps) * regression,
    )


def state_rows(model: Any) -> list[int]:
    """Return the numbers of each layer's state."""
    return [2 * up(units) for units in model.settings.units]
