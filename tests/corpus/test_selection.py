"""Which recordings are used depends on what is asked for, and on nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.corpus.selection import LEFT_OUT, Drawing, Selection

TRACK = {"id": "0a", "path": "rock/a.wav", "genre": "Rock", "artist": "", "year": "1999"}


def selection(**asked) -> Selection:
    return Selection.of(asked)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({}, ""),
        ({"include": {"genre": ["rock", "Folk"]}}, ""),
        ({"include": {"genre": ["Folk"]}}, "genre is Rock"),
        ({"include": {"artist": ["A"]}}, "artist is not known"),
        ({"include": {"mood": ["calm"]}}, "mood is not known"),
        ({"include": {"genre": ["Rock"], "year": [2000]}}, "year is 1999"),
        ({"include": {"year": [1999]}}, ""),
        ({"include": {"folder": ["rock"]}}, ""),
        ({"exclude": {"genre": ["ROCK"]}}, "genre is Rock"),
        ({"exclude": {"artist": ["A"]}}, ""),
        ({"leave_out": ["0a"]}, "named in select.leave_out"),
        ({"leave_out": ["rock/a.wav"]}, "named in select.leave_out"),
        ({"leave_out": ["a.wav"]}, ""),
    ],
)
def test_by_tag_and_by_name(asked, reason):
    assert selection(**asked).against(TRACK) == (LEFT_OUT + reason if reason else "")


def test_by_length():
    limits = selection(min_seconds=10, max_seconds=20)
    assert limits.against_length(9.9) == LEFT_OUT + "shorter than 10 s"
    assert limits.against_length(20.1) == LEFT_OUT + "longer than 20 s"
    assert limits.against_length(10) == limits.against_length(20) == ""


lengths = st.lists(st.floats(1, 4000), min_size=1, max_size=40)
hours = st.floats(0.1, 5)


def drawn(lengths: list[float], **asked) -> list[str]:
    chosen = selection(**asked)
    tracks = [{"id": f"{n:04x}", "path": "", "s": str(s)} for n, s in enumerate(lengths)]
    drawing = Drawing(chosen)
    return [t["id"] for t in chosen.order(tracks) if not drawing.against(float(t["s"]))]


@given(lengths, hours, hours, st.integers(0, 3), st.none() | st.floats(1, 100))
def test_fewer_hours_are_in_more_and_never_exceeded(lengths, one, other, seed, each):
    fewer, more = sorted((one, other))
    few = drawn(lengths, max_hours=fewer, seed=seed, each_seconds=each)
    many = drawn(lengths, max_hours=more, seed=seed, each_seconds=each)
    assert set(few) <= set(many)
    used = [min(lengths[int(track, 16)], each or 1e9) for track in few]
    assert sum(used) <= fewer * 3600 + 1e-6


def test_another_seed_is_another_draw():
    lengths = [60.0] * 100
    assert len({tuple(drawn(lengths, max_hours=0.5, seed=seed)) for seed in range(5)}) == 5


@given(st.sets(st.integers(0, 10**6), min_size=2, max_size=30), st.data())
def test_the_order_of_tracks_stays_when_others_come_or_go(numbers, data):
    chosen = selection(max_hours=1.0)
    tracks = [{"id": f"{n:012x}", "path": ""} for n in sorted(numbers)]
    stay = data.draw(st.sets(st.sampled_from(sorted(numbers)), min_size=1))
    order = [track for track in chosen.order(tracks) if int(track["id"], 16) in stay]
    assert order == chosen.order([t for t in tracks if int(t["id"], 16) in stay])


def test_without_hours_the_order_is_that_of_ids():
    tracks = [{"id": i, "path": ""} for i in ("0c", "0a", "0b")]
    assert [track["id"] for track in selection().order(tracks)] == ["0a", "0b", "0c"]
