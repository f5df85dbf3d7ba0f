"""convert: recordings -> tracks, 16-bit PCM at the corpus's rate and channels, and a table of them.

Beside the tracks lie shards (`corpus.shards`) with what each was made from and how; a track whose
shard agrees, and whose samples still have their checksum, is not decoded again.
"""

import logging
import os
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rawtone.audio import ffmpeg, pcm
from rawtone.corpus import duplicates, genres, table, tracks
from rawtone.corpus.leveling import UNCHANGED, Leveling
from rawtone.corpus.remembered import Remembered
from rawtone.corpus.selection import LEFT_OUT, Drawing, Selection
from rawtone.corpus.shards import Shards
from rawtone.corpus.sidecar import Sidecar
from rawtone.corpus.sources import FILES
from rawtone.corpus.tracks import TRACKS, Row
from rawtone.corpus.workers import in_parallel
from rawtone.errors import UserError
from rawtone.stages import layout
from rawtone.stages.fetch import TAKEN, is_lost

_log = logging.getLogger("rawtone")


@dataclass(frozen=True)
class _Corpus:
    """What the recordings of a corpus become tracks by."""

    name: str
    form: tracks.Format
    version: str
    selection: Selection
    sidecar: Sidecar
    spellings: genres.Spellings
    known: Shards
    checksums: Remembered

    def tagged(self, row: Row) -> Row:
        """Return a track's row with what the user says of it, and its genre in one spelling."""
        said = row | self.sidecar.of(row)
        found = said.get("genre", "")
        genre = self.spellings.of(found)
        return said | ({"genre": genre, "genre_as_tagged": found} if genre != found else {})


def run(name: str) -> None:
    """Decode the recordings of a corpus; those that cannot be used are listed with the reason.

    Args:
        name: The corpus.

    Raises:
        UserError: no recording can be used, or the corpus is strict and one cannot.
    """
    settings = layout.read_settings("convert", name)
    corpus = _corpus(name, settings)
    recordings = corpus.selection.order(_recordings(name))
    folder = layout.tracks(name)
    folder.mkdir(parents=True, exist_ok=True)
    drop = settings.get("drop_duplicates", "exact")
    _check_fingerprints(corpus, drop)
    with _saved(corpus):
        one = partial(_convert, corpus=corpus)
        decoded = in_parallel(one, recordings, "convert", os.cpu_count() or 1)
        rows = _drawn(corpus, recordings, decoded, drop)
    _check_usable(name, rows, settings["strict"])
    rows = duplicates.mark(rows, drop)
    rows.sort(key=lambda row: (row["id"], row["path"]))
    _report(name, rows, corpus.sidecar)
    shown = [{key: row[key] for key in row if key != tracks.FINGERPRINT} for row in rows]
    table.write(folder / TRACKS, tracks.columns(shown), shown)
    _tidy(corpus, {row["id"]: row["file"] for row in rows if row["file"]})


@contextmanager
def _saved(corpus: _Corpus) -> Iterator[None]:
    """Save what is known of tracks, however the work on them ends."""
    try:
        yield
    finally:
        corpus.known.save()
        corpus.checksums.save()


def _corpus(name: str, settings: dict[str, Any]) -> _Corpus:
    level = Leveling(**settings["level"]) if "level" in settings else UNCHANGED
    form = tracks.Format(
        settings["sample_rate"], settings["channels"], settings["ffmpeg"], leveling=level
    )
    return _Corpus(
        name=name,
        form=form,
        version=_version(name, form),
        selection=Selection.of(settings.get("select", {})),
        sidecar=Sidecar(settings.get("tags", [])),
        spellings=genres.Spellings(settings.get("genres", genres.shipped())),
        known=Shards(layout.shards(name)),
        checksums=Remembered(layout.remembered("tracks", name)),
    )


def _check_fingerprints(corpus: _Corpus, drop: duplicates.Drop) -> None:
    if ffmpeg.fingerprints(corpus.form.ffmpeg):
        return
    if drop == "near":
        raise UserError(
            f"corpora.{corpus.name}.drop_duplicates: near needs an ffmpeg with chromaprint, which "
            f"the one on the PATH lacks; set corpora.{corpus.name}.ffmpeg to bundled, or this to "
            "exact"
        )
    _log.info("near duplicates are not looked for: this ffmpeg has no chromaprint")


def _drawn(
    corpus: _Corpus,
    recordings: Sequence[dict[str, str]],
    decoded: Generator[Row, None, None],
    drop: duplicates.Drop,
) -> list[Row]:
    """Take tracks until all hours asked for are full; what comes then is not decoded."""
    drawing, rows, heard = Drawing(corpus.selection), list[Row](), set[str]()
    for row in decoded:
        again = drop != "none" and row.get("pcm_sha256", "") in heard
        if row["file"] and not again:
            heard.add(row["pcm_sha256"])
            reason = drawing.against(float(row["seconds"]))
            row = row | ({"file": "", "status": reason} if reason else {})
        rows.append(row)
        if drawing.full:
            break
    decoded.close()
    beyond = {"file": "", "status": drawing.reason}
    return rows + [corpus.tagged(_origin(row) | beyond) for row in recordings[len(rows) :]]


def _version(name: str, form: tracks.Format) -> str:
    try:
        return ffmpeg.version(form.ffmpeg)
    except ffmpeg.FfmpegError as error:
        raise UserError(
            f"corpora.{name}.ffmpeg: {error}; install it, or set this to bundled"
        ) from None


def _recordings(name: str) -> list[dict[str, str]]:
    path = layout.raw(name) / FILES
    if not path.exists():
        raise UserError(f"{path}: no such file; run: rawtone fetch {name}")
    rows = [row for row in table.read(path) if row["status"] == TAKEN or is_lost(row["status"])]
    for row in rows:
        if row["file"] and not path.with_name(row["file"]).exists():
            raise UserError(f"{path.with_name(row['file'])}: is gone; run: rawtone fetch {name}")
    return sorted(rows, key=lambda row: (row["id"], row["path"]))


def _origin(recording: dict[str, str]) -> Row:
    return {key: recording[key] for key in ("id", "source", "path", "sha256", "licence")}


def _convert(recording: dict[str, str], corpus: _Corpus) -> Row:
    origin = _origin(recording)
    if recording["status"] != TAKEN:
        return corpus.tagged(origin | {"file": "", "status": recording["status"]})
    wav = layout.tracks(corpus.name) / f"{recording['id']}.wav"
    made_from = _made_from(recording, corpus)
    known = _already(wav, made_from, corpus)
    if known is None:
        source = layout.raw(corpus.name) / recording["file"]
        known = _decode(source, wav, corpus, _with_origin(origin, {}))
        if known["status"] == tracks.USED:
            corpus.checksums.note(wav, known["pcm_sha256"])
            corpus.known.put(recording["id"], {"made_from": made_from, "track": known})
    row = corpus.tagged(_with_origin(origin, known))
    if row["status"] == tracks.USED:
        row["status"] = _against(row, corpus.selection) or tracks.USED
    file = wav.name if row["status"] == tracks.USED else ""
    return row | {"file": file, "ffmpeg": corpus.version}


def _made_from(recording: dict[str, str], corpus: _Corpus) -> dict[str, Any]:
    form = corpus.form
    made_from: dict[str, Any] = {
        "sha256": recording["sha256"],
        "ffmpeg": f"{form.ffmpeg} {corpus.version}",
        "filter": ffmpeg.resampling(form.sample_rate, form.channels),
    }
    if not form.leveling.changes_nothing:
        made_from["level"] = asdict(form.leveling)
    return made_from


def _with_origin(origin: Row, known: Row) -> Row:
    """Let what the source knows of a licence go before what the recording says."""
    return known | origin | {"licence": origin["licence"] or known.get("licence", "")}


def _against(row: Row, selection: Selection) -> str:
    return selection.against(row) or selection.against_length(float(row["seconds"]))


def _already(wav: Path, made_from: dict[str, Any], corpus: _Corpus) -> Row | None:
    try:
        known: dict[str, Any] = corpus.known.get(wav.stem)
        track: Row = known["track"]
        agrees = known["made_from"] == made_from and tracks.FINGERPRINT in track
        agrees = agrees and corpus.checksums.of(wav, pcm.sha256) == track["pcm_sha256"]
    except (OSError, TypeError, KeyError, RuntimeError):  # RuntimeError: not a wav any more
        return None
    return track if agrees else None


def _decode(source: Path, wav: Path, corpus: _Corpus, origin: Row) -> Row:
    def against(described: Row) -> str:
        return corpus.selection.against(corpus.tagged(_with_origin(origin, described)))

    # Not `files.atomic`: a recording that is not usable leaves nothing to put in place.
    temporary = wav.with_name(f".{wav.name}")
    wav.unlink(missing_ok=True)
    wanted_anyhow = not corpus.selection.goes_by_tags and not corpus.selection.against(origin)
    try:
        track = tracks.convert(source, temporary, corpus.form, None if wanted_anyhow else against)
        if track["status"] == tracks.USED:
            temporary.replace(wav)
    finally:
        temporary.unlink(missing_ok=True)
    return track


def _report(name: str, rows: Sequence[Row], sidecar: Sidecar) -> None:
    left_out = Counter(row["status"] for row in rows if row["status"].startswith(LEFT_OUT))
    unused = [row for row in rows if row["status"] not in (tracks.USED, *left_out)]
    used = sum(row["status"] == tracks.USED for row in rows)
    _log.info("converted %d of %d recordings", used, len(rows))
    for reason, count in sorted(left_out.items()):
        _log.info("%d %s", count, reason)
    for row in unused:
        _log.warning("not used: %s: %s", row["path"], row["status"])
    for row in rows:
        if row["file"] and row.get("remark"):
            _log.warning("used, but %s: %s", row["remark"], row["path"])
        if row.get("duplicate_of"):
            _log.warning("used twice: %s: as %s", row["path"], row["duplicate_of"])
    if unmet := sidecar.unmet():
        _log.warning("corpora.%s.tags names what is not there: %s", name, ", ".join(unmet))


def _check_usable(name: str, rows: Sequence[Row], strict: bool) -> None:
    unused = [row for row in rows if row["status"] != tracks.USED]
    broken = [row for row in unused if not row["status"].startswith(LEFT_OUT)]
    if len(unused) == len(rows):
        first = f"; the first is {unused[0]['path']}: {unused[0]['status']}" if unused else ""
        raise UserError(f"corpus '{name}': none of {len(rows)} recordings can be used{first}")
    if strict and broken:
        raise UserError(
            f"corpus '{name}' is strict and {broken[0]['path']} cannot be used: "
            f"{broken[0]['status']}; mend or remove it, or set corpora.{name}.strict to false"
        )


def _tidy(corpus: _Corpus, used: dict[str, str]) -> None:
    """Leave what the used tracks, files by id, have need of."""
    corpus.known.keep(used)
    corpus.checksums.keep(used.values())
    wanted = {TRACKS, *used.values()}
    for path in layout.tracks(corpus.name).iterdir():
        if path.name not in wanted and path.is_file():
            path.unlink()
