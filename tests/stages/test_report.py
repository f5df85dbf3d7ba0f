"""report writes the page whole, from whatever is there, and believes no name."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.report.page import SCRIPTS
from rawtone.report.pictures import PEAKS
from rawtone.stages import report
from tests.report.judged import judge
from tests.report.published import HOSTILE, publish


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with published results and their page."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        publish(root)
        report.run()
    return root


@pytest.fixture
def page(root: Path) -> str:
    """Return the page's HTML."""
    return (root / "report/index.html").read_text()


def told(page: str) -> dict[str, Any]:
    """Return what the scripts of a page are told."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_every_clip_has_a_file_a_picture_and_a_waveform(root: Path, page: str) -> None:
    folder = root / "report/demo"
    assert len(list(folder.glob("*.mp3"))) == len(list(folder.glob("*.spectrum.png"))) == 8
    clips = told(page)["experiments"][0]["clips"]
    assert len(clips) == page.count('.spectrum.png">step') == 8
    assert all(len(base64.b64decode(clip["peaks"])) == 2 * PEAKS for clip in clips)
    assert all(len(clip["sha256"]) == 64 for clip in clips)


def test_every_file_that_the_page_names_is_there(root: Path, page: str) -> None:
    names = re.findall(r'(?:src|href|data-picture)="([^"#][^":]*)"', page)
    assert {"style.css", "player.js", "demo/clips.json", "demo/listen.html"} <= set(names)
    assert all((root / "report" / name).is_file() for name in names)


def test_the_page_tells_what_was_published(page: str) -> None:
    for words in (
        "3f2a9c0d1e2f",
        "132,480 parameters",
        "6.34",
        "Sounds like a melody",
        "no audio stream",
        "Chunks left out: 2 silent.",
        "Frère Jacques",
        "97% in tune",
        "model.dilations",
        "Too few tracks for a draw",
    ):
        assert words in page


def test_one_file_of_an_experiment_needs_no_other(root: Path) -> None:
    """It can be sent, or put into another document."""
    alone = (root / "report/demo/listen.html").read_text()
    addresses = re.findall(r'(?:src|href|data-picture)="([^"]*)"', alone)
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert sum(address.startswith("data:audio/mpeg") for address in addresses) == 8
    assert 'id="corpus-demo"' in alone
    assert "waiting" not in alone
    assert "No clips yet." in (root / "report/waiting/listen.html").read_text()


def test_one_table_compares_the_experiments(root: Path) -> None:
    rows = table.read(root / "report/bits.csv")
    assert {(row["experiment"], row["step"]) for row in rows} == {("demo", "400"), ("demo", "800")}
    own = table.read(root / "results/demo/bits.csv")
    assert [row["bits"] for row in rows] == [row["bits"] for row in own]


def test_one_table_has_every_clip_and_what_was_found_in_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = table.read(root / "report/clips.csv")
    assert len(rows) == 8
    assert rows[0]["file"] == "demo/step-00000400-t0.9-s0.mp3"
    assert "verdict" not in rows[0]
    monkeypatch.chdir(tmp_path)
    publish(tmp_path, seeds=(0,), seconds=0.5)
    judge(tmp_path)
    report.run()
    rows = table.read(tmp_path / "report/clips.csv")
    assert (rows[0]["step"], rows[0]["rank"]) == ("400", "4")
    assert rows[0]["verdict"] == "mostly silent"
    assert (tmp_path / "report/demo/preview.mp3").exists()


def test_clips_in_other_formats_are_played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is played is the smallest file that there is of a clip; a wav there is always."""
    monkeypatch.chdir(tmp_path)
    publish(tmp_path, steps=(400,), seeds=(0,), seconds=0.5)
    place = tmp_path / "results/demo/clips.json"
    clips = json.loads(place.read_text())
    place.write_text(json.dumps([{k: v for k, v in c.items() if k != "mp3"} for c in clips]))
    report.run()
    page = (tmp_path / "report/index.html").read_text()
    assert 'href="demo/step-00000400-t0.9-s0.wav"' in page
    assert "data:audio/wav;base64," in (tmp_path / "report/demo/listen.html").read_text()


def test_names_and_tags_from_strangers_are_only_text(page: str) -> None:
    assert HOSTILE not in page
    assert "&lt;script&gt;document.title=" in page
    assert page.count("<script src=") == page.count("<script ") - 1 == len(SCRIPTS)
    assert "fake &amp; co.mp3" in page


def test_an_experiment_without_clips_says_so(page: str) -> None:
    waiting = page[page.index('id="experiment-waiting"') :]
    assert "No clips yet: waiting." in page
    for words in ("Not trained yet.", "Not measured yet."):
        assert words in waiting


def test_the_same_results_give_the_same_bytes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    folder = root / "report"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    before = [path.read_bytes() for path in files]
    (folder / "stale.mp3").touch()
    report.run()
    assert [path.read_bytes() for path in files] == before
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == files


def test_a_failure_leaves_the_old_page(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    bits = root / "results/demo/bits.csv"
    good = bits.read_text()
    bits.write_text("step,split\n1,test\n")
    with pytest.raises(KeyError):
        report.run()
    bits.write_text(good)
    assert (root / "report/index.html").exists()
    assert [p.name for p in (root / "results").iterdir() if p.name.startswith(".")] == []


def test_a_clip_that_is_gone_is_told_and_left_out(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(root)
    clip = root / "results/demo/clips/step-00000400/t0.90-s0.mp3"
    sound = clip.read_bytes()
    clip.unlink()
    report.run()
    assert "t0.90-s0.mp3: no such file" in caplog.text
    assert len(told((root / "report/index.html").read_text())["experiments"][0]["clips"]) == 7
    clip.write_bytes(sound)
    report.run()


def test_without_settings_it_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"settings/report/all\.json"):
        report.run()
