"""Splits keep what they promise when a corpus grows."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from rawtone.corpus import splits
from rawtone.corpus.chunks import Excerpt
from rawtone.corpus.splits import by_group, by_time, by_track, group, joined

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
def test_by_time_without_a_gap_divides_a_track_without_gap_or_overlap(samples, validation, test):
    parts = by_time(samples, validation, test, 0)
    assert [split for split, _ in parts] == ["train", "validation", "test"]
    position = 0
    for _, stretch in parts:
        assert stretch.start == position
        position = stretch.stop
    assert position == samples


@given(st.integers(0, 10**6), shares, shares, st.integers(1, 10**5))
def test_by_time_leaves_gaps_that_only_train_gives_way_to(samples, validation, test, gap):
    parts = by_time(samples, validation, test, gap)
    assert parts[-1][1].stop == samples
    if len(parts) == 1:  # too short for gaps, so nothing of it is held out
        assert parts[0] == ("train", Excerpt(0, samples))
        return
    before = by_time(samples, validation, test, 0)
    assert [part.length for _, part in parts[1:]] == [part.length for _, part in before[1:]]
    for (_, one), (_, other) in itertools.pairwise(parts):
        assert other.start - one.stop == gap


@given(st.sets(ids, min_size=30, max_size=60), st.sets(ids, max_size=30), st.data())
def test_the_split_of_old_tracks_does_not_change_when_tracks_come_or_go(tracks, more, data):
    """With a track drawn for every split, before and after; too few tracks need a stand-in."""
    gone = data.draw(st.sets(st.sampled_from(sorted(tracks)), max_size=5))
    before, first = by_track(sorted(tracks), 0.2, 0.2)
    after, then = by_track(sorted((tracks | more) - gone), 0.2, 0.2)
    if not first and not then:
        assert all(after[track] == before[track] for track in tracks - gone)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=20))
def test_a_group_is_in_one_split_and_another_track_of_it_goes_there(names):
    groups = {f"{n:012x}": name for n, name in enumerate(names)}
    if len(set(names)) < 3:
        return
    before, _ = by_group(groups, 0.2, 0.2)
    assert all(len({before[t] for t in groups if groups[t] == name}) == 1 for name in names)
    after, _ = by_group(groups | {"f" * 12: names[0]}, 0.2, 0.2)
    assert {track: after[track] for track in groups} == before
    assert after["f" * 12] == before[f"{0:012x}"]


def test_the_album_is_the_group_in_which_case_does_not_count():
    track = {"id": "0a", "album": "Blue", "artist": ""}
    assert group(track, "album") == group(track | {"id": "0b", "album": "BLUE"}, "album")
    assert group(track, "artist") == group(track, "track") == "0a"


pairs = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=6)


@given(st.lists(ids, min_size=12, max_size=12, unique=True), pairs, shares, shares)
def test_tracks_that_sound_the_same_are_in_one_split(tracks, same, validation, test):
    """Also over a third one, over albums, and in whatever order they are told."""
    told = {tracks[one]: tracks[other] for one, other in same if one != other}
    groups = {track: f"album {n // 2}" for n, track in enumerate(tracks)}
    together = joined(groups, told, validation, test)
    for one, other in told.items():
        assert together[one] == together[other]
    assert all(together[tracks[n]] == together[tracks[n + 1]] for n in range(0, 12, 2))
    touched = {groups[track] for pair in told.items() for track in pair}
    alone = {track: name for track, name in groups.items() if name not in touched}
    assert all(together[track] == name for track, name in alone.items())
    again = joined(groups, dict(reversed(told.items())), validation, test)
    assert again == together


@given(st.sets(ids, min_size=30, max_size=40), ids, st.integers(0, 29), st.booleans())
def test_a_duplicate_never_brings_a_track_from_train_to_what_is_held_out(tracks, new, at, first):
    """Whichever of the two is told to be the duplicate."""
    old = sorted(tracks - {new})[min(at, len(tracks - {new}) - 1)]
    alone = {track: track for track in tracks - {new}}
    before, notes = by_group(alone, 0.2, 0.2)
    same = {new: old} if first else {old: new}
    after, then = by_group(joined(alone | {new: new}, same, 0.2, 0.2), 0.2, 0.2)
    assert after[new] == after[old]
    if not notes and not then:
        others = [track for track in alone if track != old]
        assert all(after[track] == before[track] for track in others)
        assert before[old] != "train" or after[old] == "train"
