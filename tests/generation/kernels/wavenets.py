"""WaveNets to test with, and what they say in float64."""

from typing import Any

import numpy as np

from rawtone.audio import quantizers
from rawtone.generation.random import uniforms
from rawtone.generation.streams import Stream
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.models.family import Audio, Family

backend.start()

from rawtone.models.families import build  # noqa: E402

SIZES = {
    "family": "wavenet",
    "dilations": [1, 2, 4, 8],
    "filter_width": 2,
    "residual_channels": 16,
    "dilation_channels": 16,
    "skip_channels": 32,
    "biases": True,
}


def wavenet(
    kind: str = "mu-law", levels: int = 256, labels: int = 0, seed: int = 1, **changed: Any
) -> Family:
    """Return a model whose distributions are neither flat nor certain."""
    settings = WaveNet.model_validate(SIZES | changed)
    model = build(settings, Audio(quantizers.make(kind, levels), labels=labels))
    random = np.random.default_rng(seed)
    for variable in model.weights:
        fan = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 4
        if variable.path.endswith("causal") and not settings.scalar_input:
            fan = variable.shape[0]  # of each tap one row is heard
        variable.assign(random.normal(size=variable.shape, scale=1.5 / np.sqrt(fan)))
    return model


def exactly(variable: Any) -> np.ndarray:
    return np.asarray(variable, dtype=np.float64)


def logits_of(model: Any, heard: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
    """Return what a WaveNet says of each next sample, in float64 and sample by sample.

    Args:
        model: of the family.
        heard: codes [n]; before them there was endless silence.
        shares: of labels that it is told [n, labels], at each sample.
    """
    sizes, width = model.settings, model.settings.filter_width
    silence = np.full(sizes.context, model.audio.quantizer.silence)
    codes = np.concatenate([silence, heard])
    samples, kernel = np.asarray(model.samples, np.float64), exactly(model.causal)
    taps = len(kernel)
    x = np.zeros((len(codes), sizes.residual_channels))
    for at in range(taps - 1, len(codes)):
        for k in range(taps):
            code = codes[at - taps + 1 + k]
            x[at] += kernel[k, 0] * samples[code] if sizes.scalar_input else kernel[k, code]
    told = (
        np.zeros((len(codes), 0))
        if shares is None
        else shares[np.maximum(np.arange(len(codes)) - sizes.context, 0)]
    )
    skips = 0.0
    for block in model.blocks:
        both = [0.0, 0.0]
        for half, names in enumerate((("filter", "filter_label"), ("gate", "gate_label"))):
            matrices = exactly(getattr(block, names[0]))
            for k in range(width):
                age = (width - 1 - k) * block.dilation
                both[half] = both[half] + np.roll(x, age, axis=0) @ matrices[k]
            if sizes.labelled:
                label = exactly(getattr(block, names[1]))
                both[half] = both[half] + told @ exactly(model.embedding) @ label
        if sizes.biases:
            both = [
                h + b for h, b in zip(both, np.split(exactly(block.gated_bias), 2), strict=True)
            ]
        z = np.tanh(both[0]) / (1 + np.exp(-both[1]))
        skips = skips + z @ exactly(block.skip)
        x = x + z @ exactly(block.dense)
        if sizes.biases:
            skips, x = skips + exactly(block.skip_bias), x + exactly(block.dense_bias)
    for dense in model.post:
        skips = np.maximum(skips, 0) @ exactly(dense.weights[0])
        if sizes.biases:
            skips = skips + exactly(dense.weights[1])
    return np.asarray(skips)[sizes.context :]


def expected(
    model: Any,
    made: np.ndarray,
    stream: Stream,
    prime: np.ndarray | None = None,
    shares: np.ndarray | None = None,
    unsure: float = 0.0,
) -> np.ndarray:
    """Return the codes that a stream has to have, each given those made before it.

    Args:
        model: that made it.
        made: codes [n].
        stream: whose temperature is the same all along, and whose top-p is 1.
        prime: codes that it heard before.
        shares: of labels that it is told [prime + n, labels].
        unsure: of all probability, so much on either side of a boundary between two codes may go
            to either: sums of many shares in float32 are no better.
    """
    before = np.zeros(0, np.int64) if prime is None else prime
    heard = np.concatenate([[model.audio.quantizer.silence], before, made])[:-1]
    logits = logits_of(model, heard, shares)[-len(made) :]
    powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / stream.temperature)
    cumulative = np.cumsum(powers, axis=1)
    bars = uniforms(stream.seed, 0, len(made))[:, :1] * cumulative[:, -1:]
    low, high = (
        np.minimum((cumulative <= bars + d).sum(axis=1), logits.shape[1] - 1)
        for d in (-unsure * cumulative[:, -1:], unsure * cumulative[:, -1:])
    )
    exact = (cumulative <= bars).sum(axis=1)
    return np.where((low <= made) & (made <= high), made, exact)


def surprise(model: Any, made: np.ndarray) -> float:
    """Return the bits of codes that a model made by itself: neither 0 nor all that there are."""
    logits = logits_of(model, np.concatenate([[model.audio.quantizer.silence], made])[:-1])
    logits -= logits.max(axis=1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(made)), made].mean() / np.log(2))
