"""A table of the user's overrides and adds; a mistake in it is named."""

import pytest

from rawtone.corpus import sidecar
from rawtone.corpus.sidecar import Sidecar
from rawtone.errors import UserError


def read(tmp_path, content: str | bytes) -> list[dict[str, str]]:
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "tags.csv").write_bytes(content)
    return sidecar.read(tmp_path / "tags.csv", "corpora.mine.tags")


def test_a_row_is_found_by_path_or_by_id_and_the_id_wins(tmp_path):
    table = "path,id,genre,mood\na.wav,,Folk,\n,0a0a,Rock,calm\n"
    known = Sidecar(read(tmp_path, table))
    assert known.of({"path": "a.wav", "id": "0b"}) == {"genre": "Folk"}
    assert known.of({"path": "a.wav", "id": "0a0a"}) == {"genre": "Rock", "mood": "calm"}
    assert known.of({"path": "b.wav", "id": "0c"}) == {}


def test_what_is_not_there_is_told(tmp_path):
    known = Sidecar(read(tmp_path, "path,genre\na.wav,Folk\nb.wav,Folk\n"))
    known.of({"path": "a.wav", "id": "0a"})
    assert known.unmet() == ["b.wav"]


def test_a_spreadsheet_may_have_written_it(tmp_path):
    table = '\ufeffpath,genre\r\n"a, b.wav", Folk \r\n,\r\n'.encode()
    assert read(tmp_path, table) == [{"path": "a, b.wav", "genre": "Folk"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,genre\na,Folk\n", "expected a column path or id, found name, genre"),
        ("path,seconds\na,3\n", "column 'seconds' is rawtone's own; rename it"),
        ("path,genre\na,Folk\na,Rock\n", "row 3 is the second of a; keep one"),
        ("path,genre\n,Folk\n", "row 2 has neither path nor id"),
        ("path,genre,genre\na,b,c\n", "expected a different name for each column"),
        ("path;genre\na;Folk\n", "expected commas between columns"),
        (b"path,genre\n\xe9,Folk\n", "expected UTF-8"),
        ('path,genre\n"a,Folk\n', "expected a CSV table"),
    ],
)
def test_a_mistake_is_named(tmp_path, content, message):
    with pytest.raises(UserError, match=f"corpora.mine.tags: .*tags.csv: {message}"):
        read(tmp_path, content)


def test_no_such_file(tmp_path):
    with pytest.raises(UserError, match=r"corpora.mine.tags: .*no\.csv cannot be read"):
        sidecar.read(tmp_path / "no.csv", "corpora.mine.tags")
