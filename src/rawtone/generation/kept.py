"""Clips that are made, and those that were begun, kept for the next time that they are asked for.

Each is named by all that decides it, so what is found is never of another checkpoint, setting,
engine or code.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rawtone.audio import encoding, pcm
from rawtone.audio.fingerprint import fingerprint_of
from rawtone.files import atomic, sha256, write_json
from rawtone.generation.engine import generate
from rawtone.generation.keeping import Partial
from rawtone.generation.maker import Maker, Primed
from rawtone.generation.progress import Progress
from rawtone.generation.streams import Stream

KINDS = ("wav", "mp3")


class Kept:
    """A folder of clips by key.

    Args:
        folder: of nothing else; declared to no workflow tool.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, key: str, kind: str) -> Path:
        """Return where a clip's file lies, a `wav` or `mp3`."""
        return self.folder / f"{key}.{kind}"

    def facts(self, key: str) -> dict[str, Any] | None:
        """Return what is known of a clip, if it is here and whole."""
        try:
            facts: dict[str, Any] = json.loads(self.file(key, "json").read_text())
            whole = all(sha256(self.file(key, kind)) == facts[kind] for kind in KINDS)
        except (OSError, ValueError, KeyError):
            return None
        return facts if whole else None

    def make(
        self,
        wanted: Mapping[str, Stream],
        samples: int,
        maker: Maker,
        prime: Primed | None,
        progress: Progress,
    ) -> None:
        """Make clips of a checkpoint that are not here yet.

        Args:
            wanted: streams by key.
            samples: of each.
            maker: with the checkpoint loaded.
            prime: that all of them hear before.
            progress: to be told.
        """
        missing = [key for key in wanted if self.facts(key) is None]
        progress.skip((len(wanted) - len(missing)) * samples)
        for batch in self._plan(missing, list(wanted), maker.engine.lanes):
            folder = self._place(batch)
            streams = [wanted[key] for key in batch]
            files = make_streams(folder, batch, streams, samples, maker, prime, progress)
            for key, raw in zip(batch, files, strict=True):
                self._finish(key, raw, maker, prime)
            shutil.rmtree(folder)

    def _place(self, batch: Sequence[str]) -> Path:
        return self.folder / hashlib.sha256(" ".join(batch).encode()).hexdigest()[:24]

    def _plan(self, missing: Sequence[str], wanted: Sequence[str], lanes: int) -> list[list[str]]:
        """Put streams together: first as they were begun, then as many as there are lanes."""
        batches: list[list[str]] = []
        left = list(missing)
        for begun in self._begun():
            if set(begun) <= set(wanted) and set(begun) & set(left):
                batches.append(begun)
                left = [key for key in left if key not in begun]
        return [*batches, *[left[at : at + lanes] for at in range(0, len(left), lanes)]]

    def _begun(self) -> list[list[str]]:
        found = []
        for path in sorted(self.folder.glob("*/batch.json")):
            try:
                found.append([str(key) for key in json.loads(path.read_text())])
            except (OSError, ValueError):
                continue  # swept away in the end
        return found

    def _finish(self, key: str, raw: Path, maker: Maker, prime: Primed | None) -> None:
        wav, mp3 = (self.file(key, kind) for kind in KINDS)
        with atomic(wav) as temporary:
            before = prime.kept if prime else None
            pcm.write_raw(temporary, raw, maker.channels, maker.sample_rate, before)
        with atomic(mp3) as temporary:
            encoding.encode(wav, temporary)
        sums = {kind: sha256(self.file(key, kind)) for kind in KINDS}
        write_json(self.file(key, "json"), sums | {"fingerprint": fingerprint_of(wav)})

    def sweep(self, keys: Sequence[str]) -> None:
        """Remove all but the clips of some keys, and what was begun of others."""
        known = {f"{key}.{kind}" for key in keys for kind in (*KINDS, "json")}
        for path in sorted(self.folder.iterdir()):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in known | {"lock"}:
                path.unlink()


def make_streams(
    folder: Path,
    names: Sequence[str],
    streams: Sequence[Stream],
    samples: int,
    maker: Maker,
    prime: Primed | None,
    progress: Progress,
) -> list[Path]:
    """Make streams side by side, from where they were left in a folder.

    Args:
        folder: of these streams alone.
        names: that stand for all that decides them.
        streams: at most as many as the engine has lanes.
        samples: of each.
        maker: with the checkpoint loaded.
        prime: that all of them hear before.
        progress: to be told.

    Returns:
        A file for each, 16-bit PCM without a header; of stereo, samples of both channels in turns.
    """
    partial = Partial(folder, len(streams), maker.codec, maker.channels)
    saved = partial.found()
    resumed = (saved.state, saved.end) if saved else None
    progress.skip(saved.end * len(streams) if saved else 0)
    codes = prime.codes if prime else None
    with partial.writing(saved) as writer:
        write_json(folder / "batch.json", list(names))
        for part in generate(maker.engine, streams, samples, codes, resumed):
            writer.write(part)
            progress.made(part.codes.shape[0] * part.codes.shape[1])
    return partial.files
