"""parse-log turns a log into the table and the curves of the contract."""

import shutil
from pathlib import Path

import pytest

from rawtone import cli
from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.files import write_json
from rawtone.stages import parse_log
from rawtone.training.plain_log import plain

LOG = """start at step 0 of 30: run a, 2026-11-21T02:00:00Z, host, pid 1, 2 threads
step 10 - loss = 5.545, (0.100 sec/step)
step 20 - loss = nan, (0.100 sec/step)
validation at step 20 - loss = 0.693, 1.000 bits
step 25 - lo
resume at step 20 of 30: after no word (killed or crashed), run a, 2026, host, pid 2, 2 threads
step 30 - loss = 1.000, (0.100 sec/step)
done at step 30
"""
FOREIGN = """step 0 - loss = 5.545, (1.000 sec/step)
step 1 - loss = 5.500, (1.000 sec/step)
step 2 - lossRestarting the service at Sun Nov 24 04:32:56 UTC 2019
step 2 - loss = 5.400, (1.000 sec/step)
step 3 - loss = 5.300, (1.000 sec/step)
Epoch 1/2
12/12 [==============================] - 1s 90us/step - loss: 1.9900e-04 - val_loss: 2.0000e-04
Epoch 2/2
12/12 [==============================] - 1s 90us/step - loss: 1.8900e-04 - val_loss: 1.9000e-04
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with one experiment, whose log is still to be written."""
    monkeypatch.chdir(tmp_path)
    write_json(tmp_path / "settings/parse-log/x.json", {})
    write_json(tmp_path / "results/x/config.json", {"run": "abc"})
    return tmp_path / "results/x"


def write_log(project: Path) -> Path:
    """Write the log of a run and what is published of it; return the run's folder."""
    run = project.parents[1] / "runs/abc"
    run.mkdir(parents=True)
    (run / "train.log").write_text(LOG)
    (project / "train.log").write_text(plain(LOG, [], None))
    return run


def test_what_is_published_tells_of_no_time_and_no_restart(project: Path) -> None:
    """So that it is the same on every machine, however often training was interrupted there."""
    write_log(project)
    parse_log.run("x")
    rows = table.read(project / "history.csv")
    assert list(rows[0]) == [c for c in parse_log.COLUMNS if c != "seconds_per_step"]
    assert [(row["step"], row["session"], row["restart"]) for row in rows] == [
        ("10", "0", ""),
        ("20", "0", ""),
        ("30", "0", ""),
    ]
    assert (rows[0]["bits"], rows[0]["validation_bits"]) == ("7.9997", "")
    assert (rows[1]["loss"], rows[1]["validation_bits"]) == ("nan", "0.9998")
    assert _names(project / "curves") == ["loss.svg"]
    assert "restart" not in (project / "curves/loss.svg").read_text()


def test_a_clone_without_the_run_gets_the_same(project: Path) -> None:
    run = write_log(project)
    parse_log.run("x")
    files = [project / name for name in ("history.csv", "curves/loss.svg")]
    before = [file.read_bytes() for file in files]
    shutil.rmtree(run)
    parse_log.run("x")
    assert [file.read_bytes() for file in files] == before


def test_the_run_keeps_a_table_and_curves_with_times_and_restarts(project: Path) -> None:
    run = write_log(project)
    parse_log.run("x")
    rows = table.read(run / "history.csv")
    assert list(rows[0]) == list(parse_log.COLUMNS)
    assert [row["step"] for row in rows] == ["10", "20", "30"]
    assert (rows[2]["session"], rows[2]["restart"]) == ("1", "automatic")
    speed = (run / "curves/speed.svg").read_text()
    assert "automatic restart" in speed
    assert "about 3 s of computing, with 1 restart" in speed


def test_a_log_of_rubbish_gives_an_empty_table(project: Path) -> None:
    (project / "train.log").write_bytes(b"\xff\x00step 1\n")
    parse_log.run("x")
    assert table.read(project / "history.csv") == []
    assert "nothing logged yet" in (project / "curves/loss.svg").read_text()


@pytest.mark.usefixtures("project")
def test_no_log_is_one_clear_line() -> None:
    with pytest.raises(UserError, match=r"results/x/train.log: no training log"):
        parse_log.run("x")


@pytest.mark.usefixtures("project")
def test_any_log_goes_to_any_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "100 %.log").write_text(FOREIGN)
    assert cli.main(["parse-log", "100 %.log", "--to", "read/here"]) == 0
    assert "read 6 steps and 1 restart in 2 runs from the log of" in capsys.readouterr().err
    rows = table.read(tmp_path / "read/here/history.csv")
    assert list(rows[0]) == ["run", *parse_log.COLUMNS]
    assert [(row["run"], row["step"]) for row in rows] == [
        *(("0", str(step)) for step in range(4)),
        ("1", "12"),
        ("1", "24"),
    ]
    # What the loss of Keras measures is not known, so it is no bits.
    assert (rows[4]["loss"], rows[4]["bits"], rows[4]["validation_bits"]) == ("0.000199", "", "")
    curves = tmp_path / "read/here/curves"
    assert _names(curves) == ["loss-1.svg", "loss.svg", "speed-1.svg", "speed.svg"]
    assert "automatic restart" in (curves / "speed.svg").read_text()
    assert "as logged" in (curves / "loss-1.svg").read_text()
    assert "bits per sample" in (curves / "loss.svg").read_text()


@pytest.mark.usefixtures("project")
def test_curves_of_runs_that_are_gone_go(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text(FOREIGN)
    parse_log.run("x.log", "out")
    (tmp_path / "out/curves/mine.svg").write_text("")
    (tmp_path / "x.log").write_text(FOREIGN.partition("Epoch")[0])
    parse_log.run("x.log", "out")
    assert _names(tmp_path / "out/curves") == ["loss.svg", "mine.svg", "speed.svg"]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("notes.txt", "out"), "notes.txt: expected lines of rawtone, tensorflow-wavenet, PRiSM"),
        (("none.log", "out"), "none.log: expected a training log; No such file or directory"),
        (("results", "out"), "results: expected a training log; Is a directory"),
        (("notes.txt",), "notes.txt: a file, but an experiment of params.yaml was expected"),
        (("nobody",), "no settings for 'nobody'"),
    ],
)
def test_what_is_no_log_is_one_clear_line(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "notes.txt").write_bytes(b"step 1\n\xff\x00Epoch 1/2\n")
    with pytest.raises(UserError, match=message):
        parse_log.run(*arguments)
    assert not (tmp_path / "out").exists()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
