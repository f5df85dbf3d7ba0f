"""What a recording says of itself in its tags, whatever its format calls them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mutagen
from mutagen.easymp4 import EasyMP4
from mutagen.flac import FLAC
from mutagen.mp3 import EasyMP3
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

KEYS = ("title", "artist", "album", "genre")

# The names of ID3, which WAV and AIFF files carry too; mutagen has easy names for the rest.
_ID3 = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "genre": "TCON",
    "date": "TDRC",
    "copyright": "TCOP",
}
# To try all kinds takes longer than to read one.
_LIKELY: dict[str, Sequence[Any]] = {
    ".flac": (FLAC,),
    ".m4a": (EasyMP4,),
    ".mp3": (EasyMP3,),
    ".ogg": (OggVorbis, OggOpus, OggFLAC, OggSpeex),
    ".wav": (WAVE,),
}
_FOUR_DIGITS = re.compile(r"(?<!\d)([12]\d{3})(?!\d)")
_EIGHT_DIGITS = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_YEARS = range(1000, 3000)


def described(path: Path, by_ffmpeg: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a recording by column of the table of tracks.

    Args:
        path: The recording.
        by_ffmpeg: The tags that ffmpeg found, by lower-case key; they fill in what mutagen, which
            does not know all formats, leaves open.

    Returns:
        title, artist, album, genre, year and licence, each on one line, empty where not known.
    """
    tags = dict(by_ffmpeg) | _by_mutagen(path)
    found = {key: _one_line(tags, key) for key in KEYS}
    return found | {
        "year": year(_one_line(tags, "date", "year", "tyer", "originaldate")),
        "licence": _one_line(tags, "license", "licence", "copyright"),
    }


def year(date: str) -> str:
    """Find the year in a date as people write it: 1999, 1999-05-01, 1.5.1999, 19990501, c. 1967.

    Args:
        date: What a tag says.

    Returns:
        Four digits, or nothing where there is no year, or one of two digits that could be any.
    """
    if found := _FOUR_DIGITS.search(date):
        return found[1]
    if eight := _EIGHT_DIGITS.search(date):
        first, last = eight[1][:4], eight[1][4:]
        return next((part for part in (first, last) if int(part) in _YEARS), "")
    return ""


def _by_mutagen(path: Path) -> dict[str, str]:
    for kinds in (_LIKELY.get(path.suffix, ()), None):
        try:
            file: Any = mutagen.File(path, options=kinds, easy=True)
            if file is not None:
                return _first_values(file.tags) if file.tags else {}
        except Exception:  # a damaged file makes its parsers fail in any way
            continue
    return {}  # ffmpeg has its say yet


def _first_values(tags: Any) -> dict[str, str]:
    if hasattr(tags, "getall"):  # ID3 without easy names
        frames = {key: tags.getall(frame) for key, frame in _ID3.items()}
        texts = {key: _texts(found[0]) for key, found in frames.items() if found}
    else:
        texts = {str(key).lower(): [str(text) for text in value] for key, value in tags.items()}
    return {key: values[0] for key, values in texts.items() if values and values[0].strip()}


def _texts(frame: Any) -> list[str]:
    # `genres` has names for the numbers of ID3v1: "(17)" is Rock.
    return [str(text) for text in getattr(frame, "genres", None) or frame.text]


def _one_line(tags: Mapping[str, str], *keys: str) -> str:
    for key in keys:
        if value := " ".join(tags.get(key, "").split()):
            return value
    return ""
