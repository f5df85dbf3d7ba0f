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
    cut = layout.chunks(name)
    # First, so that no more than one of the two has the rows of all chunks in memory.
    is_here = all((cut / file).exists() for file in ("chunks.npy", "chunks.csv", "corpus.json"))
    chunks = Chunks.open(cut) if is_here else None
    tables = (layout.raw(name) / FILES, layout.tracks(name) / TRACKS, cut / "chunks.csv")
    files, tracks, rows = (table.read(path) if path.exists() else [] for path in tables)
    totals = cut / "corpus.json"
    known = json.loads(totals.read_text()) if totals.exists() else {}
    prepared = Prepared(files, tracks, rows, known)
    said = corpus(name, prepared)
    there = [path for path in tables if path.exists()]
    quantizers_of = _quantizers(name, experiments)
    audit_page.write(folder, said, prepared, chunks, quantizers_of, there)
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
