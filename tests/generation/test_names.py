"""Clips have names of their own, whatever their temperature and label."""

import pytest

from rawtone.generation.names import in_words, of_labels, stem


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(1.0, "t1.00-s3"), (0.9, "t0.90-s3"), (0.901, "t0.901-s3"), (0, "t0.00-s3")],
)
def test_temperatures_have_two_digits_where_that_is_exact(
    temperature: float, expected: str
) -> None:
    assert stem(temperature, 3) == expected


def test_a_label_stands_before() -> None:
    assert stem(1.0, 3, "rock") == "rock-t1.00-s3"


def test_labels_are_any_text_and_their_names_are_apart() -> None:
    """Also where capitals do not count, and where nothing of a label can be in a name."""
    labels = ["../../etc", "AC/DC", "R&B", "Rock", "rock", "r b", "ñ", "演歌", "x" * 300]
    names = of_labels(labels)
    assert names[:7] == ["etc", "AC-DC", "R-B", "Rock", "rock-2", "r-b-2", "label"]
    assert names[7:] == ["label-2", "x" * 40]


def test_schedules_are_told_by_their_points() -> None:
    assert stem({0.0: 1.0, 2.5: 0.901}, 3) == "t1.00-at-0-to-0.901-at-2.5-s3"
    assert in_words({0.0: 1.0, 2.5: 0.901}) == "1 at 0 s to 0.901 at 2.5 s"
    assert in_words({0.0: "jazz", 10.0: "rock"}) == "jazz at 0 s to rock at 10 s"
