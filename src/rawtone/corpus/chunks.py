"""The corpus as an array on disk: how tracks are cut into chunks, and how the chunks are read."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.pcm import Pcm
from rawtone.corpus import table
from rawtone.errors import UserError

COLUMNS = (
    "track",
    "start",
    "length",
    "level_dbfs",
    "silent_fraction",
    "label",
    "split",
    "row",
    "status",
)
KEPT, SILENT = "kept", "silent"
# What is left out before it is looked at for silence.
TRIMMED, BEYOND, GAP = "trimmed end", "beyond each_seconds", "gap between splits"
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, order=True)
class Excerpt:
    """A stretch of a track, in samples."""

    start: int
    length: int

    @property
    def stop(self) -> int:
        """The sample after the last."""
        return self.start + self.length


def grid(stretch: Excerpt, size: int, overlap: int) -> list[Excerpt]:
    """Cut a stretch of a track into chunks that together cover every sample of it.

    Chunk k starts `k * (size - overlap)` after the start of the stretch. The last one is shorter
    where the stretch does not end with a whole chunk; a shorter one that would lie wholly inside
    the chunk before it is not made.

    Args:
        stretch: What to cut.
        size: Samples in a whole chunk.
        overlap: Samples that a chunk shares with the one before it; less than `size`.

    Returns:
        The chunks in order; none if the stretch is empty.
    """
    hop = size - overlap
    beyond_the_first = max(0, stretch.length - size)
    count = 1 + -(-beyond_the_first // hop) if stretch.length else 0
    starts = (stretch.start + k * hop for k in range(count))
    return [Excerpt(start, min(size, stretch.stop - start)) for start in starts]


def spread(count: int, wanted: int) -> set[int]:
    """Pick some of a row of chunks, evenly from the first to the last.

    Args:
        count: Chunks in the row.
        wanted: How many to pick, at least one; all if there are no more.

    Returns:
        Their places in the row.
    """
    if wanted >= count:
        return set(range(count))
    if wanted == 1:
        return {(count - 1) // 2}
    return {k * (count - 1) // (wanted - 1) for k in range(wanted)}


@dataclass(frozen=True)
class Chunks:
    """The kept chunks of a corpus; row i of everything here is chunk i of `pcm`.

    Attributes:
        pcm: int16 [chunks, samples] or [chunks, samples, channels], mapped from the file; a chunk
            shorter than the others is filled up with zeros.
        lengths: int64 [chunks], samples of each that are audio.
        starts: int64 [chunks], first sample of each within its track.
        tracks: The track of each.
        labels: The label of each (the genre), empty where not known.
        splits: The split of each.
        sample_rate: Samples a second.
        overlap: Samples that a chunk shares with the one before it.
    """

    pcm: Pcm
    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]
    tracks: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    sample_rate: int
    overlap: int

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what the stage `chunk` wrote.

        Args:
            folder: Where chunks.npy, chunks.csv and corpus.json lie.

        Raises:
            UserError: they are not there.
        """
        for name in ("corpus.json", "chunks.csv", "chunks.npy"):
            if not (folder / name).exists():
                raise UserError(f"{folder / name}: no such file; run: rawtone chunk {folder.name}")
        corpus = json.loads((folder / "corpus.json").read_text())
        kept = [row for row in table.read(folder / "chunks.csv") if row["status"] == KEPT]
        kept.sort(key=lambda row: int(row["row"]))
        return cls(
            pcm=np.load(folder / "chunks.npy", mmap_mode="r"),
            lengths=np.array([int(row["length"]) for row in kept], np.int64),
            starts=np.array([int(row["start"]) for row in kept], np.int64),
            tracks=tuple(row["track"] for row in kept),
            labels=tuple(row["label"] for row in kept),
            splits=tuple(row["split"] for row in kept),
            sample_rate=int(corpus["sample_rate"]),
            overlap=int(corpus["overlap_samples"]),
        )

    def rows(self, split: str) -> NDArray[np.int64]:
        """Return the ascending rows of a split: "train", "validation" or "test"."""
        return np.flatnonzero(np.array(self.splits) == split).astype(np.int64)
