"""The listening page: one folder that opens in any browser, without a server or a network.

Beside it, for each experiment, the same in one file, to be sent or put into other documents.
"""

import base64
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from rawtone.report.audit import Corpus
from rawtone.report.view import Experiment

_ASSETS = ("style.css", "players.js")
_ALONE = "listen.html"
_KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mp3": "audio/mpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


def write(folder: Path, experiments: Sequence[Experiment], corpora: Sequence[Corpus]) -> None:
    """Write the page and what it needs beside its clips and pictures.

    Args:
        folder: where index.html shall stand; exists, and holds the clips and pictures already, in
            a folder for each experiment.
        experiments: the sections on experiments, in the order of the page.
        corpora: the sections on recordings.
    """
    for name in _ASSETS:
        content = resources.files("rawtone.report").joinpath("static", name).read_bytes()
        (folder / name).write_bytes(content)
    page = _render(experiments, corpora, place=str, alone=lambda e: f"{e.name}/{_ALONE}")
    (folder / "index.html").write_text(page, "utf-8")
    for experiment in experiments:
        its_corpus = [corpus for corpus in corpora if corpus.name == experiment.corpus]
        page = _render([experiment], its_corpus, place=_inside(folder), alone=lambda _: "")
        (folder / experiment.name / _ALONE).write_text(page, "utf-8")


def _render(
    experiments: Sequence[Experiment],
    corpora: Sequence[Corpus],
    place: Callable[[str], str],
    alone: Callable[[Experiment], str],
) -> str:
    # Names of files and tags come from strangers, so everything is escaped.
    environment = Environment(
        loader=PackageLoader("rawtone.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(place=place, alone=alone)
    template = environment.get_template("index.html")
    return template.render(experiments=experiments, corpora=corpora) + "\n"


def _inside(folder: Path) -> Callable[[str], str]:
    """Return what turns a path of the page into an address that holds the file itself."""

    def address(path: str) -> str:
        content = base64.b64encode((folder / path).read_bytes()).decode()
        return f"data:{_KINDS[Path(path).suffix]};base64,{content}"

    return address
