"""Retention: what a person reads in `keep` is what stays, whenever it is applied."""

from hypothesis import given
from hypothesis import strategies as st

from rawtone.settings import Keep
from rawtone.training.retention import kept

LOSSES = {100: 3.0, 200: 1.0, 300: 2.0, 400: 1.0, 500: 4.0}


def test_the_last_the_regular_and_the_best_stay() -> None:
    assert kept(LOSSES, Keep(last=1), LOSSES) == {500}
    assert kept(LOSSES, Keep(last=2, every=300), LOSSES) == {300, 400, 500}
    assert kept(LOSSES, Keep(best=1), LOSSES) == {200, 500}
    assert kept(LOSSES, Keep(every=1), LOSSES) == set(LOSSES)


def test_a_checkpoint_without_a_validation_is_never_the_best() -> None:
    assert kept([100, 200, 300], Keep(best=1), {200: 9.0}) == {200, 300}


@given(
    st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0]), min_size=1, max_size=12),
    st.integers(1, 3),
    st.none() | st.integers(1, 4),
    st.integers(0, 3),
)
def test_applied_after_each_checkpoint_it_leaves_the_same_as_applied_once(
    losses: list[float], last: int, every: int | None, best: int
) -> None:
    keep, known = Keep(last=last, every=every, best=best), dict(enumerate(losses, 1))
    there: set[int] = set()
    for step in known:
        there = kept({*there, step}, keep, {k: v for k, v in known.items() if k <= step})
    assert there == kept(known, keep, known)
