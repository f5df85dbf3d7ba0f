"""Everything by keyboard: nothing holds the focus, and what has it is seen."""

from playwright.sync_api import Page, expect

from tests.workflow.page.test_listening import CURRENT, SOUND, at, playing

_FOCUS = """() => {
  const element = document.activeElement;
  const shown = element.matches(".views input") ? element.nextElementSibling : element;
  const box = shown.getBoundingClientRect();
  const own = element.matches("audio"); // draws the focus of its parts itself
  const outline = own ? "solid" : getComputedStyle(shown).outlineStyle;
  const bar = document.getElementById("player");
  const above = bar.contains(element) || box.top < bar.getBoundingClientRect().top;
  const seen = box.width * box.height > 0 && above;
  return [element.id || element.outerHTML.slice(0, 60), outline, seen];
}"""


def test_keys_play_seek_jump_and_move(page: Page) -> None:
    page.keyboard.press(" ")
    playing(page)
    assert page.evaluate(CURRENT)["rank"] == 1
    page.keyboard.press(" ")
    page.wait_for_function(f"{SOUND}.paused")
    page.keyboard.press("5")
    half = page.evaluate(f"{SOUND}.duration") / 2
    at(page, half)
    page.keyboard.press("ArrowRight")
    at(page, half + 1)
    page.keyboard.press("ArrowLeft")
    at(page, half)
    page.keyboard.press("Shift+ArrowDown")
    assert page.evaluate(CURRENT)["step"] == 400
    at(page, half)
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate(CURRENT)["experiment"] == "wide"
    expect(page.locator(".clip").nth(1)).to_have_attribute("aria-current", "true")


def test_help_is_a_key_away_and_keys_can_be_turned_off(page: Page) -> None:
    page.locator("#more, .skip").first.focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("5")
    page.keyboard.press(" ")
    assert page.evaluate(CURRENT) is None
    page.reload()
    page.keyboard.press(" ")
    assert page.evaluate(CURRENT) is None


def test_tab_reaches_the_end_and_always_shows_where_it_is(page: Page) -> None:
    page.evaluate("rawtone.player.open(rawtone.clips[0], {play: false})")
    page.wait_for_function(f"{SOUND}.readyState > 0")
    seen = []
    for _ in range(200):
        page.keyboard.press("Tab")
        name, outline, visible = page.evaluate(_FOCUS)
        assert (outline, visible) == ("solid", True), name
        seen.append(name)
        if name == "pin":
            break
    assert seen[0].startswith('<a class="skip"')
    assert seen[-1] == "pin"
    assert len(seen) == len(set(seen)) + _alike(seen)


def _alike(seen: list[str]) -> int:
    """Count what has the same beginning, such as cards; a trap would repeat ids."""
    return sum(name.startswith("<") for name in seen) - len(
        {name for name in seen if name.startswith("<")}
    )


def test_the_skip_link_leads_to_the_clips(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#listen"


def test_an_open_list_keeps_its_own_keys(page: Page) -> None:
    """Arrows in a choice or on a slider are for that alone."""
    page.evaluate("rawtone.player.open(rawtone.clips[0], {play: false, at: 2})")
    at(page, 2)
    page.locator("[name=step]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[name=step]")).to_have_value("800")
    at(page, 2)
    page.get_by_label("Place in the clip").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{SOUND}.currentTime > 2 && {SOUND}.currentTime < 2.1")
    page.keyboard.press(" ")
    playing(page, 2)
