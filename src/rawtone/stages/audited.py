"""The audit of a corpus, a part of the stage `report`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rawtone.audio import quantizers
from rawtone.audio.quantizers import Quantizer
from rawtone.corpus import table
from rawtone.corpus.chunks import Chunks
from rawtone.corpus.sources import FILES
from rawtone.corpus.tracks import TRACKS
from rawtone.report import audit_page
from rawtone.report.audit import Corpus, Prepared, corpus
from rawtone.stages import layout

_UNLESS_TOLD = quantizers.make("mu-law", 256)


def write(name: str, experiments: Mapping[str, Mapping[str, str]], folder: Path) -> Corpus:
    """Write the page of a corpus.

    Args:
        name: The corpus.
        experiments: All experiments by name, each with its `corpus`.
        folder: That of the listening page.

    Returns:
        What the listening page says of it.
    """
    chunks = layout.chunks(name)
    tables = (layout.raw(name) / FILES, layout.tracks(name) / TRACKS, chunks / "chunks.csv")
    totals = chunks / "corpus.json"
    files, tracks, cut = (table.read(path) if path.exists() else [] for path in tables)
    prepared = Prepared(
        files, tracks, cut, json.loads(totals.read_text()) if totals.exists() else {}
    )
    said = corpus(name, prepared)
    is_here = all((chunks / file).exists() for file in ("chunks.npy", "chunks.csv", "corpus.json"))
    audit_page.write(
        folder,
        said,
        prepared,
        Chunks.open(chunks) if is_here else None,
        _quantizers(name, experiments),
        [path for path in tables if path.exists()],
    )
    return said


def _quantizers(
    name: str, experiments: Mapping[str, Mapping[str, str]]
) -> dict[Quantizer, list[str]]:
    """Return the quantizers of a corpus's experiments, of those that were trained."""
    found: dict[Quantizer, list[str]] = {}
    for experiment, entry in sorted(experiments.items()):
        config = layout.results(experiment) / "config.json"
        if entry["corpus"] == name and config.exists():
            of: dict[str, Any] = json.loads(config.read_text())["quantizer"]
            found.setdefault(quantizers.make(of["kind"], of["levels"]), []).append(experiment)
    return found or {_UNLESS_TOLD: []}
