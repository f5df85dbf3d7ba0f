"""One file by HTTP: gone on with where it was cut off, tried again where that may help.

requests does redirects, proxies, certificates and timeouts; what it lacks, as pooch does, is to go
on with a file that came in part.
"""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from rawtone.errors import UserError

if TYPE_CHECKING:
    from requests import Response

_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
_BLOCK = 1 << 14  # what of the last read is lost when the connection breaks

_log = logging.getLogger("rawtone")


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes:
        attempts: Give up after so many in a row that brought nothing new.
        pause: Seconds to wait after the first of them; doubled after each further one.
        longest_pause: Seconds never to wait longer than, whatever the server asks for.
        timeout: Seconds without a byte after which an attempt has failed.
    """

    attempts: int = 5
    pause: float = 1.0
    longest_pause: float = 60.0
    timeout: float = 30.0

    def seconds(self, barren: int, asked: float = 0.0) -> float:
        """Return how long to wait after so many attempts in vain."""
        doubled = self.pause * 2.0 ** max(barren - 1, 0)
        return min(max(doubled, asked), self.longest_pause)


@dataclass(frozen=True)
class Received:
    """What a server said of a file: its type and date, and how much came before this transfer."""

    content_type: str
    last_modified: str
    resumed: bool


class _TryAgainError(Exception):
    """An attempt failed in a way that may pass."""

    def __init__(self, reason: str, asked: float = 0.0) -> None:
        super().__init__(reason)
        self.asked = asked  # seconds, by the server


def transfer(url: str, part: Path, patience: Patience) -> Received:
    """Bring a file whole, beginning with what is there of it.

    Args:
        url: Its address, http or https; redirects are followed.
        part: Where its bytes go; what is there already is taken for its beginning.
        patience: How long to try.

    Returns:
        What the server said. Nothing is said of whether the bytes are right.

    Raises:
        UserError: it cannot be had; `part` keeps what came.
    """
    most, barren, resumed = _size(part), 0, _size(part) > 0
    while True:
        try:
            content_type, last_modified = _attempt(url, part, patience.timeout)
            return Received(content_type, last_modified, resumed)
        except _TryAgainError as error:
            barren = 1 if _size(part) > most else barren + 1
            most, resumed = max(most, _size(part)), True
            if barren >= patience.attempts:
                raise UserError(
                    f"{url}: {error}, {barren} times; run again later, what came is kept"
                ) from None
            pause = patience.seconds(barren, error.asked)
            _log.info("%s: %s; trying again in %.0f s", url, error, pause)
            time.sleep(pause)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _attempt(url: str, part: Path, timeout: float) -> tuple[str, str]:
    import requests

    start = _size(part)
    # `identity`: the checksum is of the file, not of how it travelled.
    headers = {"Accept-Encoding": "identity", "User-Agent": "rawtone"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with (
        _explained(url),
        requests.get(url, headers=headers, stream=True, timeout=timeout) as answer,
    ):
        if not _is_whole(answer, start):
            _check(url, answer, part, start)
            _write(answer, part, start if answer.status_code == 206 else 0)
        return answer.headers.get("Content-Type", ""), answer.headers.get("Last-Modified", "")


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what requests and urllib3 raise into an error of the user's, or one that may pass."""
    import requests
    import urllib3

    try:
        yield
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
        raise UserError(f"{url}: its certificate is not to be trusted ({_reason(error)})") from None
    except requests.exceptions.TooManyRedirects:
        raise UserError(f"{url}: is redirected in circles; expected the file itself") from None
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise _TryAgainError("no byte came for too long") from None
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        raise _TryAgainError(f"no connection ({_reason(error)})") from None
    except urllib3.exceptions.HTTPError:
        raise _TryAgainError("the connection broke off") from None
    except requests.RequestException as error:  # such as a redirect to ftp:
        raise UserError(f"{url}: cannot be fetched ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    said = re.sub(r".*?(\[Errno -?\d+\]|>: )", "", str(error)).strip(" ()'\"") or str(error)
    return " ".join(said.split())


def _is_whole(answer: "Response", start: int) -> bool:
    """Tell whether the server says that nothing comes after what is there."""
    said = answer.headers.get("Content-Range", "")
    return answer.status_code == 416 and start > 0 and said == f"bytes */{start}"


def _check(url: str, answer: "Response", part: Path, start: int) -> None:
    status = answer.status_code
    if status in _AGAIN:
        asked = answer.headers.get("Retry-After", "")
        seconds = float(asked) if asked.isascii() and asked.isdigit() else 0.0
        raise _TryAgainError(f"answered {status} {answer.reason}", seconds)
    if start and (status == 416 or (status == 206 and _begins(answer) != start)):
        part.unlink()  # more than the file has, or another place of it: begin anew
        raise _TryAgainError("does not go on where it was cut off")
    if status not in (200, 206) or (status == 206 and not start):
        raise UserError(
            f"{url}: expected a file, but the server answered {status} {answer.reason}; "
            "check the address"
        )


def _begins(answer: "Response") -> int | None:
    said = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(said[1]) if said else None


def _write(answer: "Response", part: Path, start: int) -> None:
    length = answer.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() else None
    with (
        part.open("ab" if start else "wb") as file,
        tqdm(
            desc="fetch", total=total, initial=start, unit="B", unit_scale=True, disable=None
        ) as bar,
    ):
        for block in answer.raw.stream(_BLOCK, decode_content=False):
            file.write(block)
            bar.update(len(block))
