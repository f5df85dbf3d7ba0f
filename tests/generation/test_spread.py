"""How streams are spread over groups and threads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.generation.spread import GROUP, spread


@pytest.mark.parametrize(
    ("streams", "threads", "group", "expected"),
    [
        (1, 2, 4.0, [1]),
        (2, 2, 4.0, [1, 1]),
        (8, 2, 4.0, [1] * 8),  # four a thread: no group would be sooner
        (9, 2, 4.0, [16]),  # five for one of the threads
        (16, 2, 4.0, [16]),
        (17, 2, 4.0, [16, 1]),
        (32, 2, 4.0, [16, 16]),
        (37, 1, 4.0, [16, 16, 16]),
        (37, 2, 4.0, [16, 16] + [1] * 5),
        (4, 1, 1.5, [16]),
    ],
)
def test_groups(streams: int, threads: int, group: float, expected: list[int]) -> None:
    assert spread(streams, threads, group) == expected


@given(st.integers(1, 300), st.integers(1, 64), st.floats(1, 16))
def test_there_is_room_for_all_and_at_most_one_group_is_not_full(
    streams: int, threads: int, group: float
) -> None:
    widths = spread(streams, threads, group)
    assert sorted(set(widths)) in ([1], [GROUP], [1, GROUP])
    assert streams <= sum(widths) < streams + GROUP
