"""Light, dark, on a phone, read aloud, and with a thousand clips."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.report.judged import LABELS
from tests.workflow.page.conftest import MANY, Visit

_SMALLEST_TEXT = """() => Math.min(...[...document.querySelectorAll("body *")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
  .map((e) => parseFloat(getComputedStyle(e).fontSize)))"""
_OVERFLOWING = """() => [...document.querySelectorAll("body *")]
  .filter((e) => !e.closest(".wide, .versions") && e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => e.outerHTML.slice(0, 80))"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
_OPEN_ALL = "document.querySelectorAll('details').forEach((d) => (d.open = true))"
_STATES = {
    "voted": "rawtone.blind.start(), rawtone.blind.vote(0)",
    "grid": "document.querySelector('[value=grid]').click()",
    "help": "document.getElementById('help-open').click()",
}


def _open(visit: Visit, path: Path, width: int = 1280, scheme: Any = "light") -> Page:
    visit.page.set_viewport_size({"width": width, "height": 800})
    visit.page.emulate_media(color_scheme=scheme)
    visit.page.goto(path.as_uri())
    return visit.page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", _STATES)
def test_axe_finds_nothing(visit: Visit, judged: Path, state: str, scheme: str) -> None:
    """The rules of WCAG 2 that a program can check, contrast among them, and best practice."""
    page = _open(visit, judged, scheme=scheme)
    page.evaluate(f"{_OPEN_ALL}; {_STATES[state]}; 0")
    # What is out of view is drawn when it comes into view; the checker looks at all of it.
    page.add_style_tag(content=".clip { content-visibility: visible !important }")
    found = Axe().run(page, options={"preload": False})  # from disk it cannot read styles again
    assert found.response["violations"] == [], found.generate_report()
    assert len(found.response["passes"]) > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 375])
def test_a_phone_shows_everything_at_a_readable_size(
    visit: Visit, judged: Path, width: int, scheme: str
) -> None:
    page = _open(visit, judged, width, scheme)
    for state in _STATES.values():
        page.evaluate(f"{_OPEN_ALL}; {state}; 0")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(_OVERFLOWING) == []
        assert page.evaluate(_SMALLEST_TEXT) >= 14


def test_dark_is_dark(visit: Visit, judged: Path) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light = _open(visit, judged).evaluate(colour)
    assert _open(visit, judged, scheme="dark").evaluate(colour) != light


def test_all_pictures_load_and_say_what_they_are(visit: Visit, judged: Path) -> None:
    page = _open(visit, judged)
    page.evaluate(_OPEN_ALL)
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_function("[...document.images].every((i) => !i.src || i.complete)")
    widths = page.evaluate("[...document.images].filter((i) => i.src).map((i) => i.naturalWidth)")
    assert len(widths) == 14 + 2 * 2  # cards; curves of loss and of speed
    assert min(widths) > 0
    names = page.evaluate("[...document.images].filter((i) => i.src).map((i) => i.alt)")
    assert all(names) and len(set(names[:14])) == 14
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_a_thousand_clips_are_there_at_once(visit: Visit, many: Path) -> None:
    """From disk in under two seconds; only what is looked at costs anything."""
    page = _open(visit, many)
    assert page.evaluate(_PAINT) < 2
    expect(page.locator("#counted")).to_contain_text("999 of 1,000 clips")
    assert page.evaluate("document.querySelectorAll('#results *').length") < 3000
    assert page.evaluate("document.images.length") < 60
    page.get_by_role("button", name="Show 48 more").press("Enter")  # cards above it may yet grow
    expect(page.locator(".cards > .clip")).to_have_count(96)
    assert page.evaluate("document.activeElement.closest('.clip').dataset.clip") == "clip-demo-49"
    page.locator("[value=grid]").check(force=True)
    expect(page.locator(".chip")).to_have_count(MANY)
    heads = [" ".join(text.split()) for text in page.locator(".grid thead th").all_inner_texts()]
    assert heads[1:] == [f"{label} temperature {t}" for label in LABELS for t in ("0.9", "1")]
    page.locator("[name=label]").select_option("lively")
    expect(page.locator("#counted")).to_have_text("496 of 1,000 clips; hidden: 504 not chosen.")
    page.locator("[name=label]").select_option("*")
    page.get_by_label("Hide silent clips").check()
    expect(page.locator("#counted")).to_have_text("750 of 1,000 clips; hidden: 250 silent.")


def test_one_file_of_a_thousand_clips_has_the_first_and_says_so(visit: Visit, many: Path) -> None:
    page = _open(visit, many.parent / "demo/listen.html")
    expect(page.locator("#listen")).to_contain_text("the first 100 of 1,000 clips")
    assert page.evaluate("rawtone.clips.map((clip) => clip.rank)") == list(range(1, 101))


def test_the_last_of_a_thousand_is_found_by_the_keyboard(visit: Visit, many: Path) -> None:
    page = _open(visit, many)
    page.keyboard.press("Shift+ArrowLeft")
    last = page.locator("[aria-current]")
    expect(last).to_contain_text("1000")
    expect(last).to_be_in_viewport()
