"""The batch order: a pure function of the step, that reaches all audio and invents none."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rawtone.training.batches import Excerpts, Windows
from rawtone.training.walks import Walks

SILENCE = 100


def excerpts(lengths: list[int], context: int, window: int, batch_size: int = 3) -> Excerpts:
    """Return chunks that hold 1, 2, 3, … (code = value + SILENCE), each labelled by its number."""
    size = max(lengths)
    pcm = np.arange(1, len(lengths) * size + 1, dtype=np.int16).reshape(len(lengths), size)
    codebook = np.arange(65536).astype(np.uint16).view(np.int16).astype(int) + SILENCE
    rows = np.arange(len(lengths))
    audio = (pcm, rows, np.array(lengths), rows.astype(np.int32), codebook, SILENCE)
    return Excerpts(*audio, context, hop=1, window=window, batch_size=batch_size, seed=7)


def windows(
    lengths: list[int], context: int, window: int, batch_size: int = 3, from_silence: float = 0.0
) -> Windows:
    """Return windows that are drawn at random."""
    return Windows(excerpts(lengths, context, window, batch_size), from_silence)


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
    firsts = np.minimum(2, swept.excerpts.lengths)
    scored = [b.targets[b.weights > 0] for b in swept.sweep(firsts)]
    expected = [
        swept.excerpts.pcm[i, first:length].astype(int) + SILENCE
        for i, (first, length) in enumerate(zip(firsts, lengths, strict=True))
    ]
    np.testing.assert_array_equal(np.concatenate(scored), np.concatenate(expected))


def test_a_window_is_told_the_label_of_its_chunk() -> None:
    drawn = windows([50, 50, 50], 5, 8, batch_size=20).batch(0)
    np.testing.assert_array_equal(drawn.labels, (drawn.targets[:, 0] - SILENCE - 1) // 50)


def test_what_is_predicted_at_once_is_not_heard() -> None:
    frames = replace(excerpts([40], context=8, window=12), hop=4)
    batch = Windows(frames).batch(0)
    assert batch.codes.shape == (3, 16)
    np.testing.assert_array_equal(batch.codes[:, 8:], batch.targets[:, :8])


def test_stereo_windows_have_both_channels() -> None:
    mono = excerpts([40], context=8, window=12)
    stereo = replace(mono, pcm=np.stack([mono.pcm, -mono.pcm], axis=-1))
    batch = Windows(stereo).batch(0)
    assert batch.targets.shape == (3, 12, 2)
    np.testing.assert_array_equal(batch.targets.sum(axis=-1), 2 * SILENCE)


def test_walks_go_through_chunks_from_end_to_end() -> None:
    """State is carried from each window to the next, and into no other chunk."""
    walks = Walks(excerpts([20, 12, 20], context=4, window=8, batch_size=2))
    batches = [walks.batch(index) for index in range(3)]
    assert [batch.fresh.tolist() for batch in batches] == [[True] * 2, [False] * 2, [False] * 2]
    for lane in range(2):
        heard = [batch.targets[lane][batch.weights[lane] > 0] for batch in batches]
        (chunk,) = {batch.labels[lane] for batch in batches}
        length = int(walks.excerpts.lengths[chunk])
        expected = SILENCE + 1 + 20 * chunk + np.arange(length)
        np.testing.assert_array_equal(np.concatenate(heard), expected)
    np.testing.assert_array_equal(batches[0].codes[:, :4], SILENCE)
    np.testing.assert_array_equal(batches[1].codes[:, :4], batches[0].targets[:, -4:])


def test_a_pass_of_walks_leaves_no_chunk_out() -> None:
    walks = Walks(excerpts([8] * 6, context=2, window=8, batch_size=4))
    labels = np.concatenate([walks.batch(index).labels for index in range(3)])
    assert sorted(labels[:6]) == sorted(labels[6:]) == list(range(6))
    assert labels[:6].tolist() != labels[6:].tolist()
    np.testing.assert_array_equal(walks.batch(1).labels, labels[4:8])


@given(st.lists(st.integers(3, 40), min_size=1, max_size=5), st.integers(1, 9), st.integers(1, 9))
def test_walks_that_sweep_score_every_sample_once(
    lengths: list[int], context: int, window: int
) -> None:
    """What the chunk before held, too, is heard again, and counts once."""
    walks = Walks(excerpts(lengths, context, window))
    firsts = np.minimum(2, walks.excerpts.lengths)
    scored = [b.targets[b.weights > 0] for b in walks.sweep(firsts)]
    expected = [
        walks.excerpts.pcm[i, first:length].astype(int) + SILENCE
        for i, (first, length) in enumerate(zip(firsts, lengths, strict=True))
    ]
    np.testing.assert_array_equal(np.sort(np.concatenate(scored)), np.concatenate(expected))
