"""A WaveNet's weights as its kernel reads them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rawtone.generation.kernels.weights import (
    Matrix,
    Precision,
    aligned,
    of_logits,
    packed,
)
from rawtone.kernels.vectors import LANES

Floats = NDArray[np.float32]


class Weights(NamedTuple):
    """Channels are filled up to multiples of 16.

    Attributes:
        samples: [levels], what the first convolution hears for each code; [0] where it hears codes.
        causal: [taps, levels, residual], the first convolution as tables; of samples
            [taps, 1, residual].
        past: [blocks, (taps - 1) * residual, 2 * dilation], filters and gates side by side, for the
            oldest input first.
        now: [blocks, residual, 2 * dilation], for the newest input.
        gated_bias: [blocks, 2 * dilation].
        dense: [blocks, dilation, residual].
        dense_bias: [blocks, residual].
        skip: [blocks * dilation, skip].
        skip_bias: [skip].
        post: [skip, skip].
        post_bias: [skip].
        out: [skip, levels].
        out_bias: [levels].
        dilations: int64 [blocks].
    """

    samples: Floats
    causal: Floats
    past: Matrix
    now: Matrix
    gated_bias: Floats
    dense: Matrix
    dense_bias: Floats
    skip: Matrix
    skip_bias: Floats
    post: Matrix
    post_bias: Floats
    out: Matrix
    out_bias: Floats
    dilations: NDArray[np.int64]


def padded(array: NDArray[Any], *axes: int) -> Floats:
    """Fill axes up to multiples of 16 with zeros."""
    widths = [(0, -size % LANES if axis in axes else 0) for axis, size in enumerate(array.shape)]
    return aligned(np.pad(array, widths).astype(np.float32))


def _halves(array: NDArray[Any]) -> Floats:
    """Fill up filters and gates, each a half of the last axis."""
    halves = padded(array.reshape(*array.shape[:-1], 2, -1), array.ndim)
    return aligned(halves.reshape(*array.shape[:-1], -1))


def _stacked(layers: Any, name: str) -> NDArray[Any]:
    return np.stack([np.asarray(getattr(layer, name)) for layer in layers])


def _biases(layers: Any, name: str, outputs: int) -> NDArray[Any]:
    """Return [layers, outputs], zeros where layers have no biases."""
    if not layers[0].biases:
        return np.zeros((len(layers), outputs), np.float32)
    return _stacked(layers, name)


def pack(model: Any, precision: Precision = "float32") -> Weights:
    """Return a model's weights for the kernel.

    Args:
        model: rawtone.models.wavenet.WaveNet.
        precision: of all matrices; biases and tables stay floats.
    """
    sizes, blocks = model.settings, model.blocks
    kernels = [_stacked(blocks, name) for name in ("filter", "gate")]
    gated = padded(_halves(np.concatenate(kernels, axis=-1)), 2)
    skip = padded(_stacked(blocks, "skip"), 1, 2)
    skip_bias = _biases(blocks, "skip_bias", sizes.skip_channels).astype(np.float64).sum(axis=0)
    post, out = ([np.asarray(weight) for weight in dense.weights] for dense in model.post)
    none = np.zeros(0, np.float32)
    return Weights(
        samples=model.samples.astype(np.float32) if sizes.scalar_input else none,
        causal=padded(np.asarray(model.causal), 2),
        past=packed(gated[:, :-1].reshape(len(blocks), -1, gated.shape[-1]), precision),
        now=packed(gated[:, -1], precision),
        gated_bias=_halves(_biases(blocks, "gated_bias", 2 * sizes.dilation_channels)),
        dense=packed(padded(_stacked(blocks, "dense"), 1, 2), precision),
        dense_bias=padded(_biases(blocks, "dense_bias", sizes.residual_channels), 1),
        skip=packed(skip.reshape(-1, skip.shape[-1]), precision),
        skip_bias=padded(skip_bias, 0),
        post=packed(padded(post[0], 0, 1), precision),
        post_bias=padded(post[1] if sizes.biases else np.zeros(sizes.skip_channels), 0),
        out=packed(padded(out[0], 0, 1), of_logits(precision)),
        out_bias=padded(out[1] if sizes.biases else np.zeros(model.head.size), 0),
        dilations=np.array(sizes.dilations, np.int64),
    )


def labels_table(model: Any) -> NDArray[np.float64]:
    """Return what each label adds to filters and gates, [labels, blocks, 2 * dilation].

    Args:
        model: rawtone.models.wavenet.WaveNet; without labels the table has no rows.
    """
    width = 2 * -(-model.settings.dilation_channels // LANES) * LANES
    if not model.settings.labelled:
        return np.zeros((0, len(model.blocks), width))
    kernels = [_stacked(model.blocks, name) for name in ("filter_label", "gate_label")]
    both = np.concatenate(kernels, axis=-1).astype(np.float64)
    embedding = np.asarray(model.embedding, dtype=np.float64)
    return _halves(np.moveaxis(embedding @ both, 0, 1)).astype(np.float64)
