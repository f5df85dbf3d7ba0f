"""Tags in audio files: nothing but what is given, so that the same tags are the same bytes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mutagen.flac import FLAC
from mutagen.id3 import ID3, TIT2, TSSE, TXXX
from mutagen.mp3 import MP3
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

_KINDS: dict[str, Any] = {".wav": WAVE, ".mp3": MP3, ".flac": FLAC, ".ogg": OggVorbis}
_OWN_FRAMES = {"title": TIT2, "encoder": TSSE}
_UTF8 = 3


def write(path: Path, tags: Mapping[str, str]) -> None:
    """Write tags: Vorbis comments to flac and ogg, ID3 to mp3 and, behind the samples, to wav.

    Args:
        path: a file that has just been encoded; its ending names the format.
        tags: by lower-case name. `title` and `encoder` go where every program looks for them.
    """
    file = _KINDS[path.suffix.lower()](path)
    if file.tags is None:
        file.add_tags()
    known: Any = file.tags
    known.clear()
    for name, value in tags.items():
        if isinstance(known, ID3):
            known.add(_frame(name, value))  # type: ignore[no-untyped-call]
        else:
            known[name] = value
    file.save(padding=lambda _: 0)


def _frame(name: str, value: str) -> Any:
    kind: Any = _OWN_FRAMES.get(name)
    if kind is not None:
        return kind(encoding=_UTF8, text=value)
    return TXXX(encoding=_UTF8, desc=name, text=value)  # type: ignore[no-untyped-call]
