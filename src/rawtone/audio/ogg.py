"""Whether an Ogg file is whole: ffmpeg takes what there is of one that was cut short."""

import io
from pathlib import Path

_MARK = b"OggS"  # of a page (RFC 3533, section 6)
_LONGEST_PAGE = 65307  # bytes


def lacks_end(path: Path) -> bool:
    """Tell whether an Ogg file breaks off: its last page is cut, or not marked as the last.

    Args:
        path: Any file; one that is not Ogg lacks nothing.
    """
    with path.open("rb") as file:
        if file.read(len(_MARK)) != _MARK:
            return False
        file.seek(max(0, path.stat().st_size - _LONGEST_PAGE))
        tail = file.read()
    return not _ends(tail[max(0, tail.rfind(_MARK)) :])


def _ends(page: bytes) -> bool:
    from mutagen import MutagenError
    from mutagen.ogg import OggPage

    try:
        return bool(OggPage(io.BytesIO(page)).last)  # type: ignore[no-untyped-call]
    except (MutagenError, EOFError):
        return False
