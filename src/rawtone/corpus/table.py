"""Tables as CSV: UTF-8, a header, one line feed a row, the same bytes for the same rows."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rawtone.files import write_atomically


def read(path: Path) -> list[dict[str, str]]:
    """Read a table.

    Returns:
        A dict for each row, all values text; an empty text means "not known".
    """
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str | int]]) -> None:
    """Write a table whole, or leave what was there untouched.

    Args:
        path: The file to write.
        columns: The header.
        rows: Values by column; one that is left out is written empty, and a carriage return, which
            readers take for the end of the row, becomes a line feed.

    Raises:
        ValueError: A row has a column that the header lacks.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({column: str(value).replace("\r", "\n") for column, value in row.items()})
    write_atomically(path, text.getvalue())
