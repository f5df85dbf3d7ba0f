"""Recordings decoded to the format of a corpus, each with its tags, or the reason why it is not."""

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rawtone.audio import chromaprint, ffmpeg, levels, ogg, pcm
from rawtone.corpus import tags
from rawtone.corpus.leveling import UNCHANGED, Leveling
from rawtone.errors import UserError

TRACKS = "tracks.csv"  # the table of tracks
USED = "used"
COLUMNS = (
    "id",
    "file",
    "status",
    "title",
    "artist",
    "album",
    "genre",
    "year",
    "licence",
    "source",
    "path",
    "seconds",
    "source_rate",
    "source_channels",
    "sha256",
    "pcm_sha256",
    "ffmpeg",
)
# Columns that stand in the table only where a track has something to say in them.
AT_NEED = (
    "genre_as_tagged",
    "duplicate_of",
    "loudness_lufs",
    "true_peak_dbtp",
    "gain_db",
    "dc",
    "remark",
)
FINGERPRINT = "fingerprint"  # known of a track, but no column
_TAGS = (*tags.KEYS, "year", "licence")
MEASURED = frozenset({*COLUMNS, *AT_NEED, FINGERPRINT} - {*_TAGS, "id", "path"})
WITH_ERRORS = "decoded with errors"
_ERRORS_TOLD, _LONGEST_ERROR = 2, 60
NO_SOUND_BELOW_DBFS = -90.0  # one step of 16 bits is -90.3
_MAY_BE_MISSING_SECONDS = 0.1  # encoders pad, players trim: containers are not exact
_NOT_NUMBERS = re.compile(r"Number of (?:NaNs|Infs): (\d+)")

Row = dict[str, str]


@dataclass(frozen=True)
class Format:
    """What tracks of a corpus are decoded to, by which ffmpeg, and at which level."""

    sample_rate: int
    channels: int
    ffmpeg: ffmpeg.Kind
    leveling: Leveling = UNCHANGED


class _NotUsableError(Exception):
    """A recording cannot become a track, for the reason in the message."""


def columns(rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the columns of a table of these tracks: the fixed ones, and those at need."""
    filled = {column for row in rows for column, value in row.items() if value}
    of_the_user = sorted(filled - {*COLUMNS, *AT_NEED, FINGERPRINT})
    return [*COLUMNS, *(column for column in AT_NEED if column in filled), *of_the_user]


def convert(
    source: Path, destination: Path, form: Format, against: Callable[[Row], str] | None = None
) -> Row:
    """Decode one recording.

    Args:
        source: The recording, in any format that ffmpeg reads.
        destination: The wav to write; there is none afterwards if the recording is not usable.
        form: The format of the corpus.
        against: Is given what the recording says of itself before it is decoded, and returns why
            it is not wanted, or nothing. None if it is wanted whatever it says.

    Returns:
        What is known of the track, by column of the table of tracks: always its status, which is
        `USED` or the reason why it is not.

    Raises:
        UserError: the wav cannot be written.
    """
    row: Row = {}
    try:
        _decode(source, destination, form, row, against)
    except _NotUsableError as reason:
        destination.unlink(missing_ok=True)
        return row | {"status": str(reason)}
    return row | {"status": USED}


def _decode(
    source: Path,
    destination: Path,
    form: Format,
    row: Row,
    against: Callable[[Row], str] | None,
) -> None:
    if source.stat().st_size == 0:
        raise _NotUsableError("empty")
    try:
        recording = None if against else _at_once(source, destination, form, row)
        if recording is None:
            recording = _step_by_step(source, destination, form, row, against)
    except ffmpeg.FfmpegError as error:
        if "No space left" in error.said:
            raise UserError(f"{destination.parent}: the disk is full; make room") from None
        no_audio = str(error).startswith("no audio")
        raise _NotUsableError(str(error) if no_audio else f"cannot be decoded: {error}") from None
    row |= _checked(destination, form, recording.seconds)


def _at_once(source: Path, destination: Path, form: Format, row: Row) -> ffmpeg.Recording | None:
    """Ask ffmpeg once for everything; None where that cannot be, or does not go well."""
    if not form.leveling.changes_nothing:
        return None  # what is done to the level depends on what was measured
    filters = ffmpeg.resampling(form.sample_rate, form.channels)
    seconds = _fingerprint_seconds(form)
    try:
        recording, decoded = ffmpeg.probe_and_transcode(
            source, destination, filters, form.ffmpeg, seconds
        )
    except ffmpeg.FfmpegError:
        return None
    row |= _described(source, recording)
    _check_numbers(source, recording, form)
    row |= _found(source, decoded)
    return recording


def _step_by_step(
    source: Path,
    destination: Path,
    form: Format,
    row: Row,
    against: Callable[[Row], str] | None,
) -> ffmpeg.Recording:
    recording = ffmpeg.probe(source, form.ffmpeg)
    row |= _described(source, recording)
    if against is not None and (reason := against(row)):
        raise _NotUsableError(reason)
    _check_numbers(source, recording, form)
    row |= _transcode(source, destination, form)
    return recording


def _check_numbers(source: Path, recording: ffmpeg.Recording, form: Format) -> None:
    if not recording.codec.startswith("pcm_f"):
        return  # integers are always numbers
    asked = "astats=measure_perchannel=none:measure_overall=Number_of_NaNs+Number_of_Infs"
    found = _NOT_NUMBERS.findall(ffmpeg.listen(source, asked, form.ffmpeg))
    if count := sum(map(int, found)):
        raise _NotUsableError(f"not audio: {count} samples are infinite or no numbers")


def _transcode(source: Path, destination: Path, form: Format) -> Row:
    kind = form.ffmpeg
    filters, measured = form.leveling.filters(source, form.sample_rate, form.channels, kind)
    seconds = _fingerprint_seconds(form)
    try:
        decoded = ffmpeg.transcode(source, destination, filters, kind, seconds)
    except ffmpeg.FfmpegError:  # chromaprint refuses some rates that can be learned from
        decoded = ffmpeg.transcode(source, destination, filters, kind)
    return measured | _found(source, decoded)


def _fingerprint_seconds(form: Format) -> int:
    return chromaprint.SECONDS if ffmpeg.fingerprints(form.ffmpeg) else 0


def _found(source: Path, decoded: ffmpeg.Decoded) -> Row:
    text = _remark(source, decoded.errors)
    remark = {"remark": text} if text else {}
    return remark | {FINGERPRINT: chromaprint.text(decoded.fingerprint)}


def _remark(source: Path, errors: Sequence[str]) -> str:
    remarks = []
    if errors:
        told = ", ".join(
            textwrap.shorten(error, _LONGEST_ERROR, placeholder=" …")
            for error in errors[:_ERRORS_TOLD]
        )
        more = len(errors) - _ERRORS_TOLD
        remarks.append(f"{WITH_ERRORS}: {told}" + (f" and {more} more kinds" if more > 0 else ""))
    if ogg.lacks_end(source):
        remarks.append("its end is missing")
    return "; ".join(remarks)


def _checked(destination: Path, form: Format, declared: float | None) -> Row:
    content = pcm.content(destination)
    seconds = content.samples / form.sample_rate
    if seconds == 0:
        raise _NotUsableError("empty")
    if declared is not None and seconds < declared - _MAY_BE_MISSING_SECONDS:
        raise _NotUsableError(f"truncated: decoded {seconds:.1f} s of {declared:.1f} s")
    if levels.dbfs(content.peak / levels.FULL_SCALE) < NO_SOUND_BELOW_DBFS:
        raise _NotUsableError("no sound in it")
    return {"seconds": f"{seconds:.3f}", "pcm_sha256": content.sha256}


def _described(source: Path, recording: ffmpeg.Recording) -> Row:
    return tags.described(source, recording.tags) | {
        "source_rate": str(recording.sample_rate),
        "source_channels": "" if recording.channels is None else str(recording.channels),
    }
