"""The listening page: one folder that opens in any browser, without a server or a network."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from rawtone.report.audit import Corpus
from rawtone.report.view import Experiment

_ASSETS = ("style.css", "players.js")


def write(folder: Path, experiments: Sequence[Experiment], corpora: Sequence[Corpus]) -> None:
    """Write the page and what it needs beside its clips and pictures.

    Args:
        folder: where index.html shall stand; exists, and holds the clips and pictures already.
        experiments: the sections on experiments, in the order of the page.
        corpora: the sections on recordings.
    """
    # Names of files and tags come from strangers, so everything is escaped.
    environment = Environment(
        loader=PackageLoader("rawtone.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("index.html").render(experiments=experiments, corpora=corpora)
    (folder / "index.html").write_text(page + "\n", "utf-8")
    for name in _ASSETS:
        content = resources.files("rawtone.report").joinpath("static", name).read_bytes()
        (folder / name).write_bytes(content)
