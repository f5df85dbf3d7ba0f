"""Figures must read well, and a missing one must never break a sentence."""

import pytest

from rawtone.report.words import (
    counted,
    duration,
    melody_words,
    note_name,
    number,
    origin_words,
)


@pytest.mark.parametrize("missing", [None, "", "nan", float("inf"), "?"])
def test_what_is_not_known_is_a_dash(missing: object) -> None:
    assert number(missing) == "–"
    assert duration(missing) == "–"


def test_numbers_have_fixed_digits() -> None:
    assert number("1.8") == "1.80"
    assert number(-18.24, 1) == "−18.2"


def test_times_are_told_as_people_do() -> None:
    assert [duration(s) for s in (0.51, 10, 204, 7200)] == ["0.51 s", "10 s", "3.4 min", "2.0 h"]


def test_things_are_counted() -> None:
    assert (counted(1, "step"), counted(2000, "step")) == ("1 step", "2,000 steps")


def test_notes_have_names() -> None:
    assert [note_name(midi) for midi in (60, 69, 61)] == ["C4", "A4", "C♯4"]


def test_a_melody_in_words() -> None:
    row = {"voiced": "0.9", "in_tune": "0.97", "notes": "60 64", "onsets_per_second": "2.1"}
    assert melody_words(row) == "97% in tune · C4 E4 · 2.1 attacks a second"


def test_noise_and_silence_in_words() -> None:
    assert melody_words({"voiced": "0.1", "notes": ""}) == (
        "a clear pitch only 10% of the time · no clear notes"
    )
    assert melody_words({"silent_fraction": "0.8"}) == "silent for 80% of the time"
    assert melody_words({}) == ""


def test_where_weights_came_from_is_told_down_the_chain() -> None:
    first = {"experiment": "one", "run": "abc", "step": 1200, "sha256": "0"}
    chain = {"experiment": "band", "run": "def", "step": 40, "sha256": "1", "origin": first}
    assert origin_words(None) == ""
    assert origin_words(first) == "one, step 1,200 (run abc)"
    assert origin_words(chain) == (
        "band, step 40 (run def), which began from one, step 1,200 (run abc)"
    )
