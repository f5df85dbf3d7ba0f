"""Listening in the browser: play, switch checkpoints at the same place, filter, find, pin."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

SOUND = "document.getElementById('sound')"
CURRENT = "rawtone.player.current()"


def playing(page: Page, at_least: float = 0.0) -> None:
    """Wait until the player is past a moment."""
    page.wait_for_function(f"!{SOUND}.paused && {SOUND}.currentTime > {at_least}")


def place(page: Page) -> float:
    """Return where in its clip the player is."""
    at: float = page.evaluate(f"{SOUND}.currentTime")
    return at


def at(page: Page, seconds: float) -> None:
    """Wait until a paused player stands at a moment."""
    page.wait_for_function(f"Math.abs({SOUND}.currentTime - {seconds}) < 0.02")


def cards(page: Page) -> list[str]:
    """Return the titles of the cards in their order."""
    return [" ".join(t.split()) for t in page.locator(".cards > .clip > .title").all_inner_texts()]


def test_a_card_plays_and_pauses_its_clip(page: Page) -> None:
    card = page.locator(".clip").first
    card.get_by_role("button", name="Play").click()
    playing(page, 0.05)
    expect(card).to_have_attribute("aria-current", "true")
    expect(page.locator("#now")).to_have_text("demo, step 800")
    card.get_by_role("button", name="Pause").click()
    page.wait_for_function(f"{SOUND}.paused")
    expect(card.get_by_role("button", name="Play")).to_be_visible()


def test_the_same_clip_of_another_checkpoint_goes_on_at_the_same_place(page: Page) -> None:
    """To hear what training changed, in the same bar; across experiments, too."""
    page.evaluate("rawtone.player.open(rawtone.clips[0], {at: 2.5, play: false})")
    at(page, 2.5)
    before = page.evaluate(CURRENT)
    page.get_by_role("button", name="Step demo 400").click()
    at(page, 2.5)
    page.evaluate("rawtone.player.toggle()")
    playing(page, 2.6)
    heard = place(page)
    page.get_by_role("button", name="Step wide 800").click()
    playing(page, heard - 0.5)
    after = page.evaluate(CURRENT)
    assert (after["experiment"], after["step"]) == ("wide", 800)
    assert [after[key] for key in ("temperature", "seed")] == [
        before[key] for key in ("temperature", "seed")
    ]
    assert page.locator("#versions [aria-pressed=true]").inner_text() == "wide 800"


def test_a_click_into_a_picture_starts_there(page: Page) -> None:
    picture = page.locator(".clip .picture").nth(2)
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": box["width"] * 0.6, "y": 20})
    playing(page)
    assert place(page) >= 3.5


def test_one_sound_at_a_time(page: Page) -> None:
    page.evaluate("rawtone.player.open(rawtone.clips[0])")
    playing(page)
    page.evaluate("document.querySelector('.preview audio').play()")
    page.wait_for_function(f"{SOUND}.paused")
    page.evaluate("rawtone.player.toggle()")
    page.wait_for_function("document.querySelector('.preview audio').paused")


def test_the_best_come_first_and_say_why(page: Page) -> None:
    assert [title.split()[0] for title in cards(page)[:4]] == ["1", "1", "3", "3"]
    first = page.locator(".clip").first
    expect(first).to_contain_text("sounds right")
    expect(first).to_contain_text("Close to the recordings in sound and rhythm; place 1.")
    copied = page.locator(".clip", has_text="A copy of").first
    expect(copied).to_contain_text("“Amazing <Grace>” from 1:12 on")
    first.locator("summary").click()
    expect(first.get_by_role("link", name="Save")).to_have_attribute(
        "href", "demo/step-00000800-t1-s1.mp3"
    )


def test_what_is_folded_or_hidden_is_counted_and_can_be_shown(page: Page) -> None:
    counted = page.locator("#counted")
    expect(counted).to_have_text("14 of 16 clips; hidden: 2 folded under others.")
    first = page.locator(".cards > .clip").first
    first.get_by_role("button", name="1 much like it").click()
    expect(first.locator(".folded .clip")).to_contain_text("2")
    page.get_by_label("Hide silent clips").check()
    expect(counted).to_have_text("10 of 16 clips; hidden: 4 silent, 2 folded under others.")
    page.get_by_role("button", name="Show everything").click()
    expect(counted).to_have_text("16 clips.")
    assert len(cards(page)) == 16


def test_choices_narrow_what_is_shown(page: Page) -> None:
    page.locator("[name=experiment]").select_option("wide")
    page.locator("[name=step]").select_option("400")
    assert len(cards(page)) == 4
    assert all("wide, step 400" in title for title in cards(page))
    page.locator("[name=kind]").select_option("noise")
    assert len(cards(page)) == 1
    page.locator("[name=temperature]").select_option("1")
    expect(page.locator("#results")).to_have_text("No clips.")
    expect(page.locator("[data-filter=label]")).to_be_hidden()


def test_the_grid_has_a_row_for_each_checkpoint_and_a_button_for_each_clip(page: Page) -> None:
    page.locator("[value=grid]").check(force=True)
    expect(page.locator(".chip")).to_have_count(16)
    grid = page.locator(".grid").first
    assert [t.split()[0] for t in grid.locator("tbody th").all_inner_texts()] == ["800", "400"]
    expect(grid.locator("thead th")).to_have_text(["step", "temperature 0.9", "temperature 1"])
    grid.locator(".chip").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    playing(page)
    clip = page.evaluate(CURRENT)
    assert (clip["step"], clip["temperature"], clip["seed"]) == (400, "1", 0)
    assert page.locator(".grid").first.locator(".chip[tabindex='0']").count() == 1


def test_an_ears_choice_is_copied_as_lines_for_the_settings(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(page.locator(".choice").first).to_contain_text("3 of its 4 best clips sound right.")
    page.evaluate("rawtone.player.open(rawtone.clips.find((c) => c.step === 400))")
    page.get_by_role("button", name="Pin this checkpoint").click()
    expect(page.locator("#toast")).to_contain_text("experiments: demo: in params.yaml")
    assert page.evaluate("navigator.clipboard.readText()") == "select:\n  step: 400"
    page.locator(".pin summary").first.click()
    expect(page.locator("[data-pin=demo]")).to_have_text("select:\n  step: 400")


def test_without_verdicts_the_newest_come_first(visit, plain: Path) -> None:
    page = visit.page
    page.goto(plain.as_uri())
    assert [title[:8] for title in cards(page)] == ["Step 800"] * 4 + ["Step 400"] * 4
    expect(page.locator("#view-best")).to_have_text("Newest first")
    page.get_by_role("button", name="Play the first clip").click()
    playing(page)


def test_without_scripts_every_clip_is_a_link(browser: Browser, judged: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(judged.as_uri())
    expect(page.get_by_text("Without scripts")).to_be_visible()
    page.get_by_text("Clips of demo: 8").click()
    links = page.locator("#files .links:visible a")
    assert links.count() == 8
    names = [links.nth(i).get_attribute("href") for i in range(8)]
    assert all((judged.parent / name).is_file() for name in names if name)
    expect(page.locator("#filters")).to_be_hidden()
    context.close()


@pytest.fixture
def served(judged: Path) -> Iterator[str]:
    """The address of the page at a web server that cannot give parts of files."""
    handler = functools.partial(_Quiet, directory=str(judged.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_any_web_server_will_do(visit, served: str) -> None:
    """Python's own has no ranges, without which a browser cannot seek in what it streams."""
    page = visit.page
    page.goto(served)
    page.evaluate("rawtone.player.open(rawtone.clips[0], {at: 1.4})")
    playing(page, 1.4)
    page.evaluate("rawtone.player.changeBy(-1)")
    playing(page, 1.4)
