"""The engine for CPUs: a stream is the same bits whatever its neighbours and threads are."""

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rawtone.generation.engine import generate
from rawtone.generation.kernel import Kernel
from rawtone.generation.kernels.wavenet import WaveNetKernel
from rawtone.generation.loop import Loop
from rawtone.generation.streams import Stream
from rawtone.models.family import Family
from tests.generation.kernels.wavenets import wavenet

RATE = 16_000
SAMPLES = 2500
STREAMS = [
    Stream(
        seed,
        [0.0, 0.7, 1.0, ((0.0, 0.5), (0.1, 1.2))][seed % 4],  # type: ignore[list-item]
        label=((0.0, 0), (0.2, 1)) if seed % 3 == 0 else seed % 2,
        top_p=[1.0, 0.9][seed % 2],
    )
    for seed in range(37)
]


@pytest.fixture(scope="module")
def model() -> Family:
    return wavenet(labels=2, global_channels=3)


def engine(model: Family) -> Kernel:
    return Kernel(WaveNetKernel(model), model.audio, RATE)


def codes(
    engine: Kernel | Loop, streams: list[Stream], prime: np.ndarray | None = None
) -> np.ndarray:
    return np.concatenate([p.codes for p in generate(engine, streams, SAMPLES, prime)], axis=1)


@pytest.fixture(scope="module")
def alone(model: Family) -> np.ndarray:
    """Return each stream made by itself."""
    single = engine(model)
    return np.concatenate([codes(single, [stream]) for stream in STREAMS])


@pytest.mark.parametrize("count", [2, 15, 16])
def test_a_stream_has_the_same_bits_in_any_company(
    model: Family, alone: np.ndarray, count: int
) -> None:
    made = engine(model)
    np.testing.assert_array_equal(codes(made, STREAMS[:count]), alone[:count])
    np.testing.assert_array_equal(codes(made, STREAMS[-count:]), alone[-count:])


def test_its_order_among_others_does_not_matter(model: Family, alone: np.ndarray) -> None:
    np.testing.assert_array_equal(codes(engine(model), STREAMS[15::-1]), alone[15::-1])


def test_threads_share_an_engine(model: Family, alone: np.ndarray) -> None:
    """Each makes streams of its own, some of the same labels, that begin with the same prime."""
    prime = np.random.default_rng(0).integers(0, 256, 300, np.int32)
    shared, single = engine(model), engine(model)
    jobs = [STREAMS[:16], *[[stream] for stream in STREAMS[16:21]], STREAMS[21:]]
    with ThreadPoolExecutor(3) as pool:
        plain = np.concatenate(list(pool.map(partial(codes, shared), jobs)))
        primed = list(pool.map(partial(codes, shared, prime=prime), jobs[1:6]))
    np.testing.assert_array_equal(plain, alone)
    each = [codes(single, job, prime) for job in jobs[1:6]]
    np.testing.assert_array_equal(primed, each)
    assert (np.concatenate(primed) != alone[16:21]).any()


def test_an_engine_keeps_the_weights_that_it_was_made_with(
    model: Family, alone: np.ndarray
) -> None:
    """While it makes streams the model is given those of the next checkpoint."""
    made, kept = engine(model), [np.asarray(variable.value) for variable in model.weights]
    made.prepare(STREAMS)
    try:
        for variable in model.weights:
            variable.assign(-variable.value)
        np.testing.assert_array_equal(codes(made, STREAMS[:3]), alone[:3])
        assert (codes(engine(model), STREAMS[:3]) != alone[:3]).any()
    finally:
        for variable, value in zip(model.weights, kept, strict=True):
            variable.assign(value)


def test_what_is_to_stop_stops(model: Family) -> None:
    """Soon, and without codes that nobody made."""
    stopped = threading.Event()
    parts = generate(Kernel(WaveNetKernel(model), model.audio, RATE, stopped), STREAMS[:1], 10**9)
    next(parts)
    stopped.set()
    with pytest.raises(CancelledError):
        next(parts)


@pytest.mark.parametrize("count", [1, 5])
def test_it_goes_on_after_an_interruption(
    model: Family, alone: np.ndarray, count: int, tmp_path: Path
) -> None:
    """The state is written down, and read by another process."""
    streams, kept = STREAMS[:count], tmp_path / "state.npz"
    first = next(generate(engine(model), streams, SAMPLES))
    np.savez(kept, *[np.asarray(array) for array in first.state])
    with np.load(kept) as file:
        state = [file[f"arr_{number}"] for number in range(len(file))]
    rest = generate(engine(model), streams, SAMPLES, resumed=(state, first.end))
    joined = np.concatenate([first.codes, *[part.codes for part in rest]], axis=1)
    np.testing.assert_array_equal(joined, alone[:count])


def test_the_compiled_loop_makes_the_same_clips(model: Family, alone: np.ndarray) -> None:
    """Wherever rounding allows, which here is everywhere: labels, morphs, schedules, top-p."""
    loop = Loop(model, RATE)
    np.testing.assert_array_equal(codes(loop, STREAMS[:16]), alone[:16])


def test_primes_and_clips_go_together_in_both_engines(model: Family) -> None:
    prime = np.random.default_rng(0).integers(0, 256, 2300, np.int32)
    found = [codes(each, STREAMS[:5], prime) for each in (engine(model), Loop(model, RATE))]
    np.testing.assert_array_equal(*found)


def test_a_stream_that_is_not_told_labels_takes_any(model: Family) -> None:
    unlabelled = wavenet()
    one, other = (codes(engine(unlabelled), [Stream(1, 1.0, label=label)]) for label in (0, 5))
    np.testing.assert_array_equal(one, other)
