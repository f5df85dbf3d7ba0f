"""Clips are ranked by what was heard, with reasons; none is thrown away."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rawtone.evaluation.curation import Heard, ranked

RANDOM = np.random.default_rng(0)


def clip(name: str, severity: float = 0.0, strangeness: float = 1.0, copy: str = "") -> Heard:
    features = RANDOM.normal(size=(3, 8)).astype(np.float32)
    defects = "mostly silent" if severity else ""
    return Heard(name, defects, severity, strangeness, copy, name, features)


def test_fewer_defects_then_likeness_then_no_copy_come_first() -> None:
    clips = [
        clip("silent", severity=0.9),
        clip("strange", strangeness=1.6),
        clip("good"),
        clip("copied", copy="a copy of Waltz from 1:12 on"),
    ]
    assert [place.rank for place in ranked(clips)] == [4, 2, 1, 3]


def test_the_reasons_are_a_sentence_with_the_figures() -> None:
    clips = [clip("b", strangeness=1.5), clip("a", 0.5, copy="a copy of Waltz from 1:12 on")]
    assert [place.reasons for place in ranked(clips, picked=["a"])] == [
        "No defect was heard; 1.50 times as far from the recordings as held-out ones are.",
        "Picked by ear; mostly silent; as near to the recordings as held-out ones are; "
        "a copy of Waltz from 1:12 on.",
    ]


def test_clips_picked_by_ear_come_first_in_their_order() -> None:
    clips = [clip("a"), clip("b", 0.5), clip("c", 0.9)]
    assert [place.rank for place in ranked(clips, picked=["c", "b"])] == [3, 2, 1]


def test_clips_that_sound_the_same_are_folded_under_the_best_of_them() -> None:
    good, other = clip("a"), clip("c")
    almost = replace(clip("b", 0.3), features=good.features + np.float32(0.01))
    places = ranked([almost, good, other])
    assert [place.rank for place in places] == [3, 1, 2]
    assert [place.same_as for place in places] == [1, None, None]
    assert places[0].reasons.startswith("Sounds the same as clip 1; ")


def test_clips_of_other_lengths_never_sound_the_same() -> None:
    short = replace(clip("a"), features=np.zeros((1, 8), np.float32))
    none = replace(clip("b"), features=np.zeros((0, 8), np.float32))
    also_none = replace(none, name="c", sha256="c")
    assert [p.same_as for p in ranked([short, none, also_none])] == [None, None, None]


SOME = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0.5, 4), st.booleans(), st.integers(0, 3)), max_size=12
)


@given(SOME, st.randoms(use_true_random=False))
def test_every_clip_has_one_rank_whatever_the_order_in_which_they_are_given(
    facts: list[tuple[float, float, bool, int]], random: np.random.Generator
) -> None:
    sounds = np.random.default_rng(1).normal(size=(4, 2, 8)).astype(np.float32)
    clips = [
        Heard(f"{k:03}", "", severity, strange, "a copy" * copy, f"{k}", sounds[sound])
        for k, (severity, strange, copy, sound) in enumerate(facts)
    ]
    places = {c.name: place for c, place in zip(clips, ranked(clips), strict=True)}
    assert sorted(place.rank for place in places.values()) == list(range(1, len(clips) + 1))
    kept = [place for place in places.values() if place.same_as is None]
    assert sorted(kept, key=lambda place: place.rank) == sorted(
        kept, key=lambda place: (-place.score, place.rank)
    )
    random.shuffle(clips)  # type: ignore[arg-type]
    assert places == {c.name: p for c, p in zip(clips, ranked(clips), strict=True)}
