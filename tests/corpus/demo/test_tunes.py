"""The tunes stay what the demo promises: easy to learn, public domain, two to four minutes."""

import pytest

from rawtone.corpus.demo import tunes
from rawtone.corpus.demo.synthesizer import EIGHTHS_PER_SECOND, ENCORE_AT_SECONDS, INSTRUMENTS
from rawtone.corpus.demo.tunes import TUNES, Note, Tune, parse

WHITE_KEYS = [60, 62, 64, 65, 67, 69, 71, 72]


def seconds(abc: str) -> float:
    return sum(note.eighths for note in parse(abc)) / EIGHTHS_PER_SECOND


def test_parse_reads_letters_lengths_and_bar_lines() -> None:
    assert parse("C|E3c2|G") == [
        Note(60, 1, False),
        Note(64, 3, True),
        Note(72, 2, False),
        Note(67, 1, True),
    ]


@pytest.mark.parametrize("abc", ["H", "C2 D2", "C0", "^F", "C,"])
def test_parse_refuses_what_it_does_not_know(abc: str) -> None:
    with pytest.raises(ValueError, match="Expected a note"):
        parse(abc)


def test_the_demo_uses_the_white_keys_of_one_octave() -> None:
    assert tunes.notes() == WHITE_KEYS


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.name)
def test_every_tune_is_easy_to_learn(tune: Tune) -> None:
    notes = parse(tune.melody + tune.encore)
    onsets_per_second = len(notes) / seconds(tune.melody + tune.encore)
    assert all(note.eighths <= 4 for note in notes)
    assert len({note.midi for note in notes}) >= 5
    assert 2.5 <= onsets_per_second <= 5.5
    assert 9 <= seconds(tune.melody) <= 18


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.name)
def test_every_tune_can_be_tagged(tune: Tune) -> None:
    assert tune.title and tune.composer and tune.genre
    assert tune.year < 1900
    assert tune.licence == "public domain"
    assert tune.instrument in INSTRUMENTS


def test_names_are_unique_and_in_order() -> None:
    names = [tune.name for tune in TUNES]
    assert names == sorted(set(names))


def test_there_are_genres_to_choose_from_and_two_to_four_minutes() -> None:
    encores = [tune for tune in TUNES if tune.encore]
    total = sum(seconds(tune.melody + tune.encore) for tune in TUNES)
    assert {"classical", "folk"} <= {tune.genre for tune in TUNES}
    assert {tune.instrument for tune in TUNES} == set(INSTRUMENTS)
    assert total >= 120
    assert total + ENCORE_AT_SECONDS * len(encores) <= 240


def test_one_tune_falls_silent_for_more_than_a_chunk() -> None:
    (interrupted,) = [tune for tune in TUNES if tune.encore]
    assert seconds(interrupted.melody) < ENCORE_AT_SECONDS - 8
