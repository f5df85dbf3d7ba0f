"""Splits keep what they promise when a corpus grows."""

from hypothesis import given
from hypothesis import strategies as st

from rawtone.corpus import splits
from rawtone.corpus.splits import by_time, by_track

ids = st.integers(0, 10**6).map(lambda number: f"{number:012x}")
shares = st.floats(0.01, 0.49)


def drawn_to_train(tracks, validation, test):
    return [t for t in tracks if validation <= splits.place(t) < 1 - test]


@given(st.sets(ids, min_size=3, max_size=30), shares, shares)
def test_every_split_has_a_track_and_every_track_a_split(tracks, validation, test):
    given_splits, _ = by_track(sorted(tracks), validation, test)
    assert set(given_splits) == tracks
    assert set(given_splits.values()) == {"train", "validation", "test"}


@given(st.sets(ids, min_size=3, max_size=12), st.sets(ids, max_size=12), shares, shares)
def test_adding_tracks_never_holds_out_what_was_learned_from(tracks, more, validation, test):
    """The promise at the top of splits.py, but for its exception, which the notes tell of."""
    before, notes = by_track(sorted(tracks), validation, test)
    after, _ = by_track(sorted(tracks | more), validation, test)
    if "one each" not in " ".join(notes):
        assert all(after[t] == "train" for t in tracks if before[t] == "train")


@given(st.sets(ids, min_size=3, max_size=30), shares, shares)
def test_the_draw_alone_decides_where_every_split_got_one(tracks, validation, test):
    given_splits, notes = by_track(sorted(tracks), validation, test)
    if not notes:
        train = [track for track, split in given_splits.items() if split == "train"]
        assert sorted(train) == sorted(drawn_to_train(tracks, validation, test))


@given(st.permutations([f"{n:012x}" for n in range(8)]))
def test_order_does_not_matter(tracks):
    assert by_track(tracks, 0.2, 0.2) == by_track(sorted(tracks), 0.2, 0.2)


def test_many_tracks_come_near_the_shares():
    tracks = [f"{n:012x}" for n in range(4000)]
    given_splits, notes = by_track(tracks, 0.1, 0.2)
    assert notes == []
    assert abs(list(given_splits.values()).count("validation") - 400) < 60
    assert abs(list(given_splits.values()).count("test") - 800) < 80


@given(st.integers(0, 10**7), shares, shares)
def test_by_time_divides_a_track_without_gap_or_overlap(samples, validation, test):
    parts = by_time(samples, validation, test)
    assert [split for split, _ in parts] == ["train", "validation", "test"]
    position = 0
    for _, stretch in parts:
        assert stretch.start == position
        position = stretch.stop
    assert position == samples
