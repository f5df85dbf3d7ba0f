"""LSTMs learn: a short clip by heart, and the sine of the write-up."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.corpus.demo.synthesizer import tone
from rawtone.models import backend

backend.start()

from rawtone.generation.engine import generate  # noqa: E402
from rawtone.generation.loop import Loop  # noqa: E402
from rawtone.generation.streams import Stream  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio, Family  # noqa: E402
from rawtone.settings import Training  # noqa: E402
from rawtone.training.batches import Batch, Excerpts  # noqa: E402
from rawtone.training.schedules import learning_rate  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402
from rawtone.training.walks import Walks  # noqa: E402
from tests import trainings  # noqa: E402

RATE = 8000
WINDOW = 250


def learn(
    audio: NDArray[np.float64], levels: int, kind: str, steps: int, **model: object
) -> Family:
    """Train a model on one clip, walking through it again and again."""
    quantizer = quantizers.make(kind, levels)
    chosen = model_settings.model({"family": "next_sample"} | model)
    training = settings(steps)
    trainer = Trainer(build(chosen, Audio(quantizer)), training)
    walks = walking(trainer.model, audio)
    for index in range(steps):
        trainer.update([walks.batch(index)], learning_rate(training, index))
    return trainer.model


def settings(steps: int) -> Training:
    """Return settings of one lane."""
    return trainings.plain(steps=steps, window=WINDOW, warmup_steps=10, schedule="cosine")


def walking(model: Family, audio: NDArray[np.float64]) -> Walks:
    """Return the batches of a walk through a clip."""
    quantizer = model.audio.quantizer
    excerpts = Excerpts(
        pcm=np.round(audio * 32767).astype(np.int16)[None],
        rows=np.array([0]),
        lengths=np.array([len(audio)]),
        labels=np.zeros(1, np.int32),
        codebook=quantizer.table(),
        silence=quantizer.silence,
        context=model.settings.context,
        hop=1,
        window=WINDOW,
        batch_size=1,
        seed=0,
    )
    return Walks(excerpts)


def plucked() -> NDArray[np.float64]:
    """Return four plucked notes, 0.05 s each."""
    time = np.arange(RATE // 20) / RATE
    return np.concatenate(
        [
            0.3 * np.exp(-12 * time) * sum(np.sin(2 * np.pi * f * h * time) / h for h in (1, 2, 3))
            for f in (262, 330, 392, 523)
        ]
    )


def whole(walks: Walks) -> Iterator[Batch]:
    """Yield one walk through the clip."""
    yield from walks.sweep(np.zeros(1, np.int64))


def test_a_clip_learned_by_heart_is_played_on_from_its_beginning() -> None:
    """Under 0.5 bits a sample, and from 300 samples of it the rest, at temperature 0."""
    audio = plucked()
    model = learn(audio, 256, "mu-law", steps=1400, units=[128], embedding=16)
    walks = walking(model, audio)
    scored = Trainer(model, settings(1)).validate(whole(walks))
    assert scored / np.log(2) < 0.5

    codes = model.audio.quantizer.encode(walks.excerpts.pcm[0]).astype(np.int32)
    step = backend.compiled(model.step)
    draw = backend.compiled(model.draw)
    coldest, unused = np.zeros(1, np.float32), np.zeros((1, 2, 1), np.float32)
    state, features = model.initial_state(1), None
    for code in codes[:300]:
        features, state = step(state, code[None])
    played = []
    for _ in codes[300:]:
        code, state = draw(state, features, coldest, unused)
        played.append(int(code[0]))
        features, state = step(state, code)

    assert np.mean(np.array(played) == codes[300:]) > 0.95


@pytest.mark.parametrize("levels", [256, 65536])
def test_a_regression_plays_the_sine_that_it_learned(levels: int) -> None:
    """For a second out of silence: 440 Hz within 1 %, its level within 3 dB."""
    audio = 0.5 * tone(440.0, RATE, 2 * RATE)
    model = learn(audio, levels, "linear", steps=640, units=[32], output={"kind": "regression"})
    parts = generate(Loop(model, RATE), [Stream(0, 1.0)], RATE)
    (block,) = np.concatenate([part.codes for part in parts], axis=1)
    played = model.audio.quantizer.decode(block)
    spectrum = np.abs(np.fft.rfft(played * np.hanning(RATE)))
    assert np.argmax(spectrum) == pytest.approx(440, rel=0.01)
    assert 20 * np.log10(np.std(played) / np.std(audio)) == pytest.approx(0, abs=3)
