"""The audit of a corpus: a page that tells what is in it, what is not, and how it sounds."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from rawtone.audio.quantizers import Quantizer
from rawtone.corpus.chunks import KEPT, SILENT, Chunks
from rawtone.report import audit_listening, audit_sound, audit_tables, audit_words, pictures
from rawtone.report.audit import MOST_ROWS, SPLITS, Corpus, Prepared, titles
from rawtone.report.audit_charts import codes_svg, levels_svg, spectrum_svg
from rawtone.report.audit_listening import Group
from rawtone.report.audit_sound import Sound
from rawtone.report.audit_tables import Label, Reason
from rawtone.report.templating import render
from rawtone.report.words import counted, duration

STYLES = ("style.css", "audit.css")
Quantizers = Mapping[Quantizer, Sequence[str]]


@dataclass(frozen=True)
class Chart:
    """A picture with its words: what stands for it, and what follows from it."""

    name: str
    file: str
    alternative: str
    says: list[str]


@dataclass
class Audit:
    """What the page shows; what is not known is empty."""

    corpus: Corpus
    labels: list[Label]
    recordings: list[Reason]
    chunks: list[Reason]
    remarks: list[tuple[str, str]]
    tables: list[str] = field(default_factory=list)
    levels: list[Chart] = field(default_factory=list)
    spectrum: list[Chart] = field(default_factory=list)
    codes: list[Chart] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    drawn: int = 0
    drawn_of_more: bool = False


def address(corpus: str) -> str:
    """Return the name of a corpus's page, beside the listening page."""
    return f"corpus-{corpus}.html"


def write(
    folder: Path,
    corpus: Corpus,
    prepared: Prepared,
    chunks: Chunks | None,
    quantizers: Quantizers,
    tables: Sequence[Path],
) -> None:
    """Write the page of a corpus, with its charts and sounds in a folder beside it.

    Args:
        folder: that of the listening page.
        corpus: what is said of it there.
        prepared: its tables.
        chunks: its chunks; None where they are not on this machine.
        quantizers: through which it is learned, each with the experiments that do so.
        tables: files to put beside it, for those who want all rows.
    """
    # No experiment's name has a dot, so this is none of their folders.
    beside = folder / f"corpus-{corpus.name}.files"
    beside.mkdir()
    audit = _audit(corpus, prepared)
    for table in tables:
        shutil.copyfile(table, beside / table.name)
        audit.tables.append(f"{beside.name}/{table.name}")
    if kept := audit_words.levels_of(prepared.chunks, KEPT):
        _add_levels(audit, prepared, kept, beside)
        if chunks is not None:
            _add_sound(audit, prepared, chunks, kept, quantizers, beside)
    for name in STYLES:
        style = resources.files("rawtone.report").joinpath("static", name)
        (folder / name).write_bytes(style.read_bytes())
    (folder / address(corpus.name)).write_text(_render(audit), "utf-8")


def _audit(corpus: Corpus, prepared: Prepared) -> Audit:
    rate = int(prepared.totals.get("sample_rate", 1))
    tracks = {row["id"]: row for row in prepared.tracks if row["status"] == "used"}
    return Audit(
        corpus=corpus,
        labels=audit_tables.by_label(prepared.chunks, rate),
        recordings=audit_tables.of_recordings(prepared.files, prepared.tracks),
        chunks=audit_tables.of_chunks(prepared.chunks, rate),
        remarks=sorted(
            (row["path"], remark)
            for row in tracks.values()
            if (remark := audit_tables.remark(row, tracks))
        ),
    )


def _chart(beside: Path, file: str, drawn: str, words: audit_words.Words, name: str = "") -> Chart:
    (beside / file).write_text(drawn, "utf-8")
    return Chart(name, f"{beside.name}/{file}", words.alternative, words.says)


def _add_levels(audit: Audit, prepared: Prepared, kept: Sequence[float], beside: Path) -> None:
    tracks = [row["track"] for row in prepared.chunks if row["status"] == KEPT]
    drawn = levels_svg(kept, audit_words.levels_of(prepared.chunks, SILENT))
    audit.levels = [_chart(beside, "levels.svg", drawn, audit_words.levels(kept, tracks))]


def _add_sound(
    audit: Audit, prepared: Prepared, chunks: Chunks, kept: Sequence[float],
    quantizers: Quantizers, beside: Path,
) -> None:  # fmt: skip
    sound = audit_sound.listen(chunks, audit_sound.draw(chunks, audit_sound.DRAWN))
    audit.drawn, audit.drawn_of_more = len(sound.rows), len(sound.rows) < len(kept)
    audit.levels[0].says.extend(audit_words.values(sound))
    drawn = spectrum_svg(sound.centres, sound.levels_db)
    words = audit_words.spectrum(sound, chunks.sample_rate)
    audit.spectrum = [_chart(beside, "spectrum.svg", drawn, words)]
    audit.codes = [_codes(sound, *each, beside) for each in quantizers.items()]
    figures, called = audit_listening.figures(kept, sound), titles(prepared.tracks)
    for name, meaning, rows in audit_listening.choose(chunks, sound, kept):
        players = audit_listening.players(rows, chunks, called, figures, beside)
        audit.groups.append(Group(name, meaning, players))


def _codes(sound: Sound, quantizer: Quantizer, experiments: Sequence[str], beside: Path) -> Chart:
    counts = sound.codes(quantizer)
    file = f"codes-{quantizer.kind}-{quantizer.levels}.svg"
    name = f"{quantizer.kind}, {quantizer.levels:,} levels"
    of = f": {', '.join(experiments)}" if experiments else ""
    words = audit_words.codes(counts, quantizer)
    return _chart(beside, file, codes_svg(counts), words, name + of)


def _render(audit: Audit) -> str:
    known: dict[str, Any] = {"counted": counted, "duration": duration, "pictures": pictures}
    known |= {"most": MOST_ROWS, "splits": SPLITS, "styles": STYLES}
    return render("audit.html", known, audit=audit, corpus=audit.corpus)
