"""Tables as CSV: UTF-8, a header, one line feed a row, the same bytes for the same rows."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rawtone.errors import UserError
from rawtone.files import write_atomically


def read(path: Path) -> list[dict[str, str]]:
    """Read a table.

    Returns:
        A dict for each row, all values text; an empty text means "not known".
    """
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_foreign(path: Path, key: str) -> list[dict[str, str]]:
    """Read a table that a person wrote, by hand or with a spreadsheet.

    Args:
        path: The table: CSV, UTF-8, with a header.
        key: The setting that names it, for messages.

    Returns:
        A dict for each row that is not empty, without blanks around values.

    Raises:
        UserError: it is not there, or no such table.
    """
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")  # spreadsheets write a mark
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except OSError as error:
        raise UserError(f"{key}: {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UserError(f"{key}: {path}: expected UTF-8; save it as such") from None
    except csv.Error as error:
        raise UserError(f"{key}: {path}: expected a CSV table ({error})") from None
    filled = [[cell.strip() for cell in row] for row in rows if any(map(str.strip, row))]
    header, *body = filled or [[]]
    _check_foreign(path, key, header, body)
    return [dict(zip(header, row, strict=True)) for row in body]


def _check_foreign(path: Path, key: str, header: list[str], body: list[list[str]]) -> None:
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        raise UserError(f"{key}: {path}: expected commas between columns, found '{header[0]}'")
    if not all(header) or len(set(header)) != len(header):
        raise UserError(
            f"{key}: {path}: expected a different name for each column, found {', '.join(header)}"
        )
    for row in body:
        if len(row) != len(header):
            raise UserError(
                f"{key}: {path}: expected {len(header)} values in the row of '{row[0]}', found "
                f"{len(row)}"
            )


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
