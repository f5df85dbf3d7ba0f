"""How loud the parts of a track are: measured where that was not done before."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rawtone.audio import levels, pcm
from rawtone.corpus.chunks import Excerpt
from rawtone.corpus.remembered import Remembered

_BLOCKS_AT_ONCE = 1 << 12


class Measured:
    """What is asked of one track's samples; its file is read only for what is not known yet.

    Args:
        path: The track's wav.
        sample_rate: Samples a second.
        silence_dbfs: What is silent in a chunk, see `levels.measure`.
        trim_dbfs: What is silent at the ends, see `levels.sounding`.
        remembered: What is known of the files of the corpus, by these three.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        silence_dbfs: float,
        trim_dbfs: float | None,
        remembered: Remembered,
    ) -> None:
        """Begin with what is known."""
        self.path = path
        self._sample_rate, self._silence, self._trim = sample_rate, silence_dbfs, trim_dbfs
        self._remembered = remembered
        self._known: dict[str, Any] = remembered.get(path) or {}
        self._asked: dict[str, Any] = {}

    @property
    def samples(self) -> int:
        """Samples of each channel."""
        if "samples" not in self._asked:
            self._asked["samples"] = self._known.get("samples") or pcm.shape(self.path).samples
        return int(self._asked["samples"])

    def sounding(self) -> Excerpt:
        """Return what is left when silence is taken from both ends; all where none is to be."""
        if self._trim is None:
            return Excerpt(0, self.samples)
        if "sounding" not in self._asked:
            self._asked["sounding"] = self._known.get("sounding") or self._find_sounding()
        first, stop = self._asked["sounding"]
        return Excerpt(first, stop - first)

    def _find_sounding(self) -> list[int]:
        assert self._trim is not None
        size = _BLOCKS_AT_ONCE * levels.silence_block(self._sample_rate)
        blocks = pcm.blocks(self.path, size)
        return list(levels.sounding(blocks, self._sample_rate, self._trim))

    def levels(self, excerpts: Sequence[Excerpt]) -> list[tuple[float, int]]:
        """Return of each excerpt its level in dBFS, and samples in its longest silence."""
        keys = [f"{excerpt.start}+{excerpt.length}" for excerpt in excerpts]
        known = {key: self._known[key] for key in keys if key in self._known}
        new = {k: e for k, e in zip(keys, excerpts, strict=True) if k not in known}
        if new:
            known |= zip(new, self._find_levels(new.values()), strict=True)
        self._asked |= known
        return [(float(self._asked[key][0]), int(self._asked[key][1])) for key in keys]

    def _find_levels(self, excerpts: Iterable[Excerpt]) -> Iterator[list[float]]:
        for audio in pcm.read_parts(self.path, ((e.start, e.length) for e in excerpts)):
            yield [*levels.measure(audio, self._sample_rate, self._silence)]

    def save(self) -> None:
        """Remember what was asked for, and nothing else."""
        if self._asked != self._known:
            self._remembered.note(self.path, self._asked)
