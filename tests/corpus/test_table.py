"""Tables are the same bytes for the same rows, and give any text back."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.corpus import table

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=30)


@given(st.lists(st.fixed_dictionaries({"a": texts, "b": texts, "c": texts}), max_size=5))
def test_any_text_survives(rows):
    with TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        table.write(path, ["a", "b", "c"], rows)
        assert table.read(path) == rows


def test_a_carriage_return_does_not_break_a_row(tmp_path):
    table.write(tmp_path / "t.csv", ["a", "b"], [{"a": "x\ry", "b": "z"}])
    assert table.read(tmp_path / "t.csv") == [{"a": "x\ny", "b": "z"}]


def test_what_a_row_lacks_is_empty_and_numbers_become_text(tmp_path):
    table.write(tmp_path / "t.csv", ["a", "b"], [{"a": 1}])
    assert (tmp_path / "t.csv").read_bytes() == b"a,b\n1,\n"


def test_a_column_that_the_header_lacks_is_refused_and_the_old_table_stays(tmp_path):
    path = tmp_path / "t.csv"
    table.write(path, ["a"], [{"a": "old"}])
    with pytest.raises(ValueError, match="b"):
        table.write(path, ["a"], [{"a": "new", "b": "x"}])
    assert table.read(path) == [{"a": "old"}]
    assert list(tmp_path.iterdir()) == [path]
