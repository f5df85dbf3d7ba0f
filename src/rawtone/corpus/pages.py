"""Recordings of pages and playlists, through yt-dlp: audio only, none twice.

What is on a page changes, and sites give the same recording in other bytes on another day. So it is
looked at once, and what was found stays (rawtone.corpus.findings). What has come of it is kept
recording by recording, so that a look that was cut off goes on.
"""

import hashlib
import importlib
import logging
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from rawtone.audio import ffmpeg
from rawtone.corpus import entries
from rawtone.corpus.downloads import Downloads
from rawtone.corpus.entries import Entry
from rawtone.corpus.sources import shown
from rawtone.corpus.transfer import Patience
from rawtone.errors import UserError

Info = dict[str, Any]
_Answer = TypeVar("_Answer")

_FAILURES_IN_A_ROW = 3  # after which the network is gone, and not a recording
_PASSING = frozenset((408, 425, 429))
# Of these what the site says changes from visit to visit; the file's own address does not.
_NO_SITE = ("Generic", "HTML5MediaEmbed")

_log = logging.getLogger("rawtone")


class _TryAgainError(Exception):
    """A page or recording could not be had now; later it may be."""


class _NeverError(Exception):
    """A page or recording cannot be had, for the reason in the message."""


class _SeveralError(Exception):
    """What was taken for a recording is a list of some."""

    def __init__(self, infos: list[Info]) -> None:
        super().__init__(f"expected one recording there, found {len(infos)}")
        self.infos = infos


def look(
    page: str, downloads: Downloads, known: Mapping[str, Entry], is_here: Callable[[Entry], bool]
) -> list[Entry]:
    """Find all recordings of a page, and bring those that are not here.

    Args:
        page: Its address.
        downloads: Where recordings go.
        known: What was found before on this page, by the recordings' addresses.
        is_here: Tells whether the bytes of an entry are on this machine.

    Returns:
        An entry for each; one that cannot be had has a status that says why. What was there
        before, and no longer is, comes last.

    Raises:
        UserError: the page cannot be read, none of its recordings can be had, or one of them
            could not be had now, but later may be.
    """
    try:
        infos = _listed({"_type": "url", "url": page}, page, downloads)
    except _NeverError as reason:
        raise UserError(f"{page}: {reason}; check the address") from None
    except _TryAgainError as reason:
        raise UserError(f"{page}: {reason}; run again later") from None
    found, later = _bring_all(infos, downloads, known, is_here)
    if later:
        raise UserError(f"{page}: {later[0]}; run again later, what came is kept")
    if not any(entry.sha256 for entry in found.values()):
        first = next((f"; the first: {entry.status}" for entry in found.values()), "")
        raise UserError(f"{page}: none of its {len(found)} recordings can be had{first}")
    gone = [entry for address, entry in known.items() if address not in found and entry.sha256]
    lost = [Entry(e.path, url=e.url, status="no longer on the page") for e in gone]
    return [*entries.in_order(list(found.values())), *entries.in_order(lost)]


def _bring_all(
    infos: Sequence[Info],
    downloads: Downloads,
    known: Mapping[str, Entry],
    is_here: Callable[[Entry], bool],
) -> tuple[dict[str, Entry], list[str]]:
    """Bring all that can be had; return it, and what failed in a way that may pass."""
    found: dict[str, Entry] = {}
    later: list[str] = []
    todo, seen, in_a_row = deque(infos), set[str](), 0
    with tqdm(desc="fetch", total=len(infos), disable=None) as bar:
        while todo and in_a_row < _FAILURES_IN_A_ROW:
            info = todo.popleft()
            address = _address(info)
            bar.update()
            if address in seen:
                continue
            seen.add(address)
            try:
                with downloads.locked(f"page-{key(address)}"):  # it may be on other pages, too
                    found[address] = _entry(info, address, downloads, known, is_here)
                in_a_row = 0
            except _SeveralError as several:
                todo.extendleft(reversed(several.infos))
                bar.total = len(seen) + len(todo)
            except _TryAgainError as reason:
                later.append(f"{address}: {reason}")
                in_a_row += 1
    return found, later


def bring(entry: Entry, downloads: Downloads) -> Path:
    """Bring a recording again of which only the entry is here.

    Raises:
        UserError: it cannot be had, or has other bytes by now.
    """
    try:
        again = _download({"_type": "url", "url": entry.url}, entry.url, downloads)
    except (_TryAgainError, _NeverError, _SeveralError) as reason:
        raise UserError(f"{entry.url}: {reason}; run again later") from None
    if again.sha256 != entry.sha256:
        raise UserError(
            f"{entry.url}: comes in other bytes than when it was found; dvc pull brings the old "
            "ones, and a higher 'look' of the page takes the new ones"
        )
    return downloads.place(entry.sha256)


def _entry(
    info: Info,
    address: str,
    downloads: Downloads,
    known: Mapping[str, Entry],
    is_here: Callable[[Entry], bool],
) -> Entry:
    note = downloads.folder / "pages" / f"{key(address)}.json"
    noted = entries.read(note).get(address, [])
    for before in (*noted, *filter(None, [known.get(address)])):
        if before.sha256 and is_here(before):
            return before
    try:
        entry = _download(info, address, downloads)
    except _NeverError as reason:
        title = str(info.get("title") or "")
        _log.warning("%s: cannot be had: %s", address, reason)
        name = shown(title or address).replace("/", "_")
        return Entry(name, url=address, title=title, status=f"cannot be had: {reason}")
    entries.write(note, {address: [entry]})
    return entry


def key(address: str) -> str:
    """Return a name for the disk that stands for an address."""
    return hashlib.sha256(address.encode()).hexdigest()[:16]


def _address(info: Info) -> str:
    """Return what tells a recording from all others, and finds it again."""
    of_file = info.get("url")
    if info.get("_type", "video") != "video" or info.get("extractor_key") in _NO_SITE:
        return str(of_file or info.get("webpage_url"))
    return str(info.get("webpage_url") or of_file)


def _listed(info: Info, address: str, downloads: Downloads) -> list[Info]:
    """Follow an address to a recording, or to a list of some that are not yet followed."""
    if info.get("_type", "video") not in ("url", "url_transparent"):
        return [info]

    def ask() -> list[Info]:
        with _yt_dlp(downloads) as tool, _explained():
            return list(_parts(tool.process_ie_result(deepcopy(info), download=False)))

    return _patiently(address, ask, downloads.patience)


def _patiently(address: str, ask: Callable[[], _Answer], patience: Patience) -> _Answer:
    for attempt in range(1, patience.attempts):
        try:
            return ask()
        except _TryAgainError as error:
            pause = patience.seconds(attempt)
            _log.info("%s: %s; trying again in %.0f s", address, error, pause)
            time.sleep(pause)
    return ask()


def _parts(info: Info | None) -> Iterator[Info]:
    if info is None or "entries" not in info:
        yield from filter(None, [info])
        return
    for part in info["entries"]:
        yield from _parts(part)


def _download(info: Info, address: str, downloads: Downloads) -> Entry:
    listed = _listed(info, address, downloads)
    if len(listed) != 1 or listed[0].get("_type", "video") != "video":
        raise _SeveralError(listed)
    if listed[0].get("live_status") in ("is_live", "is_upcoming"):
        raise _NeverError("it is still being recorded")
    # A folder of its own, always the same: what came in part is gone on with.
    folder = downloads.folder / "pages" / key(address)
    folder.mkdir(parents=True, exist_ok=True)

    def ask() -> Info:
        with _yt_dlp(downloads, folder) as tool, _explained():
            done: Info = tool.process_ie_result(deepcopy(listed[0]), download=True)
            return done

    facts = _patiently(address, ask, downloads.patience)
    files = facts.get("requested_downloads") or []
    if len(files) != 1:
        raise _NeverError(f"expected one file of it, found {len(files)}")
    recording = _without_pictures(Path(files[0]["filepath"]), facts)
    size = recording.stat().st_size
    sha256 = downloads.add(recording, {"url": address})
    shutil.rmtree(folder)
    return _described(facts, address, recording.suffix, size, sha256)


def _without_pictures(file: Path, info: Info) -> Path:
    """Copy the audio out of a video, where a page has nothing else; it is not encoded again."""
    if info.get("vcodec") == "none":
        return file
    audio = file.with_suffix(".mka")
    wanted = ["-map", "0:a:0", "-c", "copy", "-y", f"file:{audio}"]
    try:
        ffmpeg.run(["-protocol_whitelist", "file,pipe", "-i", f"file:{file}", *wanted])
    except ffmpeg.FfmpegError:
        audio.unlink(missing_ok=True)
        return file  # `convert` says what is wrong with it
    return audio


def _described(info: Info, address: str, ending: str, size: int, sha256: str) -> Entry:
    title, identity = str(info.get("title") or ""), str(info.get("id") or "")
    if info.get("extractor_key") == "HTML5MediaEmbed":  # which counts them, from 1 at every look
        identity = PurePosixPath(unquote(urlsplit(address).path)).stem
    day = str(info.get("upload_date") or "")
    return Entry(
        path=shown(f"{title} [{identity}]{ending}").replace("/", "_"),
        size=size,
        sha256=sha256,
        url=address,
        title=title,
        uploader=str(info.get("uploader") or info.get("channel") or info.get("artist") or ""),
        licence=str(info.get("license") or ""),
        published=f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else "",
        fetched=time.strftime("%Y-%m-%d", time.gmtime()),
    )


class _Silent:
    """What yt-dlp says; errors come as exceptions, too."""

    def debug(self, message: str) -> None:
        _log.debug("%s", message)

    info = warning = error = debug


def _yt_dlp(downloads: Downloads, folder: Path | None = None) -> Any:
    try:
        tool = importlib.import_module("yt_dlp")
    except ModuleNotFoundError:
        raise UserError(
            "sources.page: needs the package yt-dlp, which is not installed; install it with: "
            "pip install 'rawtone[pages]'"
        ) from None
    options = {
        "logger": _Silent(),
        "noprogress": True,
        "format": "bestaudio/best",
        "extract_flat": "in_playlist",
        "paths": {"home": str(folder or downloads.folder)},
        "outtmpl": {"default": "recording.%(ext)s"},
        "cachedir": False,
        "updatetime": False,
        "fixup": "never",
        "skip_unavailable_fragments": False,  # a gap is worse than no recording
        "socket_timeout": downloads.patience.timeout,
        "retries": 0,  # that is done here, and goes on with what came
        "fragment_retries": downloads.patience.attempts - 1,
        "ffmpeg_location": ffmpeg.executable(),
    }
    return tool.YoutubeDL(options)


@contextmanager
def _explained() -> Iterator[None]:
    """Sort yt-dlp's errors into those that pass and those that stay."""
    errors = importlib.import_module("yt_dlp.utils")
    try:
        yield
    except errors.YoutubeDLError as error:
        raise (_TryAgainError if _may_pass(error) else _NeverError)(_reason(error)) from None


def _reason(error: BaseException) -> str:
    said = str(error).removeprefix("ERROR: ").partition(" (caused by")[0]
    return " ".join(said.partition("; please report this issue")[0].split()).rstrip(".")


def _may_pass(error: BaseException) -> bool:
    network = importlib.import_module("yt_dlp.networking.exceptions")
    chain = list(_chain(error))
    for one in chain:
        if isinstance(one, network.HTTPError):
            return one.status in _PASSING or one.status >= 500
        if isinstance(one, network.CertificateVerifyError):
            return False
        if isinstance(one, (network.TransportError, OSError)):
            return True
    return len(chain) == 1  # a download that gave up names no cause


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error of yt-dlp's and those that it says it comes from."""
    while error is not None:
        yield error
        inner = (getattr(error, "exc_info", None) or (None, None))[1] or getattr(
            error, "cause", None
        )
        error = inner if inner is not error else None
