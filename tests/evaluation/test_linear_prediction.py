"""The adaptive linear predictor that models have to beat."""

import numpy as np
import pytest

from rawtone.audio.quantizers import make
from rawtone.evaluation import linear_prediction
from rawtone.evaluation.bits import flac_bits
from rawtone.evaluation.linear_prediction import linear_prediction_bits

RATE = 8000


def tone(seconds: float = 2.0) -> np.ndarray:
    """Two partials that swell and fade."""
    t = np.arange(int(seconds * RATE)) / RATE
    swell = 0.5 + 0.4 * np.sin(2 * np.pi * 1.5 * t)
    return swell * (0.5 * np.sin(2 * np.pi * 220 * t) + 0.2 * np.sin(2 * np.pi * 663 * t))


@pytest.mark.parametrize("kind", ["mu-law", "a-law", "linear"])
@pytest.mark.parametrize("levels", [16, 256, 65536])
def test_tones_take_far_fewer_bits_than_noise_and_flac_of_the_codes(kind, levels):
    codes = make(kind, levels).encode(tone())
    noise = np.random.default_rng(0).integers(levels, size=len(codes))
    bits = linear_prediction_bits(codes, make(kind, levels))
    assert 0 < bits < linear_prediction_bits(noise, make(kind, levels))
    if kind == "mu-law":  # what FLAC sees is bent, what we predict is straightened
        assert bits < flac_bits(codes, levels, RATE)


def test_noise_costs_about_as_many_bits_as_it_holds():
    levels = 256
    noise = np.random.default_rng(0).integers(levels, size=20_000)
    assert 8 < linear_prediction_bits(noise, make("linear", levels)) < 9


def test_silence_costs_almost_nothing():
    quantizer = make("mu-law", 256)
    assert linear_prediction_bits(np.full(8000, quantizer.silence), quantizer) < 0.1


def test_what_is_predicted_never_depends_on_what_comes_later():
    quantizer = make("mu-law", 256)
    codes = quantizer.encode(tone())
    changed = np.concatenate([codes[:8000], codes[8000:][::-1]])
    half, whole = (linear_prediction_bits(c[:8000], quantizer) for c in (codes, changed))
    assert half == whole


def test_channels_are_predicted_each_from_its_own_past():
    quantizer = make("mu-law", 256)
    left = quantizer.encode(tone())
    right = quantizer.encode(-0.3 * tone()[::-1])
    each = [linear_prediction_bits(channel, quantizer) for channel in (left, right)]
    both = linear_prediction_bits(np.stack([left, right], axis=-1), quantizer)
    assert both == pytest.approx(np.mean(each))


def test_long_audio_is_predicted_block_by_block_to_the_same_figure(monkeypatch):
    quantizer = make("mu-law", 256)
    codes = quantizer.encode(tone())
    whole = linear_prediction_bits(codes, quantizer)
    for block in (20, 1000):  # shorter than what is remembered, and longer
        monkeypatch.setattr(linear_prediction, "_BLOCK", block)
        assert linear_prediction_bits(codes, quantizer) == pytest.approx(whole, rel=1e-12)
