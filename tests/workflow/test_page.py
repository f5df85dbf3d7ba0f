"""The listening page in a real browser, opened from disk as a musician opens it."""

import itertools
import re
import runpy
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from rawtone.stages import report

_SECONDS = 2.0
_PLAYERS = 8

# Relative luminance and contrast as in WCAG 2, for every element that holds text of its own.
_WORST_CONTRAST = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const worst = [];
  for (const element of document.querySelectorAll("body *")) {
    if (![...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const pair = [channels(getComputedStyle(element).color), paper(element)].map(luminance);
    const [dark, light] = pair.sort((a, b) => a - b);
    worst.push([(light + 0.05) / (dark + 0.05), element.textContent.trim().slice(0, 40)]);
  }
  return worst.sort((a, b) => a[0] - b[0])[0];
}"""
_SMALLEST_TEXT = """() => Math.min(...[...document.querySelectorAll("body *")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
  .map((e) => parseFloat(getComputedStyle(e).fontSize)))"""
_OVERFLOWING = """() => [...document.querySelectorAll("body *")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => e.outerHTML.slice(0, 80))"""
_PLAYERS_STATE = """() => [...document.querySelectorAll("audio")].map((a) =>
  ({ state: a.readyState, error: a.error && a.error.message, seconds: a.duration }))"""


@dataclass
class Visit:
    """A page, and all that went wrong or went out while it was open."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the file:// address of a page that was made from published results."""
    root = tmp_path_factory.mktemp("project")
    published = runpy.run_path(str(Path(__file__).parents[1] / "report/published.py"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        published["publish"](root, seconds=_SECONDS)
        report.run()
    return (root / "report/index.html").as_uri()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Return an empty page that keeps a record and lets no request leave this machine."""
    visit = Visit(browser.new_page())
    page = visit.page
    page.on("console", lambda m: visit.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("requestfailed", lambda request: _note_failure(visit, request))
    page.on("request", lambda request: _note_address(visit, request.url))
    page.route(re.compile("^https?:"), lambda route: route.abort())
    yield visit
    page.close()


def _note_failure(visit: Visit, request: Request) -> None:
    # A player that has read enough for its length ends its request early; that is no failure.
    if request.resource_type != "media" or request.failure != "net::ERR_ABORTED":
        visit.complaints.append(f"{request.url}: {request.failure}")


def _note_address(visit: Visit, url: str) -> None:
    if not url.startswith(("file:", "data:")):
        visit.outside.append(url)


def _open(visit: Visit, address: str, width: int = 1280, scheme: str = "light") -> Page:
    visit.page.set_viewport_size({"width": width, "height": 800})
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.page.goto(address)
    visit.page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    return visit.page


def test_all_players_load(visit: Visit, address: str) -> None:
    page = _open(visit, address)
    page.wait_for_function(
        "[...document.querySelectorAll('audio')].every((a) => a.readyState > 0 || a.error)"
    )
    players = page.evaluate(_PLAYERS_STATE)
    assert len(players) == _PLAYERS
    assert [player["error"] for player in players] == [None] * _PLAYERS
    # Mp3 comes in frames of 72 ms at this rate, and its coder adds a few at either end.
    assert all(abs(player["seconds"] - _SECONDS) < 0.25 for player in players), players


def test_pictures_load_and_nothing_is_asked_of_the_network(visit: Visit, address: str) -> None:
    page = _open(visit, address)
    page.evaluate("document.querySelectorAll('img').forEach((i) => (i.loading = 'eager'))")
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate("[...document.images].map((i) => i.naturalWidth)")
    assert len(sizes) == 2 * _PLAYERS + 2
    assert min(sizes) > 0
    assert visit.complaints == []
    assert visit.outside == []
    assert page.title().startswith("Rawtone")


def test_one_clip_plays_at_a_time(visit: Visit, address: str) -> None:
    page = _open(visit, address)
    paused = "(n) => document.querySelectorAll('audio')[n].paused"
    page.evaluate("document.querySelectorAll('audio')[0].play()")
    assert page.evaluate(paused, 0) is False
    page.evaluate("document.querySelectorAll('audio')[1].play()")
    page.wait_for_function("document.querySelectorAll('audio')[0].paused")
    assert page.evaluate(paused, 1) is False


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_at_a_readable_size(
    visit: Visit, address: str, scheme: str
) -> None:
    page = _open(visit, address, width=375, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.evaluate(_OVERFLOWING) == []
    assert page.evaluate(_SMALLEST_TEXT) >= 14


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_paper(visit: Visit, address: str, scheme: str) -> None:
    page = _open(visit, address, scheme=scheme)
    contrast, text = page.evaluate(_WORST_CONTRAST)
    assert contrast >= 4.5, text


def test_dark_is_dark(visit: Visit, address: str) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light = _open(visit, address).evaluate(colour)
    assert _open(visit, address, scheme="dark").evaluate(colour) != light


def test_the_keyboard_shows_where_it_is(visit: Visit, address: str) -> None:
    page = _open(visit, address)
    page.keyboard.press("Tab")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate("document.activeElement.tagName") == "A"
    assert page.evaluate(outline) == "solid"


def test_it_can_be_read_aloud(visit: Visit, address: str) -> None:
    page = _open(visit, address)
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("[...document.images].every((i) => i.alt)")
    labels = page.evaluate("[...document.querySelectorAll('audio')].map((a) => a.ariaLabel)")
    assert len(set(labels)) == _PLAYERS
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4,h5')].map((h) => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
