"""A small SampleRNN learns one short clip by heart and goes on from its beginning."""

import math
from typing import Any

import numpy as np
import pytest
from keras import ops

from rawtone.audio import quantizers
from rawtone.model_settings import SampleRNN as Settings
from rawtone.models import backend
from tests import trainings

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio, Family  # noqa: E402
from rawtone.training.batches import Batch  # noqa: E402
from rawtone.training.schedules import learning_rate  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

MU_LAW = quantizers.make("mu-law", 256)
RATE, NOTE, PRIME = 2000, 512, 512


def melody() -> np.ndarray:
    """Return the codes of four plucked notes, a second in all."""
    seconds = np.arange(NOTE) / RATE
    notes = [np.sin(2 * np.pi * hertz * seconds) for hertz in (220, 330, 262, 392)]
    return MU_LAW.encode(0.6 * np.concatenate([np.exp(-3 * seconds) * note for note in notes]))


def learn(model: Family, codes: np.ndarray, steps: int) -> float:
    """Train on one clip out of silence; return its bits a sample before the last step."""
    rates = {"learning_rate": 0.005, "warmup_steps": 10, "schedule": "cosine"}
    training = trainings.plain(steps=steps, window=len(codes), **rates)
    silence = np.full(model.settings.context, MU_LAW.silence)
    clip = Batch(
        np.concatenate([silence, codes])[None, :-1].astype("int32"),
        codes[None].astype("int32"),
        np.ones((1, len(codes)), "float32"),
        np.zeros(1, "int32"),
        np.ones(1, bool),
    )
    trainer = Trainer(model, training)
    losses = [trainer.update([clip], learning_rate(training, step)) for step in range(steps)]
    return losses[-1] / math.log(2)


def go_on(model: Family, prime: np.ndarray, samples: int) -> np.ndarray:
    """Return the likeliest codes after those of a prime, which comes out of silence."""

    def hear(prime: Any) -> Any:
        state = model.initial_state(1)
        begun = model.step(state, ops.full((1,), MU_LAW.silence, dtype="int32"))
        return ops.fori_loop(
            0, len(prime), lambda i, last: model.step(last[1], ops.take(prime, i)[None]), begun
        )

    def make(index: Any, last: Any) -> Any:
        features, state, made = last
        code, state = model.draw(state, features, ops.zeros((1,)), ops.zeros((1, 2, 1)))
        features, state = model.step(state, code)
        return features, state, ops.slice_update(made, (index,), code)

    def generate(prime: Any) -> Any:
        made = ops.zeros((samples,), dtype="int32")
        return ops.fori_loop(0, samples, make, (*hear(prime), made))[2]

    return np.asarray(backend.compiled(generate)(ops.array(prime.astype("int32"))))


@pytest.mark.parametrize(
    "kind",
    [
        {"frame_sizes": [4, 16], "variant": "prism", "rnn": "gru", "skip_connections": False},
        {"frame_sizes": [8], "variant": "dadabots", "rnn": "lstm", "skip_connections": True},
    ],
)
def test_it_learns_a_clip_by_heart_and_goes_on_from_its_beginning(kind: dict[str, Any]) -> None:
    settings = Settings(
        family="samplernn",
        dim=64,
        rnn_layers=1,
        embedding=16,
        learned_initial_state=True,
        weight_norm=kind["variant"] == "dadabots",
        **kind,
    )
    model, codes = build(settings, Audio(MU_LAW)), melody()
    assert learn(model, codes, steps=150) < 0.5
    made = go_on(model, codes[:PRIME], len(codes) - PRIME)
    assert np.corrcoef(MU_LAW.decode(made), MU_LAW.decode(codes[PRIME:]))[0, 1] > 0.99
