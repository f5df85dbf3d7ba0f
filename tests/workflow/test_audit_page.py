"""The page of a corpus, made by the real stages, in a real browser opened from disk."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from playwright.sync_api import Browser, Page

from rawtone.files import write_json
from rawtone.stages import chunk, convert, fetch, report, settings

RATE = 8000
HOSTILE = '<img src=http://example.org/x.png onerror="document.title=1">'


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a corpus of tones, noise, and files that are not used."""
    root = tmp_path_factory.mktemp("audited")
    _record(root / "music")
    corpus = {"sources": [{"folder": "music"}], "sample_rate": RATE, "label": "folder"}
    experiments = {
        name: {"corpus": "mine", "preset": "wavenet-demo"} for name in ("mine", "fine", "waiting")
    }
    table = {"corpora": {"mine": corpus}, "experiments": experiments}
    (root / "params.yaml").write_text(yaml.safe_dump(table))
    for name, levels in (("mine", 256), ("fine", 4096)):
        quantizer = {"kind": "mu-law", "levels": levels}
        write_json(root / f"results/{name}/config.json", {"run": "0a", "quantizer": quantizer})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        settings.run()
        for stage in (fetch, convert, chunk):
            stage.run("mine")
        report.run()
    return root


def _record(folder: Path) -> None:
    time = np.arange(12 * RATE) / RATE
    for n in range(8):
        place = folder / f"genre {n % 3}" / f"{n}.flac"
        place.parent.mkdir(parents=True, exist_ok=True)
        tone = np.sin(2 * np.pi * 110 * (n + 1) * time) * 0.05 * (n + 1)
        soundfile.write(place, tone, RATE)
    noise = np.random.default_rng(0).normal(0, 0.1, len(time))
    soundfile.write(folder / "noise.wav", noise, RATE)
    for n in range(130):
        (folder / f"{n}.mp3").write_bytes(b"no audio")
    (folder / f"{HOSTILE.replace('/', '_')}.mp3").write_bytes(b"")
    silence = np.zeros(20 * RATE)
    silence[: 8 * RATE] = noise[: 8 * RATE]
    soundfile.write(folder / "half.wav", silence, RATE)


@pytest.fixture
def page(root: Path, browser: Browser) -> Iterator[Page]:
    """Return the page, whose complaints and requests end the test that makes them."""
    wrong: list[str] = []
    page = browser.new_page()
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.route(re.compile("^https?:"), lambda route: wrong.append(route.request.url))
    page.goto((root / "report/corpus-mine.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    yield page
    page.close()
    assert wrong == []


def test_it_tells_what_is_there_and_what_is_not(page: Page) -> None:
    text = page.inner_text("body")
    for words in (
        "genre 0",
        "no label",
        "same bytes as another\t129",
        "Not used: 131",
        "and 31 more, in the tables below.",
        "mu-law, 256 levels: mine",
        "mu-law, 4,096 levels: fine",
        "silent",
        "The most unlike the others",
        "codes never occur",
    ):
        assert words in text, words
    assert page.title() == "Rawtone: the recordings mine"


def test_every_file_is_there_and_every_picture_and_sound_loads(page: Page, root: Path) -> None:
    names = page.evaluate(
        "[...document.querySelectorAll('[src],link[rel=stylesheet],main a')]"
        ".map((e) => e.getAttribute('src') || e.getAttribute('href'))"
    )
    assert len(names) > 40
    assert all((root / "report" / name).is_file() for name in names)
    page.evaluate("document.querySelectorAll('img').forEach((i) => (i.loading = 'eager'))")
    page.evaluate("document.querySelectorAll('audio').forEach((a) => (a.preload = 'metadata'))")
    page.wait_for_function("[...document.images].every((i) => i.complete && i.naturalWidth)")
    page.wait_for_function("[...document.querySelectorAll('audio')].every((a) => a.readyState)")
    seconds = page.evaluate("[...document.querySelectorAll('audio')].map((a) => a.duration)")
    assert len(seconds) == 6 + 3 + 3 + 3
    assert all(3.5 < length < 8.5 for length in seconds)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone_and_aloud(page: Page, scheme: str) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.evaluate("[...document.images].every((i) => i.alt.length > 20)")
    assert page.evaluate("[...document.querySelectorAll('th')].every((h) => h.scope)")
    labels = page.evaluate("[...document.querySelectorAll('audio')].map((a) => a.ariaLabel)")
    assert len(set(labels)) == len(labels)
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    page.emulate_media(color_scheme=scheme)
    # Or axe would ask for style sheets, which browsers refuse from disk.
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_it_is_the_same_bytes_again_and_without_the_chunks_it_tells_the_rest(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    folder = root / "report"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    report.run()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    array = root / "data/chunks/mine/chunks.npy"
    array.rename(root / "elsewhere.npy")
    try:
        report.run()
        text = (folder / "corpus-mine.html").read_text()
        assert "Hours by label" in text and "levels.svg" in text and "<audio" not in text
    finally:
        (root / "elsewhere.npy").rename(array)
