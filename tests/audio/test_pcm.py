"""PCM goes to wav files and back without a change."""

import hashlib

import numpy as np
import pytest

from rawtone.audio import pcm


@pytest.mark.parametrize("shape", [(1000,), (1000, 2)])
def test_samples_survive(tmp_path, shape):
    samples = np.random.default_rng(0).integers(-32768, 32767, shape).astype(np.int16)
    path = tmp_path / "x.wav"
    pcm.write(path, samples, 12345)
    assert np.array_equal(pcm.read(path), samples)
    assert np.array_equal(pcm.read(path, 100, 50), samples[100:150])
    assert pcm.shape(path) == pcm.Shape(1000, samples.size // 1000, 12345)
    joined = np.concatenate(list(pcm.blocks(path, 300)))
    assert np.array_equal(joined, samples.reshape(1000, -1))
    assert pcm.sha256(path) == hashlib.sha256(samples.tobytes()).hexdigest()
