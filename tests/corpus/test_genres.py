"""A genre is spelled one way, by rawtone's table or the user's."""

import pytest

from rawtone.corpus import genres
from rawtone.errors import UserError


@pytest.mark.parametrize("found", ["hip hop", "HipHop", "HIP-HOP", "Hip-Hop", "rap"])
def test_spellings_of_one_genre(found):
    assert genres.Spellings(genres.shipped()).of(found) == "hip-hop"


def test_a_genre_that_the_table_does_not_know_stays_as_it_is():
    assert genres.Spellings(genres.shipped()).of("Zeuhl") == "Zeuhl"


def test_no_genre_of_the_shipped_table_is_a_spelling_of_another():
    spellings = genres.Spellings(genres.shipped())
    assert all(spellings.of(genre) == genre for genre in genres.shipped().values())


def test_a_table_of_the_user_is_taken_in_place_of_it(tmp_path):
    (tmp_path / "g.csv").write_text("spelling,genre\nrap,Rap\ntrap,Rap\n")
    spellings = genres.Spellings(genres.read(tmp_path / "g.csv", "genres"))
    assert (spellings.of("TRAP"), spellings.of("hip hop")) == ("Rap", "hip hop")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,genre\nrap,Rap\n", "expected the columns spelling and genre, found name, genre"),
        ("spelling,genre\nrap,Rap\nrap,Pop\n", "'rap' is both Rap and Pop"),
        ("spelling;genre\nrap;Rap\n", "expected commas between columns"),
        ("spelling,genre\nrap\n", "expected 2 values in the row of 'rap', found 1"),
    ],
)
def test_a_table_that_is_none_is_named(tmp_path, text, message):
    (tmp_path / "g.csv").write_text(text)
    with pytest.raises(UserError, match=f"corpora.mine.genres: .*g.csv: {message}"):
        genres.read(tmp_path / "g.csv", "corpora.mine.genres")
