"""A stream goes on from a prime as if it had made it itself, and is still alone in the world."""

import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.generation.random import uniforms
from rawtone.model_settings import ModelSettings, SampleRNN, Spectral, WaveNet
from rawtone.models import backend

backend.start()

from rawtone.generation.engine import generate  # noqa: E402
from rawtone.generation.loop import LANES, Loop  # noqa: E402
from rawtone.generation.streams import Stream  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402

LEVELS = 32
TINY_WAVENET = WaveNet(
    family="wavenet",
    dilations=[1, 2, 4],
    filter_width=2,
    residual_channels=6,
    dilation_channels=6,
    skip_channels=8,
    biases=True,
)
TINY_SAMPLERNN = SampleRNN.model_validate(
    {
        "family": "samplernn",
        "frame_sizes": [2, 4],
        "dim": 6,
        "embedding": 4,
        "variant": "prism",
        "rnn": "gru",
        "rnn_layers": 1,
        "skip_connections": False,
        "learned_initial_state": False,
        "weight_norm": False,
    }
)


def tiny_spectral(window: str) -> Spectral:
    return Spectral.model_validate(
        {
            "family": "spectral",
            "frame": 8,
            "window": window,
            "spectrum": "half",
            "scale": 1.0,
            "layers": [{"units": 5}],
            "output": {"kind": "regression"},
        }
    )


KINDS = {
    "wavenet": (TINY_WAVENET, 1),
    "samplernn": (TINY_SAMPLERNN, 1),
    "spectral side by side": (tiny_spectral("rectangular"), 1),
    "spectral overlapping, stereo": (tiny_spectral("sine"), 2),
}


def engine_of(settings: ModelSettings, channels: int) -> Loop:
    """Return a loop around a model with large random weights, so that what it heard shows."""
    model = build(settings, Audio(quantizers.make("linear", LEVELS), channels), seed=1)
    random = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(random.normal(size=variable.shape, scale=0.6))
    return Loop(model, sample_rate=8000)


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest) -> Loop:
    return engine_of(*KINDS[request.param])


@pytest.fixture(scope="module")
def wavenet() -> Loop:
    return engine_of(*KINDS["wavenet"])


def prime_for(engine: Loop, samples: int) -> np.ndarray:
    """Return random codes [samples], of stereo [samples, 2]."""
    shape = (samples,) if engine.model.audio.channels == 1 else (samples, 2)
    return np.random.default_rng(2).integers(0, LEVELS, shape, np.int32)


def codes(
    engine: Loop, streams: list[Stream], samples: int, prime: np.ndarray | None = None
) -> np.ndarray:
    return np.concatenate(
        [part.codes for part in generate(engine, streams, samples, prime)], axis=1
    )


def by_hand(engine: Loop, stream: Stream, prime: np.ndarray, samples: int) -> np.ndarray:
    """Step through silence and whole frames of a prime, then draw, one frame after another."""
    model, channels = engine.model, engine.model.audio.channels
    # by XLA it would compile anew for every place in a ring
    step, draw = (backend.compiled(form, jit=False) for form in (model.step, model.draw))
    hop, temperature = model.settings.hop, np.full(LANES, stream.temperature, np.float32)
    state = backend.compiled(lambda: model.initial_state(LANES))()
    heard = np.full((1, *model.frame), engine.silence, np.int32)
    for frame in [*heard, *prime.reshape(-1, *model.frame)]:
        features, state = step(state, np.repeat(frame[None], LANES, axis=0))
    numbers = uniforms(stream.seed, 0, samples * channels).reshape(-1, hop * channels, 2, 1)
    made = []
    for number in numbers:
        code, state = draw(state, features, temperature, np.repeat(number, LANES, axis=-1))
        made.append(np.asarray(code)[0])
        features, state = step(state, code)
    return np.stack(made).reshape(samples, *prime.shape[1:])


def test_it_goes_on_as_stepping_through_the_prime_by_hand_does(engine: Loop) -> None:
    stream, prime = Stream(seed=4, temperature=0.9), prime_for(engine, 48)
    made = codes(engine, [stream], 64, prime)[0]
    np.testing.assert_array_equal(made, by_hand(engine, stream, prime, 64))
    assert (made != codes(engine, [stream], 64)[0]).any()


def test_what_is_more_than_whole_frames_is_cut_off_its_beginning(engine: Loop) -> None:
    stream, hop = Stream(seed=4, temperature=0.9), engine.model.settings.hop
    prime = prime_for(engine, 3 * hop + hop // 2)
    made = codes(engine, [stream], 64, prime)
    np.testing.assert_array_equal(made, codes(engine, [stream], 64, prime[hop // 2 :]))


def test_a_primed_stream_is_the_same_whatever_batch_it_is_made_in(wavenet: Loop) -> None:
    streams, prime = [Stream(seed, 0.5 + seed / 8) for seed in range(5)], prime_for(wavenet, 30)
    together = codes(wavenet, streams, 100, prime)
    alone = [codes(wavenet, [stream], 100, prime)[0] for stream in streams]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("off", [-1, 0, 1, 2])
def test_primes_longer_than_a_block_are_heard_to_their_end(wavenet: Loop, off: int) -> None:
    """All but what lies before the receptive field, which ends with the prime, is forgotten."""
    stream, prime = Stream(seed=4, temperature=0.9), prime_for(wavenet, 2 * wavenet.steps + off)
    end = prime[-TINY_WAVENET.context :]
    np.testing.assert_array_equal(
        codes(wavenet, [stream], 50, prime), codes(wavenet, [stream], 50, end)
    )


def test_an_empty_prime_is_silence(wavenet: Loop) -> None:
    stream = Stream(seed=4, temperature=0.9)
    made = codes(wavenet, [stream], 50, prime_for(wavenet, 0))
    np.testing.assert_array_equal(made, codes(wavenet, [stream], 50))


def test_primes_of_any_length_need_one_compilation() -> None:
    loop = engine_of(*KINDS["wavenet"])
    for samples in (10, 50, 3000):
        codes(loop, [Stream(0, 1.0)], 1, prime_for(loop, samples))
    assert loop.hear.experimental_get_tracing_count() == 1
