"""The figures of clips.csv are those that other tools give, or that the audio was made with."""

import numpy as np
import pytest

from rawtone.audio import ffmpeg, loudness, pcm
from rawtone.evaluation.health.ear import Ear

RATE = 16_000
TIME = np.arange(8 * RATE) / RATE


def figures(audio):
    return Ear().hear(np.round(audio * 32767).astype(np.int16), RATE).row


@pytest.mark.parametrize("channels", [1, 2])
def test_loudness_is_that_of_ffmpeg(tmp_path, channels):
    """ITU-R BS.1770-4 in the frequency domain, within half a LU of ffmpeg in the time domain."""
    random = np.random.default_rng(0)
    swelling = (0.02 + 0.3 * np.square(np.sin(0.4 * TIME)))[:, np.newaxis]
    audio = swelling * random.standard_normal((len(TIME), channels)).cumsum(axis=0) / 100
    audio = np.diff(audio, axis=0, prepend=0) * 40 + 0.2 * swelling * np.sin(3000 * TIME)[:, None]
    samples = np.round(audio.clip(-1, 1) * 32767).astype(np.int16).squeeze()
    pcm.write(tmp_path / "clip.wav", samples, RATE)
    measured = loudness.measure(tmp_path / "clip.wav", "anull", "bundled")
    told = float(Ear().hear(samples, RATE).row["loudness_lufs"])
    assert told == pytest.approx(measured.integrated, abs=0.5)
    assert ffmpeg.executable()


def test_rhythm_of_struck_notes():
    """Two notes a second, 120 beats a minute."""
    struck = np.exp(-8 * np.mod(TIME, 0.5)) * np.sin(2 * np.pi * 440 * TIME)
    row = figures(0.5 * struck)
    assert float(row["onsets_per_second"]) == pytest.approx(2, abs=0.2)
    assert float(row["tempo"]) == pytest.approx(120, abs=2)


def test_pitch_and_chroma_of_a_note():
    """All the power of a C is in the first of the twelve shares; noise has no pitch."""
    note = sum(0.5**k * np.sin(2 * np.pi * 261.63 * 2**k * TIME) for k in range(3))
    row = figures(0.3 * note)
    chroma = [float(share) for share in row["chroma"].split()]
    assert len(chroma) == 12
    assert chroma[0] > 0.95
    assert float(row["one_note_share"]) == 1
    noise = figures(0.1 * np.random.default_rng(0).standard_normal(len(TIME)))
    assert float(noise["pitch_salience"]) < 0.5 * float(row["pitch_salience"])
    assert float(noise["flatness_db"]) == pytest.approx(-2.5, abs=0.2)


def test_flatness_rises_where_noise_takes_over():
    noise = np.random.default_rng(0).standard_normal(len(TIME))
    taken_over = np.where(TIME < 4, np.sin(2000 * TIME), noise)
    assert float(figures(0.1 * taken_over)["flatness_trend_db"]) > 20


def test_silence_and_repetition_in_figures():
    random = np.random.default_rng(0)
    loop = np.resize(random.standard_normal(round(0.4 * RATE)), len(TIME))
    row = figures(0.1 * loop * (TIME < 6))
    assert float(row["silent_share"]) == pytest.approx(0.25, abs=0.01)
    assert float(row["silent_seconds"]) == pytest.approx(2, abs=0.02)
    assert float(row["repeats_seconds"]) == pytest.approx(0.4, abs=0.001)
    assert float(row["repeats_likeness"]) > 0.99
