"""WaveNet learns a clip by heart: few bits, and the rest of the clip from its beginning."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.models.family import Audio, Family
from rawtone.training.batches import Excerpts, Windows
from rawtone.training.measures import measure
from tests import trainings

backend.start()

from keras import ops  # noqa: E402

from rawtone.models.families import build  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

RATE, SAMPLES, PRIME = 8000, 4000, 1500
CODEC = quantizers.make("mu-law", 256)
SIZES = WaveNet(
    family="wavenet",
    dilations=[64, 16, 4, 1],
    filter_width=4,
    residual_channels=24,
    dilation_channels=24,
    skip_channels=64,
    biases=True,
)
TRAINING = trainings.plain(steps=250, window=2000, learning_rate=0.008)


def clip() -> NDArray[np.int16]:
    """Make half a second of five plucked notes with some noise, int16 [SAMPLES]."""
    time = np.arange(SAMPLES // 5) / RATE
    notes = [
        np.exp(-12 * time) * sum(np.sin(2 * np.pi * hertz * k * time) / k for k in (1, 2, 3))
        for hertz in (220, 330, 262, 392, 294)
    ]
    noise = np.random.default_rng(0).normal(size=SAMPLES, scale=0.005)
    return np.round(12000 * (np.concatenate(notes) / 2 + noise)).astype(np.int16)


def windows(audio: NDArray[np.int16]) -> Windows:
    return Windows(
        Excerpts(
            pcm=audio[None],
            rows=np.zeros(1, np.int64),
            lengths=np.array([len(audio)]),
            labels=np.zeros(1, np.int32),
            codebook=CODEC.table(),
            silence=CODEC.silence,
            context=SIZES.context,
            hop=1,
            window=TRAINING.window,
            batch_size=1,
            seed=0,
        )
    )


def continued(model: Family, codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Let a model hear the first PRIME codes, and then make the rest at temperature 0."""
    prime = np.resize(codes, len(codes) + 1)

    def heard_or_made(index: Any, carry: Any) -> Any:
        state, code, made = carry
        features, state = model.step(state, code)
        drawn, state = model.draw(state, features, ops.zeros(1), ops.zeros((1, 2, 1)))
        following = ops.slice(ops.convert_to_tensor(prime), (index + 1,), (1,))
        code = ops.where(index + 1 < PRIME, following, drawn)
        return state, code, ops.slice_update(made, (index,), drawn)

    def whole() -> Any:
        begin = (model.initial_state(1), ops.convert_to_tensor(prime[:1]))
        made = ops.zeros(len(codes) - 1, dtype="int32")
        return ops.fori_loop(0, len(codes) - 1, heard_or_made, (*begin, made))[-1]

    made: NDArray[np.int32] = ops.convert_to_numpy(backend.compiled(whole)())
    return made[PRIME - 1 :]


def test_a_clip_is_learned_by_heart_and_continued_from_its_beginning() -> None:
    audio = clip()
    trainer = Trainer(build(SIZES, Audio(CODEC)), TRAINING)
    learned = windows(audio)
    for step in range(TRAINING.steps):
        trainer.update([learned.batch(step)], TRAINING.learning_rate * (1 - step / TRAINING.steps))
    loss = trainer.validate(learned.sweep(np.zeros(1, np.int64)))
    bits = measure(density=True).bits(loss)
    assert bits is not None and bits < 0.5
    codes = CODEC.encode(audio).astype(np.int32)
    assert np.mean(continued(trainer.model, codes) == codes[PRIME:]) > 0.9
