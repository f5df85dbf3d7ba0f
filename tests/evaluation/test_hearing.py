"""What is heard does not depend on how many processes hear, and errors come back."""

import os
from functools import partial

import pytest

from rawtone.evaluation.hearing import each


def doubled(parent: int, clip: int) -> tuple[int, bool]:
    return 2 * clip, os.getpid() == parent


def failing(clip: int) -> int:
    raise ValueError(f"clip {clip}")


def test_many_clips_are_heard_by_other_processes_in_order() -> None:
    heard = list(each(partial(doubled, os.getpid()), range(100)))
    assert [twice for twice, _ in heard] == list(range(0, 200, 2))
    assert not any(here for _, here in heard) or len(os.sched_getaffinity(0)) == 1


def test_a_few_clips_are_heard_here() -> None:
    assert list(each(partial(doubled, os.getpid()), range(3))) == [(0, True), (2, True), (4, True)]


def test_an_error_in_another_process_is_an_error_here() -> None:
    with pytest.raises(ValueError, match="clip 0"):
        list(each(failing, range(100)))
