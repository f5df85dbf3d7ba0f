"""Clips that are made, and those that were begun, kept for the next time that they are asked for.

Each is named by all that decides its samples, so what is found is never of another checkpoint,
setting, engine or code. Formats and tags are no part of that: from the samples others are written.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rawtone.audio import encoding, pcm, tagging
from rawtone.audio.fingerprint import fingerprint_of
from rawtone.files import atomic, sha256, write_json

Tags = Mapping[str, str]
TIMES = "times.csv"  # how long each clip took, on this machine


class Kept:
    """A folder of clips by key.

    Args:
        folder: of nothing else; declared to no workflow tool.
        formats: that clips are written in, beside wav.
    """

    def __init__(self, folder: Path, formats: Sequence[str]) -> None:
        self.folder = folder
        self.kinds = ("wav", *formats)

    def file(self, key: str, kind: str) -> Path:
        """Return where a clip's file lies, of a format, or `json` for what is known of it."""
        return self.folder / f"{key}.{kind}"

    def facts(self, key: str) -> dict[str, Any] | None:
        """Return what is known of a clip, if its samples are here and whole."""
        try:
            facts: dict[str, Any] = json.loads(self.file(key, "json").read_text())
            whole = self._is_whole(key, "wav", facts)
        except (OSError, ValueError, KeyError):
            return None
        return facts if whole else None

    def _is_whole(self, key: str, kind: str, facts: dict[str, Any]) -> bool:
        file = self.file(key, kind)
        return file.is_file() and sha256(file) == facts["files"].get(kind)

    def add(
        self,
        key: str,
        blocks: Iterable[pcm.Pcm],
        sample_rate: int,
        tags: Tags,
        took: float | None = None,
    ) -> None:
        """Write a clip in all formats.

        Args:
            key: of the clip.
            blocks: its samples, int16 [n, channels] each.
            sample_rate: samples a second.
            tags: of its files.
            took: seconds of a thread that it took to make, where that is known.
        """
        wav = self.file(key, "wav")
        with atomic(wav) as temporary:
            pcm.write_blocks(temporary, blocks, sample_rate)
            tagging.write(temporary, tags)
        for kind in self.kinds[1:]:
            with atomic(self.file(key, kind)) as temporary:
                encoding.encode(wav, temporary)
                tagging.write(temporary, tags)
        facts = {
            "files": {kind: sha256(self.file(key, kind)) for kind in self.kinds},
            "fingerprint": fingerprint_of(wav),
            "sha256": pcm.sha256(wav),
            "tags": dict(tags),
            "took": took,
        }
        write_json(self.file(key, "json"), facts)

    def bring_up_to_date(self, key: str, tags: Tags) -> None:
        """Write a clip that is here anew if a format is missing, or its tags are others."""
        facts = self.facts(key)
        if facts is None:
            raise ValueError(f"Expected a clip that is kept. Received: {key}")
        as_asked = facts["tags"] == dict(tags)
        if not as_asked or not all(self._is_whole(key, kind, facts) for kind in self.kinds):
            wav = self.file(key, "wav")
            rate, took = pcm.shape(wav).sample_rate, facts.get("took")
            self.add(key, pcm.blocks(wav), rate, tags, took)

    def place(self, batch: Sequence[str]) -> Path:
        """Return the folder in which clips are made side by side."""
        return self.folder / hashlib.sha256(" ".join(batch).encode()).hexdigest()[:24]

    def begun(self) -> Iterator[list[str]]:
        """Find the keys of clips that were begun side by side."""
        for path in sorted(self.folder.glob("*/batch.json")):
            try:
                yield [str(key) for key in json.loads(path.read_text())]
            except (OSError, ValueError):
                continue  # swept away in the end

    def sweep(self, keys: Iterable[str]) -> None:
        """Remove all but the clips of some keys, and what was begun of others."""
        known = {f"{key}.{kind}" for key in keys for kind in (*self.kinds, "json")}
        for path in sorted(self.folder.iterdir()):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in known | {"lock", TIMES}:
                path.unlink()
