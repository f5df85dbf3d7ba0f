"""How the streams of a grid are spread over groups and threads."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.generation.spread import GROUP, spread


@pytest.mark.parametrize(
    ("streams", "threads", "group", "expected"),
    [
        (1, 2, 4.0, [1]),
        (2, 2, 4.0, [1, 1]),
        (6, 2, 4.0, [1] * 6),  # three a thread: no group would be sooner
        (8, 2, 4.0, [8]),  # as soon, and less work
        (9, 2, 4.0, [9]),  # five for one of the threads
        (16, 2, 4.0, [16]),
        (17, 2, 4.0, [16, 1]),
        (32, 2, 4.0, [16, 16]),
        (37, 1, 4.0, [16, 16, 5]),
        (37, 2, 4.0, [16, 16] + [1] * 5),
        (4, 1, 1.5, [4]),
    ],
)
def test_one_checkpoint(streams: int, threads: int, group: float, expected: list[int]) -> None:
    assert spread([streams], threads, group) == [expected]


def test_with_more_checkpoints_each_is_as_little_work_as_can_be() -> None:
    """A thread that would wait takes streams of the next one instead."""
    assert spread([8, 8], 2, 4.0) == [[8], [8]]
    assert spread([1] * 8, 2, 4.0) == [[1]] * 8


def test_the_last_checkpoints_are_cut_up_so_that_threads_end_together() -> None:
    assert spread([8, 8, 8], 2, 6.0) == [[8], [8], [1] * 8]  # 10, and not 12
    assert spread([16, 0, 2], 3, 6.0) == [[16], [], [1, 1]]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 64), st.floats(1, 16))
def test_every_stream_is_made_and_no_job_is_too_large(
    streams: list[int], threads: int, group: float
) -> None:
    jobs = spread(streams, threads, group)
    assert [sum(each) for each in jobs] == streams
    assert all(1 <= job <= GROUP for job in itertools.chain(*jobs))
    assert all(each == sorted(each, reverse=True) for each in jobs)
