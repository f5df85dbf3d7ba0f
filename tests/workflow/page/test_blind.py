"""The blind test: nothing tells what is heard before the vote; votes stay, and are exported."""

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.workflow.page.test_listening import place, playing

SIDES = "rawtone.pairs.every(rawtone.clips)[0].sides"


def told(page: Page) -> str:
    """Return what can be read of the pair and in the player."""
    state = page.locator("#pair-state").inner_text()
    return f"{state} {page.locator('#player').inner_text()}"


def test_names_are_hidden_until_voted(page: Page) -> None:
    page.get_by_role("button", name="Play B").click()
    playing(page, 0.05)
    assert "Clip B" in told(page)
    assert not any(word in told(page) for word in ("step", "demo", "wide", "temperature"))
    expect(page.locator("#results [aria-current]")).to_have_count(0)
    expect(page.locator("#scrub-picture")).to_be_hidden()
    page.get_by_role("button", name="A is better").click()
    a, b = page.evaluate(SIDES)
    words = [f"{clip['experiment']}, step {clip['step']}" for clip in (a, b)]
    expect(page.locator("#pair-state")).to_contain_text(
        f"A sounded better. A was {words[0]}; B was {words[1]}"
    )
    expect(page.locator("#now")).to_have_text(words[1])
    line = page.locator("#tally tr", has=page.get_by_role("rowheader", name=words[0]))
    expect(line).to_have_text(f"{words[0]}100")


def test_pairs_are_of_one_label_temperature_and_seed_in_an_order_that_stays(page: Page) -> None:
    pairs = page.evaluate("rawtone.pairs.every(rawtone.clips).map((p) => p.sides)")
    assert len(pairs) == 2 * 6  # two seeds, two checkpoints of two experiments each
    assert all(a["seed"] == b["seed"] and a["temperature"] == b["temperature"] for a, b in pairs)
    first_is_newer = [a["step"] > b["step"] for a, b in pairs if a["step"] != b["step"]]
    assert 0 < sum(first_is_newer) < len(first_is_newer)
    page.reload()
    assert page.evaluate("rawtone.pairs.every(rawtone.clips).map((p) => p.sides)") == pairs


def test_the_keyboard_is_enough_and_the_place_is_kept(page: Page) -> None:
    page.keyboard.press("v")
    playing(page, 0.2)
    page.keyboard.press(" ")
    heard = place(page)
    page.keyboard.press("x")
    playing(page, heard - 0.1)
    assert "Clip B" in told(page)
    page.keyboard.press("2")
    expect(page.locator("#pair-state")).to_contain_text("B sounded better.")
    page.keyboard.press("v")
    expect(page.locator("#pair-state")).to_have_text("Which sounds better? 11 pairs to go.")


def test_votes_stay_and_are_exported(page: Page, tmp_path: Path) -> None:
    sides = page.evaluate("rawtone.pairs.every(rawtone.clips).slice(0, 3).map((p) => p.sides)")
    for key in ("1", "0"):
        page.keyboard.press("v")
        page.keyboard.press(key)
    page.reload()
    expect(page.locator("#tally caption")).to_have_text("Your 2 votes")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export votes").click()
    assert download.value.suggested_filename == "rawtone-votes.json"
    download.value.save_as(tmp_path / "votes.json")
    exported = json.loads((tmp_path / "votes.json").read_text())
    assert exported["seed"] == page.evaluate("rawtone.data.seed")
    votes = {(v["first"]["sha256"], v["second"]["sha256"]): v["better"] for v in exported["votes"]}
    assert votes == {
        (sides[0][0]["sha256"], sides[0][1]["sha256"]): sides[0][0]["sha256"],
        (sides[1][0]["sha256"], sides[1][1]["sha256"]): None,
    }
    page.get_by_role("button", name="Forget all votes").click()
    expect(page.locator("#tally")).to_be_empty()
    page.reload()
    expect(page.locator("#pair-state")).to_contain_text("12 pairs to go")


def test_pairs_are_taken_from_what_is_chosen_above(page: Page) -> None:
    page.locator("[name=experiment]").select_option("demo")
    expect(page.locator("#pair-state")).to_contain_text("2 pairs to go")
    page.locator("[name=step]").select_option("400")
    expect(page.locator("#pair-state")).to_contain_text("no two clips to compare")
    expect(page.get_by_role("button", name="Play A")).to_be_disabled()
