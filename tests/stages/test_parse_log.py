"""parse-log turns a log into the table and the curves of the contract."""

from pathlib import Path

import pytest

from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.files import write_json
from rawtone.stages import parse_log

LOG = """start at step 0 of 30: run a, 2026-11-21T02:00:00Z, host, pid 1, 2 threads
step 10 - loss = 5.545, (0.100 sec/step)
step 20 - loss = nan, (0.100 sec/step)
validation at step 20 - loss = 0.693, 1.000 bits
step 25 - lo
resume at step 20 of 30: after no word (killed or crashed), run a, 2026, host, pid 2, 2 threads
step 30 - loss = 1.000, (0.100 sec/step)
done at step 30
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with one experiment, whose log is still to be written."""
    monkeypatch.chdir(tmp_path)
    write_json(tmp_path / "settings/parse-log/x.json", {})
    (tmp_path / "results/x").mkdir(parents=True)
    return tmp_path / "results/x"


def test_the_table_has_a_row_for_each_step(project: Path) -> None:
    (project / "train.log").write_text(LOG)
    parse_log.run("x")
    rows = table.read(project / "history.csv")
    assert list(rows[0]) == list(parse_log.COLUMNS)
    assert [row["step"] for row in rows] == ["10", "20", "30"]
    assert (rows[0]["bits"], rows[0]["validation_bits"]) == ("7.9997", "")
    assert (rows[1]["loss"], rows[1]["validation_bits"]) == ("nan", "0.9998")
    assert (rows[2]["session"], rows[2]["restart"]) == ("1", "automatic")
    assert "automatic restart" in (project / "curves/loss.svg").read_text()


def test_the_same_log_gives_the_same_bytes(project: Path) -> None:
    (project / "train.log").write_text(LOG)
    files = [project / name for name in ("history.csv", "curves/loss.svg", "curves/speed.svg")]
    parse_log.run("x")
    first = [file.read_bytes() for file in files]
    parse_log.run("x")
    assert [file.read_bytes() for file in files] == first


def test_a_log_of_rubbish_gives_an_empty_table(project: Path) -> None:
    (project / "train.log").write_bytes(b"\xff\x00step 1\n")
    parse_log.run("x")
    assert table.read(project / "history.csv") == []
    assert "nothing logged yet" in (project / "curves/loss.svg").read_text()


@pytest.mark.usefixtures("project")
def test_no_log_is_one_clear_line() -> None:
    with pytest.raises(UserError, match=r"results/x/train.log: no training log"):
        parse_log.run("x")
