"""What is known of tracks, kept in shards: one file for all tracks whose ids begin alike.

A track's shard depends on its id alone, so a track that comes or goes rewrites one file, and ten
thousand tracks need 256 of them.
"""

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from rawtone import files

SAVE_EVERY = 30.0  # seconds of work that a kill may cost
_DIGITS = 2
_WRITERS = 8  # each waits for the disk; together they wait little longer than one

Shard = dict[str, Any]


class Shards:
    """Values by track id (or by a name that begins with it); may be used from several threads.

    Args:
        folder: Where the shards lie; it need not be there.
        clock: Seconds that pass.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with what is in the folder."""
        self._folder, self._clock = folder, clock
        self._shards: dict[str, Shard] = {}
        self._unsaved: set[str] = set()
        self._saved = clock()
        self._lock = Lock()

    def get(self, key: str) -> Any:
        """Return what is known of a track, or None."""
        with self._lock:
            return self._shard(key[:_DIGITS]).get(key)

    def put(self, key: str, value: Any) -> None:
        """Note what is known of a track, and save now and then.

        Args:
            key: Its id.
            value: What JSON can hold.
        """
        with self._lock:
            self._shard(key[:_DIGITS])[key] = value
            self._unsaved.add(key[:_DIGITS])
            if self._clock() - self._saved > SAVE_EVERY:
                self._save()

    def save(self) -> None:
        """Write what was noted."""
        with self._lock:
            self._save()

    def keep(self, wanted: Iterable[str]) -> None:
        """Forget all tracks but these, and write what changed."""
        wanted = set(wanted)
        with self._lock:
            for path in self._folder.glob("*.json"):
                self._shard(path.stem)
            for name, shard in self._shards.items():
                if unwanted := shard.keys() - wanted:
                    self._shards[name] = {key: shard[key] for key in shard.keys() - unwanted}
                    self._unsaved.add(name)
            self._save()

    def _shard(self, name: str) -> Shard:
        if name not in self._shards:
            self._shards[name] = _read(self._folder / f"{name}.json")
        return self._shards[name]

    def _save(self) -> None:
        unsaved = sorted(self._unsaved)
        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(self._write, unsaved))
        self._unsaved.clear()
        self._saved = self._clock()

    def _write(self, name: str) -> None:
        path = self._folder / f"{name}.json"
        if self._shards[name]:
            files.write_if_changed(path, files.canonical_json(self._shards[name]))
        else:
            path.unlink(missing_ok=True)


def _read(path: Path) -> Shard:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):  # what is not known is found out again
        return {}
    return known if isinstance(known, dict) else {}
