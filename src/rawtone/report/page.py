"""The listening page: one folder that opens in any browser, without a server or a network.

Beside it, for each experiment, the same in one file, to be sent or put into other documents.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from rawtone.report.audit import Corpus
from rawtone.report.data import data, identity
from rawtone.report.differences import side_by_side
from rawtone.report.templating import render
from rawtone.report.view import Experiment

# Scripts are in the order in which they need each other. They are no modules: browsers refuse
# modules from disk.
STYLES = ("style.css", "listen.css", "tables.css")
SCRIPTS = (
    "clips.js",
    "waves.js",
    "player.js",
    "bar.js",
    "filters.js",
    "cards.js",
    "grid.js",
    "results.js",
    "pairs.js",
    "blind.js",
    "pin.js",
    "keys.js",
)
_ALONE = "listen.html"
_MOST_ALONE = 100  # clips in a file that is sent: ten megabytes of ten seconds each
_KINDS = {
    ".css": "text/css",
    ".flac": "audio/flac",
    ".js": "text/javascript",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wav": "audio/wav",
}


def write(folder: Path, experiments: Sequence[Experiment], corpora: Sequence[Corpus]) -> None:
    """Write the page and what it needs beside its clips and pictures.

    Args:
        folder: where index.html shall stand; exists, and holds the clips and pictures already, in
            a folder for each experiment.
        experiments: the sections on experiments, in the order of the page.
        corpora: the sections on recordings.
    """
    for name in (*STYLES, *SCRIPTS):
        content = resources.files("rawtone.report").joinpath("static", name).read_bytes()
        (folder / name).write_bytes(content)
    linked = {corpus.name for corpus in corpora if (folder / _audit(corpus)).exists()}
    page = _render(experiments, corpora, place=quote, linked=linked, alone=None)
    (folder / "index.html").write_text(page, "utf-8")
    for experiment in experiments:
        corpus = [corpus for corpus in corpora if corpus.name == experiment.corpus]
        first = replace(experiment, clips=experiment.clips[:_MOST_ALONE], files=[])
        in_all = len(experiment.clips)
        page = _render([first], corpus, place=_inside(folder), linked=set(), alone=in_all)
        (folder / experiment.name / _ALONE).write_text(page, "utf-8")


def _audit(corpus: Corpus) -> str:
    return f"corpus-{corpus.name}.html"


def _render(
    experiments: Sequence[Experiment],
    corpora: Sequence[Corpus],
    place: Callable[[str], str],
    linked: set[str],
    alone: int | None,
) -> str:
    """Render the page, or with `alone` clips in all, an experiment's in one file."""
    known = {"place": place, "alone": alone, "most_alone": _MOST_ALONE}
    return render(
        "index.html",
        known | {"identity": identity, "audit": _audit},
        experiments=experiments,
        corpora=corpora,
        linked=linked,
        data=data(experiments),
        settings=side_by_side([experiment.settings for experiment in experiments]),
        styles=STYLES,
        scripts=SCRIPTS,
    )


def _inside(folder: Path) -> Callable[[str], str]:
    """Return what turns a path of the page into an address that holds the file itself."""

    def address(path: str) -> str:
        content = base64.b64encode((folder / path).read_bytes()).decode()
        return f"data:{_KINDS[Path(path).suffix]};base64,{content}"

    return address
