"""Spectral learns: the sine of the demo, and plays on from it."""

import numpy as np
import pytest
import soundfile

from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.corpus.demo.write import write_sine
from rawtone.models import backend

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio, Family  # noqa: E402
from rawtone.training.batches import Excerpts  # noqa: E402
from rawtone.training.schedules import learning_rate  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402
from rawtone.training.walks import Walks  # noqa: E402
from tests import trainings  # noqa: E402

RATE, FRAME, STEPS = 22050, 128, 400


@pytest.fixture
def sine(tmp_path):
    """Return the sine of the demo, int16 [samples]."""
    write_sine(tmp_path / "sine.wav")
    audio, rate = soundfile.read(tmp_path / "sine.wav", dtype="int16")
    assert rate == RATE
    return audio


def learned(audio: np.ndarray, window: str) -> Family:
    """Return a regression that has walked through the audio again and again."""
    chosen = model_settings.model(
        {
            "family": "spectral",
            "frame": FRAME,
            "window": window,
            "spectrum": "half",
            "scale": 0.125,
            "layers": [{"units": 64}],
            "output": {"kind": "regression"},
        }
    )
    rates = {"learning_rate": 0.005, "warmup_steps": 10, "schedule": "cosine"}
    training = trainings.plain(steps=STEPS, batch_size=4, window=32 * FRAME, **rates)
    model = build(chosen, Audio(quantizers.make("linear", 65536)))
    trainer = Trainer(model, training)
    starts = range(0, 5 * 9000, 9001)  # each at another phase
    codec = model.audio.quantizer
    excerpts = Excerpts(
        pcm=np.stack([audio[start : start + 8 * 32 * FRAME] for start in starts]),
        rows=np.arange(len(starts)),
        lengths=np.full(len(starts), 8 * 32 * FRAME),
        labels=np.zeros(len(starts), np.int32),
        codebook=codec.table(),
        silence=codec.silence,
        context=chosen.context,
        hop=chosen.hop,
        window=training.window,
        batch_size=training.batch_size,
        seed=0,
    )
    walks = Walks(excerpts)
    for index in range(STEPS):
        trainer.update([walks.batch(index)], learning_rate(training, index))
    return model


def played(model: Family, prime: np.ndarray, samples: int) -> np.ndarray:
    """Return what a stream goes on with that has heard a recording, float [samples]."""
    step, draw = backend.compiled(model.step), backend.compiled(model.draw)
    hop = model.settings.hop
    codes = model.audio.quantizer.encode(prime).astype(np.int32)
    state, features = model.initial_state(1), None
    for start in range(0, len(codes), hop):
        features, state = step(state, codes[None, start : start + hop])
    made = []
    for _ in range(0, samples, hop):
        unused = np.zeros((hop, 2, 1), np.float32)
        heard, state = draw(state, features, np.ones(1, np.float32), unused)
        made.append(np.asarray(heard[0]))
        features, state = step(state, heard)
    return model.audio.quantizer.decode(np.concatenate(made)[:samples])


@pytest.mark.parametrize("window", ["rectangular", "sine", "hamming"])
def test_the_mean_plays_on_the_sine_that_it_learned(sine: np.ndarray, window: str) -> None:
    """For a second after a prime of 0.1 s: 440 Hz within 1 %, its level within 3 dB."""
    model = learned(sine, window)
    audio = played(model, sine[5000 : 5000 + 18 * FRAME], RATE)
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(RATE)))
    assert np.argmax(spectrum) == pytest.approx(440, rel=0.01)
    assert 20 * np.log10(np.std(audio) / np.std(sine / 32768)) == pytest.approx(0, abs=3)
