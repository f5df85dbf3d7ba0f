"""Pages of published results, and visits to them in a real browser, as a musician makes them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from rawtone.stages import report
from tests.report.judged import add_experiment, judge, multiply
from tests.report.published import publish

SECONDS = 6.0
MANY = 1000


@dataclass
class Visit:
    """A page, and all that went wrong or went out while it was open."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note errors and requests; let none leave this machine."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", self._failure)
        self.page.on("request", lambda request: self._address(request.url))
        self.page.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), lambda route: route.abort())

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _failure(self, request: Request) -> None:
        # A player that has enough, or goes on to another clip, ends its request early; so do
        # pictures when the page is left.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.url}: {request.failure}")

    def _address(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            self.outside.append(url)


def _make(root: Path, prepare: Callable[[Path], None]) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        prepare(root)
        report.run()
    return root / "report/index.html"


def _judged(root: Path) -> None:
    publish(root, seconds=SECONDS)
    judge(root)
    add_experiment(root)


def _many(root: Path) -> None:
    publish(root, steps=(200, 400, 600, 800), seeds=(0,), seconds=0.5)
    multiply(root, MANY)
    judge(root)


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two experiments, 8 clips each, with verdicts, ranks and a choice."""
    return _make(tmp_path_factory.mktemp("judged"), _judged)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 8 clips that nobody has judged."""
    return _make(tmp_path_factory.mktemp("plain"), lambda root: publish(root, seconds=SECONDS))


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of a thousand clips."""
    return _make(tmp_path_factory.mktemp("many"), _many)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """An empty page with nothing remembered; errors and requests to others fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    visit = Visit(context.new_page())
    visit.listen()
    yield visit
    context.close()
    assert visit.complaints == []
    assert visit.outside == []


@pytest.fixture
def page(visit: Visit, judged: Path) -> Page:
    """The judged page, open."""
    visit.page.goto(judged.as_uri())
    return visit.page
