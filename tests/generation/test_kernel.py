"""The engine for CPUs: a stream is the same bits whatever its neighbours and threads are."""

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


def engine(model: Family, threads: int = 2) -> Kernel:
    return Kernel(WaveNetKernel(model), model.audio, RATE, threads)


def codes(
    engine: Kernel | Loop, streams: list[Stream], prime: np.ndarray | None = None
) -> np.ndarray:
    return np.concatenate([p.codes for p in generate(engine, streams, SAMPLES, prime)], axis=1)


@pytest.fixture(scope="module")
def alone(model: Family) -> np.ndarray:
    """Return each stream made by itself, on one thread."""
    single = engine(model, threads=1)
    return np.concatenate([codes(single, [stream]) for stream in STREAMS])


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [2, 15, 16, 17, 37])
def test_a_stream_has_the_same_bits_in_any_company(
    model: Family, alone: np.ndarray, count: int, threads: int
) -> None:
    np.testing.assert_array_equal(codes(engine(model, threads), STREAMS[:count]), alone[:count])


def test_its_order_among_others_does_not_matter(model: Family, alone: np.ndarray) -> None:
    np.testing.assert_array_equal(codes(engine(model), STREAMS[::-1]), alone[::-1])


def test_a_primed_stream_has_the_same_bits_in_any_company(model: Family) -> None:
    prime = np.random.default_rng(0).integers(0, 256, 300, np.int32)
    together = codes(engine(model), STREAMS[:20], prime)
    single = engine(model, threads=1)
    each = np.concatenate([codes(single, [stream], prime) for stream in STREAMS[:20]])
    np.testing.assert_array_equal(together, each)
    assert (together != codes(single, STREAMS[:20])).any()


@pytest.mark.parametrize("count", [1, 20])
def test_it_goes_on_after_an_interruption_with_other_threads(
    model: Family, alone: np.ndarray, count: int, tmp_path: Path
) -> None:
    """The state is written down, and read where there is another number of cores."""
    streams, kept = STREAMS[:count], tmp_path / "state.npz"
    first = next(generate(engine(model, threads=2), streams, SAMPLES))
    np.savez(kept, *[np.asarray(array) for array in first.state])
    with np.load(kept) as file:
        state = [file[f"arr_{number}"] for number in range(len(file))]
    rest = generate(engine(model, threads=1), streams, SAMPLES, resumed=(state, first.end))
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
