"""Recordings decoded to the format of a corpus, each with its tags, or the reason why it is not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rawtone.audio import ffmpeg, levels, pcm
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
NO_SOUND_BELOW_DBFS = -90.0  # one step of 16 bits is -90.3
_MAY_BE_MISSING_SECONDS = 0.1  # encoders pad, players trim: containers are not exact


@dataclass(frozen=True)
class Format:
    """What tracks of a corpus are decoded to, and by which ffmpeg."""

    sample_rate: int
    channels: int
    ffmpeg: ffmpeg.Kind


class _NotUsableError(Exception):
    """A recording cannot become a track, for the reason in the message."""


def convert(source: Path, destination: Path, form: Format) -> dict[str, str]:
    """Decode one recording.

    Args:
        source: The recording, in any format that ffmpeg reads.
        destination: The wav to write; there is none afterwards if the recording is not usable.
        form: The format of the corpus.

    Returns:
        What is known of the track, by column of the table of tracks: always its status, which is
        `USED` or the reason why it is not.

    Raises:
        UserError: the wav cannot be written.
    """
    row: dict[str, str] = {}
    try:
        _decode(source, destination, form, row)
    except _NotUsableError as reason:
        destination.unlink(missing_ok=True)
        return row | {"status": str(reason)}
    return row | {"status": USED, "pcm_sha256": pcm.sha256(destination)}


def _decode(source: Path, destination: Path, form: Format, row: dict[str, str]) -> None:
    if source.stat().st_size == 0:
        raise _NotUsableError("empty")
    try:
        recording = ffmpeg.probe(source, form.ffmpeg)
        row |= _described(recording)
        ffmpeg.decode(source, destination, form.sample_rate, form.channels, form.ffmpeg)
    except ffmpeg.FfmpegError as error:
        if "No space left" in error.said:
            raise UserError(f"{destination.parent}: the disk is full; make room") from None
        no_audio = str(error).startswith("no audio")
        raise _NotUsableError(str(error) if no_audio else f"cannot be decoded: {error}") from None
    seconds = pcm.shape(destination).samples / form.sample_rate
    row["seconds"] = f"{seconds:.3f}"
    if seconds == 0:
        raise _NotUsableError("empty")
    declared = recording.seconds
    if declared is not None and seconds < declared - _MAY_BE_MISSING_SECONDS:
        raise _NotUsableError(f"truncated: decoded {seconds:.1f} s of {declared:.1f} s")
    loudest = max(levels.peak_dbfs(block) for block in pcm.blocks(destination))
    if loudest < NO_SOUND_BELOW_DBFS:
        raise _NotUsableError("no sound in it")


def _described(recording: ffmpeg.Recording) -> dict[str, str]:
    tags = recording.tags
    described = {key: _one_line(tags, key) for key in ("title", "artist", "album", "genre")}
    year = re.search(r"\d{4}", _one_line(tags, "date", "year", "tyer"))
    return described | {
        "year": year[0] if year else "",
        "licence": _one_line(tags, "license", "licence", "copyright"),
        "source_rate": str(recording.sample_rate),
        "source_channels": "" if recording.channels is None else str(recording.channels),
    }


def _one_line(tags: Mapping[str, str], *keys: str) -> str:
    for key in keys:
        if value := " ".join(tags.get(key, "").split()):
            return value
    return ""
