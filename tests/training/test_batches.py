"""The batch order: a pure function of the step, that reaches all audio and invents none."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rawtone.training.batches import Windows

SILENCE = 100


def windows(
    lengths: list[int], context: int, window: int, batch_size: int = 3, from_silence: float = 0.0
) -> Windows:
    """Return windows over chunks that hold 1, 2, 3, … (code = value + SILENCE)."""
    size = max(lengths)
    pcm = np.arange(1, len(lengths) * size + 1, dtype=np.int16).reshape(len(lengths), size)
    codebook = np.arange(65536).astype(np.uint16).view(np.int16).astype(int) + SILENCE
    rows, samples = np.arange(len(lengths)), np.array(lengths)
    return Windows(
        pcm, rows, samples, codebook, SILENCE, context, window, batch_size, 7, from_silence
    )


def test_a_step_has_the_same_batch_whenever_it_is_asked_for() -> None:
    one, other = windows([50, 30], 5, 8), windows([50, 30], 5, 8)
    other.batch(3)
    np.testing.assert_array_equal(one.batch(11).codes, other.batch(11).codes)
    assert (one.batch(11).codes != one.batch(12).codes).any()


def test_targets_follow_what_is_heard() -> None:
    batch = windows([50, 30], context=5, window=8).batch(0)
    assert batch.codes.shape == (3, 12)
    np.testing.assert_array_equal(batch.codes[:, 5:], batch.targets[:, :-1])


def test_some_windows_begin_out_of_silence_and_the_others_know_their_past() -> None:
    drawn = windows([500], 4, 8, batch_size=4000, from_silence=0.25).batch(0)
    silent = (drawn.codes[:, :4] == SILENCE).all(axis=1)
    assert abs(silent.mean() - 0.25) < 0.03
    begins_the_chunk = drawn.targets[:, 0] < SILENCE + 5
    known = drawn.codes[~silent & ~begins_the_chunk]
    assert (np.diff(known, axis=1) == 1).all()


def test_a_chunk_shorter_than_a_window_is_learned_from_and_only_its_own_samples_count() -> None:
    batch = windows([3], context=2, window=8, batch_size=2).batch(0)
    np.testing.assert_array_equal(batch.targets[:, :3] - SILENCE, [[1, 2, 3]] * 2)
    np.testing.assert_array_equal(batch.weights, [[1, 1, 1, 0, 0, 0, 0, 0]] * 2)


@given(st.lists(st.integers(3, 40), min_size=1, max_size=5), st.integers(1, 9), st.integers(1, 9))
def test_a_sweep_predicts_every_sample_once(lengths: list[int], context: int, window: int) -> None:
    swept = windows(lengths, context, window)
    firsts = np.minimum(2, swept.lengths)
    scored = [b.targets[b.weights > 0] for b in swept.sweep(firsts)]
    expected = [
        swept.pcm[i, first:length].astype(int) + SILENCE
        for i, (first, length) in enumerate(zip(firsts, lengths, strict=True))
    ]
    np.testing.assert_array_equal(np.concatenate(scored), np.concatenate(expected))
