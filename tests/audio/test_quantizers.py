"""Quantizers are exact, invertible and as published."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.audio.quantizers import Quantizer, make

kinds = st.sampled_from(["mu-law", "a-law", "linear"])
level_counts = st.one_of(st.integers(2, 300), st.integers(2, 65536))


@given(kinds, level_counts)
def test_every_code_survives_decoding_and_encoding(kind, levels):
    quantizer = Quantizer(kind, levels)
    codes = np.arange(levels)
    assert np.array_equal(quantizer.encode(quantizer.decode(codes)), codes)


@pytest.mark.parametrize("kind", ["mu-law", "a-law", "linear"])
@pytest.mark.parametrize("levels", [2, 3, 255, 256, 257, 4096, 65535, 65536])
def test_every_code_survives_at_the_edges_of_types(kind, levels):
    test_every_code_survives_decoding_and_encoding.hypothesis.inner_test(kind, levels)


@given(kinds, level_counts)
def test_codes_and_samples_rise_together(kind, levels):
    quantizer = Quantizer(kind, levels)
    assert np.all(np.diff(quantizer.decode(np.arange(levels))) > 0)
    pcm = np.arange(-32768, 32768).astype(np.int16)
    assert np.all(np.diff(quantizer.encode(pcm).astype(int)) >= 0)


@given(kinds, level_counts)
def test_table_agrees_with_encoding_floats(kind, levels):
    quantizer = Quantizer(kind, levels)
    pcm = np.arange(-32768, 32768).astype(np.int16)
    assert np.array_equal(quantizer.table()[pcm], quantizer.encode(pcm / 32768))
    assert np.array_equal(quantizer.encode(pcm), quantizer.encode(pcm / 32768))
    assert quantizer.silence == quantizer.encode(np.float32(0))


@given(kinds, level_counts, st.floats(-1, 1))
def test_decoding_stays_in_range_and_within_a_step(kind, levels, x):
    quantizer = Quantizer(kind, levels)
    decoded = quantizer.decode(np.arange(levels))
    assert decoded.dtype == np.float32
    assert decoded.min() == -1 and decoded.max() <= 1
    code = int(quantizer.encode(x))
    neighbours = decoded[max(0, code - 1) : code + 2].astype(float)
    widest = max(np.diff(neighbours))
    assert abs(decoded[code] - x) <= widest + 1e-6


def published_mu_law(x: float, levels: int) -> int:
    mu = levels - 1
    s = math.copysign(math.log1p(mu * min(abs(x), 1)) / math.log1p(mu), x)
    return int((s + 1) / 2 * mu + 0.5)


@given(st.floats(-2, 2), level_counts)
def test_mu_law_is_that_of_tensorflow_wavenet(x, levels):
    assert int(make("mu-law", levels).encode(x)) == published_mu_law(x, levels)


def test_mu_law_of_256_levels_has_the_known_codes():
    quantizer = make("mu-law", 256)
    assert quantizer.encode([-1.0, -0.5, 0.0, 0.5, 1.0]).tolist() == [0, 16, 128, 239, 255]
    assert quantizer.silence == 128
    assert quantizer.table().dtype == np.uint8


def test_a_law_follows_the_curve_of_g711():
    s = np.array([1 / 87.6 / 2, 1 / 87.6, 0.1, 1.0])
    curve = np.array([0.5, 1.0, 1 + math.log(8.76), 1 + math.log(87.6)]) / (1 + math.log(87.6))
    codes = make("a-law", 65536).encode(s)
    assert np.allclose(codes / 65535 * 2 - 1, curve, atol=2e-5)


def test_linear_with_65536_levels_is_the_pcm_itself():
    quantizer = make("linear", 65536)
    pcm = np.arange(-32768, 32768).astype(np.int16)
    assert np.array_equal(quantizer.encode(pcm).astype(int), pcm.astype(int) + 32768)
    assert np.array_equal(quantizer.decode(quantizer.encode(pcm)) * 32768, pcm)


def test_linear_gives_digital_silence_back_as_silence():
    assert make("linear", 256).decode(make("linear", 256).silence) == 0


def test_mu_law_table_is_far_from_ties_so_every_processor_makes_the_same():
    x = np.arange(1, 32768) / 32768
    s = np.log1p(255 * x) / math.log1p(255)
    position = (s + 1) / 2 * 255 + 0.5
    assert np.min(np.abs(position - np.round(position))) > 1e-9


@pytest.mark.parametrize(("kind", "levels"), [("mu-law", 1), ("mu-law", 65537), ("log", 256)])
def test_impossible_quantizers_are_refused(kind, levels):
    with pytest.raises(ValueError, match="Received"):
        make(kind, levels)


@pytest.mark.parametrize("kind", ["mu-law", "a-law", "linear"])
@pytest.mark.parametrize("levels", [2, 3, 256, 65536])
def test_cells_cover_every_amplitude_once_and_hold_what_is_coded_so(kind, levels):
    quantizer = make(kind, levels)
    edges, codes = quantizer.edges(), np.arange(levels)
    assert len(edges) == levels + 1 and edges[0] == -1 and edges[-1] == 1
    assert (np.diff(edges) >= 0).all()
    samples = quantizer.decode(codes)
    assert (edges[codes] <= samples).all() and (samples <= edges[codes + 1]).all()
