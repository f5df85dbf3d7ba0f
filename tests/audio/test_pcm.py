"""PCM goes to wav files and back without a change."""

import hashlib

import numpy as np
import pytest
import soundfile

from rawtone.audio import ffmpeg, pcm


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


@pytest.mark.parametrize("kind", [["-rf64", "always"], ["-rf64", "never"]])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_ffmpeg_writes_is_read_the_same_whatever_its_header(tmp_path, kind, channels):
    """Longer than 4 GB it is RF64, which not all that reads wav can read."""
    samples = np.random.default_rng(1).integers(-32768, 32767, (500, channels)).astype(np.int16)
    plain, path = tmp_path / "plain.wav", tmp_path / "x.wav"
    pcm.write(plain, samples, 8000)
    ffmpeg.run(["-i", str(plain), *kind, "-y", str(path)])
    assert path.read_bytes()[:4] == (b"RF64" if "always" in kind else b"RIFF")
    assert pcm.shape(path) == pcm.Shape(500, channels, 8000)
    assert np.array_equal(np.concatenate(list(pcm.blocks(path, 300))), samples)
    parts = list(pcm.read_parts(path, [(400, 100), (0, 3)]))
    assert np.array_equal(
        np.concatenate(parts).reshape(-1, channels), samples[[*range(400, 500), 0, 1, 2]]
    )


def test_other_samples_than_16_bits_are_brought_to_them(tmp_path):
    soundfile.write(tmp_path / "x.wav", [0.5, -0.5], 8000, subtype="PCM_24")
    assert np.concatenate(list(pcm.blocks(tmp_path / "x.wav"))).tolist() == [[16384], [-16384]]


def test_a_wav_that_was_cut_short_ends_with_its_last_whole_sample(tmp_path):
    path = tmp_path / "x.wav"
    pcm.write(path, np.arange(200, dtype=np.int16).reshape(100, 2), 8000)
    path.write_bytes(path.read_bytes()[:-3])
    assert pcm.shape(path).samples == 99
    assert np.concatenate(list(pcm.blocks(path))).ravel().tolist() == list(range(198))


def test_what_is_no_wav_is_told_so(tmp_path):
    for content in (
        b"",
        b"RIFFxx",
        b"no wav at all, but long enough to have a header of one......",
    ):
        (tmp_path / "x.wav").write_bytes(content)
        with pytest.raises(RuntimeError):
            list(pcm.blocks(tmp_path / "x.wav"))
