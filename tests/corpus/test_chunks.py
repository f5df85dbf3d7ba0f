"""No sample of a track is lost when it is cut, and the reader gives back what was written."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rawtone.corpus.chunks import Chunks, Excerpt, grid
from rawtone.errors import UserError


@given(st.integers(0, 10**5), st.integers(1, 5000), st.integers(10, 3000), st.integers(0, 2999))
def test_chunks_cover_every_sample_and_none_is_superfluous(start, length, size, overlap):
    assume(overlap < size)
    stretch = Excerpt(start, length)
    cut = grid(stretch, size, overlap)
    covered = start
    for k, chunk in enumerate(cut):
        assert chunk.start == start + k * (size - overlap)
        assert chunk.start <= covered < chunk.stop  # no hole, and something new in each
        assert chunk.length == size or k == len(cut) - 1
        covered = chunk.stop
    assert covered == stretch.stop


def test_the_grid_in_examples():
    assert grid(Excerpt(0, 0), 8, 1) == []
    assert grid(Excerpt(0, 5), 8, 1) == [Excerpt(0, 5)]
    assert grid(Excerpt(0, 8), 8, 1) == [Excerpt(0, 8)]
    assert grid(Excerpt(0, 9), 8, 1) == [Excerpt(0, 8), Excerpt(7, 2)]
    assert grid(Excerpt(3, 15), 8, 1) == [Excerpt(3, 8), Excerpt(10, 8)]


def test_opening_what_is_not_there_says_what_to_run(tmp_path):
    with pytest.raises(UserError, match="rawtone chunk mine"):
        Chunks.open(tmp_path / "mine")
