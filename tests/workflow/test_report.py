"""`snakemake --report`: one file to send, with the clips in it, also from a pulled clone."""

import re
import runpy
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, Page

from rawtone.stages import report

_FRAME_AT_MOST = 2 * 1024 * 1024  # what Chromium takes as the address of a frame
_PLAY = """async () => {
  const player = document.getElementById("sound");
  rawtone.player.open(rawtone.clips[0]);
  await new Promise((resolve) => {
    player.ontimeupdate = () => player.currentTime > 0.3 && resolve();
  });
  return player.duration;
}"""
_FILES = {"settings", "training log", "history", "curve of loss", "metrics"}
_FILES |= {"bits of each checkpoint", "melody of each clip", "clips to listen to"}
_FILES |= {"what was heard in each clip, and its rank"}


@pytest.fixture(scope="module")
def built(by_snakemake, tmp_path_factory):
    """A project that Snakemake built, with a real page of more than a frame's address holds."""
    project = by_snakemake.copy(tmp_path_factory.mktemp("reported") / "project")
    root = tmp_path_factory.mktemp("published")
    published = runpy.run_path(str(Path(__file__).parents[1] / "report/published.py"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        published["publish"](root, seeds=tuple(range(6)), seconds=6.0)
        report.run()
    shutil.copytree(root / "report", project.root / "report", dirs_exist_ok=True)
    assert (project.root / "report/demo/listen.html").stat().st_size > _FRAME_AT_MOST
    return project


@pytest.fixture(scope="module")
def html(built) -> Path:
    """The report as one file, outside the project."""
    return _written(built, "report.html")


def _written(project, name: str) -> Path:
    path: Path = project.root.parent / name
    printed = project.run("snakemake", "--report", str(path))
    assert "issing" not in printed.stdout + printed.stderr
    return path


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page that fails on errors and where anything is asked of the network."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.route(
        re.compile("^https?:"), lambda route: (wrong.append(route.request.url), route.abort())
    )
    yield page
    page.close()
    assert wrong == []


def _listen(page: Page, address: str) -> Frame:
    """Open a report, choose the clips of `demo`, return the frame that shows them."""
    page.goto(address)
    page.get_by_text("Experiment demo").click()
    page.locator("tr", has_text="clips to listen to").locator("a").first.click()
    frame = page.locator("iframe").element_handle().content_frame()
    assert frame is not None
    frame.wait_for_selector(".cards > .clip")
    return frame


def test_clips_play_within_the_one_file(page: Page, html: Path, tmp_path: Path) -> None:
    """It is opened where nothing else of the project is, as by the person it was sent to."""
    frame = _listen(page, Path(shutil.copy(html, tmp_path)).as_uri())
    assert frame.locator(".cards > .clip").count() == 24
    assert frame.evaluate(_PLAY) == pytest.approx(6.0, abs=0.25)
    shown = "[...document.images].filter((i) => i.src)"
    sizes = f"{shown}.map((i) => (i.loading = 'eager', i.decode().then(() => 1)))"
    pictures = 24 + 1 + 1  # of the clips, of the player, of the loss
    assert frame.evaluate(f"Promise.all({sizes}).then((all) => all.length)") == pictures
    frame.evaluate("rawtone.blind.start(), rawtone.blind.vote(0)")
    assert "1 vote" in frame.inner_text("#tally")


def test_clips_play_from_the_unpacked_zip(page: Page, built, tmp_path: Path) -> None:
    with zipfile.ZipFile(_written(built, "packed.zip")) as packed:
        packed.extractall(tmp_path)
    frame = _listen(page, (tmp_path / "packed/report.html").as_uri())
    assert frame.evaluate(_PLAY) == pytest.approx(6.0, abs=0.25)


def test_every_experiment_has_its_files_with_words_for_each(page: Page, html: Path) -> None:
    page.goto(html.as_uri())
    for heading in ("Experiment demo", "Experiment wide", "Recordings demo"):
        assert page.get_by_text(heading).count() == 1
    assert "trained on recordings" in page.inner_text("body")
    captions = page.evaluate("Object.values(results).map((r) => [r.labels.what, r.caption])")
    assert all("<p>" in caption for _, caption in captions), captions
    assert {what for what, _ in captions} == _FILES | {"tracks", "chunks"}
    loss = next(caption for what, caption in captions if what == "curve of loss")
    assert "bits" in loss
    assert "{{" not in str(captions)


def test_a_clone_that_only_pulled_has_it_too(page: Page, built, tmp_path: Path) -> None:
    """Snakemake knows nothing of how pulled files came to be; that is nothing to warn of."""
    built.run("dvc", "commit", "--force", "report")
    clone = built.copy(tmp_path / "origin").pulled(tmp_path / "clone")
    frame = _listen(page, _written(clone, "report.html").as_uri())
    assert frame.evaluate(_PLAY) == pytest.approx(6.0, abs=0.25)
