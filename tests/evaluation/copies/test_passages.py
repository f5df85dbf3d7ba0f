"""Chunks are put together to the recordings that they were cut from."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rawtone.corpus.chunks import Chunks, Excerpt, grid
from rawtone.evaluation.copies.passages import passages


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    size=st.integers(2, 20),
    overlap=st.integers(0, 19),
    left_out=st.sets(st.integers(0, 40)),
    longest=st.integers(1, 50),
)
def test_every_sample_of_the_chunks_stands_once_where_it_was(
    lengths: list[int], size: int, overlap: int, left_out: set[int], longest: int
) -> None:
    overlap = min(overlap, size - 1)
    tracks = [np.arange(length, dtype=np.int16) + 100 * n for n, length in enumerate(lengths)]
    cut = [(n, e) for n, t in enumerate(tracks) for e in grid(Excerpt(0, len(t)), size, overlap)]
    kept = [each for row, each in enumerate(cut) if row not in left_out]
    table = np.zeros((len(kept), size), np.int16)
    for row, (n, excerpt) in enumerate(kept):
        table[row, : excerpt.length] = tracks[n][excerpt.start : excerpt.stop]
    chunks = Chunks(
        table,
        np.array([e.length for _, e in kept], np.int64),
        np.array([e.start for _, e in kept], np.int64),
        tuple(str(n) for n, _ in kept),
        ("",) * len(kept),
        ("train",) * len(kept),
        8000,
        overlap,
    )
    found: list[int] = []
    for passage in passages(chunks, chunks.rows("train"), longest):
        audio = passage.audio(chunks)
        begin = 100 * int(passage.track) + passage.start
        np.testing.assert_array_equal(audio, begin + np.arange(len(audio)))
        found += audio.tolist()
    heard = {100 * n + place for n, e in kept for place in range(e.start, e.stop)}
    assert sorted(found) == sorted(heard)
