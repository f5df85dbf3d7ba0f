"""SampleRNN's weights as its kernel reads them: matrices that follow each other folded into one.

Nothing bends what a tier says on its way to the gates of the tier below, nor what a code says on
its way into the first dense layer. So upsampling and those gates' matrix are one product, of codes
and that dense layer there is a table, and the sample tier has a layer less to read.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rawtone.generation.kernels.look_up import LookUp, pack_look_up
from rawtone.generation.kernels.packed import pack
from rawtone.generation.kernels.padding import padded, up
from rawtone.generation.kernels.recurrent import (
    KINDS,
    Layer,
    Unpacked,
    exact,
    pack_layer,
    unpacked,
)
from rawtone.generation.kernels.weights import Matrix, Precision, of_logits
from rawtone.kernels.vectors import LANES

Floats = NDArray[np.float32]
Exact = NDArray[np.float64]


class Tier(NamedTuple):
    """A frame tier's weights.

    Attributes:
        size: samples of a frame.
        entry: packed, [size, heard], from samples to gates; small, and always float32.
        layers: of the stack.
        skip: packed, [layers * units, dim].
        skip_bias: [dim]; empty where the last layer's output is the tier's.
        tell: packed, [dim, parts * heard of the tier below].
        tell_bias: [parts * heard of the tier below].
    """

    size: int
    entry: Matrix
    layers: tuple[Layer, ...]
    skip: Matrix
    skip_bias: Floats
    tell: Matrix
    tell_bias: Floats


class Weights(NamedTuple):
    """A network's weights, packed.

    Attributes:
        tiers: the fastest first.
        codes: what codes say to the sample tier.
        hidden: packed, [dim, dim], the sample tier's layers after the first; zeros for none.
        hidden_bias: [layers, dim].
        last: packed, [dim, levels].
        last_bias: [levels], padded.
        levels: number of codes.
        kind: of recurrent layers.
        shared: whether all layers of a stack hear what the first hears.
    """

    tiers: tuple[Tier, ...]
    codes: LookUp
    hidden: tuple[Matrix, ...]
    hidden_bias: Floats
    last: Matrix
    last_bias: Floats
    levels: int
    kind: int
    shared: bool


def _linear(layer: Any, *axes: int) -> tuple[Exact, Exact]:
    """Return a Linear's matrix and bias, filled up on axes."""
    matrix = exact(layer.kernel)
    bias = np.zeros(matrix.shape[1]) if layer.bias is None else exact(layer.bias)
    for axis in axes:
        matrix = padded(matrix, axis)
    return matrix, padded(bias, 0) if axes and 1 in axes else bias


class _Heard(NamedTuple):
    """What a tier makes of the vector that all of its layers hear: [inputs, outputs], [outputs]."""

    matrix: Exact
    bias: Exact


def _heard_by_layers(layers: list[Unpacked], units: int, shared: bool) -> _Heard:
    """Return the matrix from a stack's input to the gates of all layers that hear it."""
    first, *others = layers
    others = others if shared else []
    kernels = [first.kernel, *[layer.kernel[units:] for layer in others]]
    biases = [first.bias, *[layer.bias for layer in others]]
    return _Heard(np.concatenate(kernels, axis=1), np.concatenate(biases))


def _pack_tier(
    tier: Any, kind: int, shared: bool, below: _Heard, precision: Precision
) -> tuple[Tier, _Heard]:
    """Pack a tier, and return what it makes of what the tier above says."""
    units = tier.dim
    layers = [unpacked(layer) for layer in tier.stack.layers]
    heard = _heard_by_layers(layers, units, shared)
    entry, bias = heard.matrix, heard.bias
    if tier.entry is not None:
        matrix, start = _linear(tier.entry)
        entry, bias = matrix @ heard.matrix, bias + start @ heard.matrix
    skip, skip_bias = np.zeros((LANES, LANES)), np.zeros(0)
    if tier.skips:
        matrices, biases = zip(*(_linear(each, 0, 1) for each in tier.skips), strict=True)
        skip, skip_bias = np.concatenate(matrices), np.sum(biases, axis=0)
    matrix, told = _linear(tier.upsample, 0)
    ratio = tier.ratio
    tell = matrix.reshape(-1, units) @ below.matrix
    tell_bias = told.reshape(ratio, units) @ below.matrix + below.bias
    packed = Tier(
        size=tier.size,
        entry=pack(entry),
        layers=tuple(
            pack_layer(
                kind,
                layer,
                padded(layer.kernel[:units], 0) if number else None,
                not shared and number > 0,
                precision,
            )
            for number, layer in enumerate(layers)
        ),
        skip=pack(skip, precision),
        skip_bias=skip_bias.astype(np.float32),
        tell=pack(tell.reshape(up(units), -1), precision),
        tell_bias=tell_bias.reshape(-1).astype(np.float32),
    )
    return packed, _Heard(heard.matrix, bias)


def pack_weights(model: Any, precision: Precision) -> tuple[Weights, Floats]:
    """Pack a rawtone.models.samplernn.SampleRNN.

    Returns:
        Its weights, and what the slowest tier hears of a tier above it: its biases.
    """
    samples = model.samples
    kind = KINDS[type(model.tiers[0].stack.layers[0].cell).__name__]
    shared = bool(model.tiers[0].stack.shared_inputs)
    first, *hidden = [_linear(each, 1) for each in samples.hidden]
    below, tiers = _Heard(*first), []
    for tier in model.tiers:
        packed, below = _pack_tier(tier, kind, shared, below, precision)
        tiers.append(packed)
    matrices = [padded(matrix, 0) for matrix, _ in hidden] or [np.zeros((LANES, LANES))]
    last, last_bias = _linear(samples.last, 0, 1)
    embedding = None if samples.embedding is None else exact(samples.embedding)
    weights = Weights(
        tiers=tuple(tiers),
        codes=pack_look_up(embedding, exact(samples.kernel), first[0], precision),
        hidden=tuple(pack(matrix, precision) for matrix in matrices),
        hidden_bias=np.reshape([bias for _, bias in hidden], (-1, len(last))).astype(np.float32),
        last=pack(last, of_logits(precision)),
        last_bias=last_bias.astype(np.float32),
        levels=model.head.size,
        kind=kind,
        shared=shared,
    )
    return weights, below.bias.astype(np.float32)
