"""What clips sound like beside a corpus: each second as a point among those of the recordings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.pcm import Pcm
from rawtone.audio.quantizers import Quantizer
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation import sound
from rawtone.evaluation.bits import first_unheard
from rawtone.evaluation.sets import Reference, Sounds

Floats = NDArray[np.float64]
Points = NDArray[np.float32]

_MOST = 1000  # seconds of recordings: their own differences are known well enough by then
_SHARE_OF_GROUP = 0.1
_LEAST = 1e-8  # variance; less comes of rounding
_NOTHING = np.zeros((0, sound.DIMENSIONS))  # chunks may be too short for any
_SEED = 0


@dataclass(frozen=True)
class Features:
    """Turns seconds of sound into points, so that the corpus's own lie around the origin.

    Attributes:
        centre: float64 [dimensions], mean description of a second of the training recordings.
        spread: float64 [dimensions], by which what is left is divided.
        train: points of seconds of the training recordings, chunk by chunk.
        held_out: those of the validation and test recordings.
        tracks: how many recordings these are of, by `train` and `held_out`.
    """

    centre: Floats
    spread: Floats
    train: tuple[Points, ...]
    held_out: tuple[Points, ...]
    tracks: dict[str, int]

    @classmethod
    def of(cls, chunks: Chunks, quantizer: Quantizer) -> Self:
        """Get to know a corpus.

        Args:
            chunks: of the corpus.
            quantizer: of the experiment. Recordings are heard through it, so that its noise does
                not count as the network's.
        """
        heard = {
            name: dict(_heard(chunks, splits, quantizer))
            for name, splits in (("train", ("train",)), ("held_out", ("validation", "test")))
        }
        described = np.concatenate([_NOTHING, *heard["train"].values()])
        centre = described.mean(axis=0) if len(described) else np.zeros(sound.DIMENSIONS)
        spread = _spread(described) if len(described) else np.ones(sound.DIMENSIONS)
        points = {
            name: tuple(((each - centre) / spread).astype(np.float32) for each in rows.values())
            for name, rows in heard.items()
        }
        tracks = {name: len({chunks.tracks[row] for row in rows}) for name, rows in heard.items()}
        return cls(centre, spread, points["train"], points["held_out"], tracks)

    def hear(self, pcm: Pcm, sample_rate: int) -> Points:
        """Listen to a clip.

        Args:
            pcm: int16 [samples] or [samples, channels].
            sample_rate: samples a second.

        Returns:
            float32 [seconds, dimensions]; none of less than half a second.
        """
        described = sound.describe(_mixed(pcm / 32768), sample_rate)
        return ((described - self.centre) / self.spread).astype(np.float32)

    def compare(self, clips: Sequence[Points]) -> dict[str, Any]:
        """Compare a set of clips with the held-out recordings: JSON, see `Reference.compare`."""
        return self._reference.compare(clips)

    def null(self, windows: int) -> dict[str, Any]:
        """Compare sets of so many seconds from the training recordings with the held-out ones.

        Returns:
            JSON, see `Reference.null`, and what all rests on: seconds and recordings.
        """
        seconds = {"train": sum(map(len, self.train)), "held_out": sum(map(len, self.held_out))}
        return self._reference.null(windows) | {
            f"{name}_{what}": counts[name]
            for what, counts in (("windows", seconds), ("tracks", self.tracks))
            for name in counts
        }

    @cached_property
    def _reference(self) -> Reference:
        held_out, train = (Sounds.of([_NOTHING, *part]) for part in (self.held_out, self.train))
        return Reference(held_out, train)


def _spread(described: Floats) -> Floats:
    """Return the deviation of each figure, no less than about a third of what its group has.

    What never varies in the recordings counts then, but not endlessly. (A full whitening of so many
    dimensions fits the training recordings too well: held-out ones look strange beside them.)
    """
    variance = described.var(axis=0)
    usual = np.empty_like(variance)
    for group in sound.GROUPS:
        usual[group] = max(variance[group].mean(), _LEAST)
    spread: Floats = np.sqrt((1 - _SHARE_OF_GROUP) * variance + _SHARE_OF_GROUP * usual)
    return spread


def _heard(
    chunks: Chunks, splits: Sequence[str], quantizer: Quantizer
) -> Iterator[tuple[int, Floats]]:
    """Describe drawn chunks, each with its row; no second twice, and none without sound."""
    rows = np.concatenate([chunks.rows(split) for split in splits])
    tracks = [chunks.tracks[row] for row in rows]
    firsts = first_unheard(tracks, chunks.starts[rows], chunks.pcm.shape[1], chunks.overlap)
    random, seconds = np.random.Generator(np.random.Philox(key=_SEED)), 0
    for place in random.permutation(len(rows)):
        row = int(rows[place])
        audio = chunks.pcm[row, firsts[place] : chunks.lengths[row]]
        decoded = quantizer.decode(quantizer.encode(audio)).astype(np.float64)
        described = sound.describe(_mixed(decoded), chunks.sample_rate)
        if len(described):
            yield row, described
        seconds += len(described)
        if seconds >= _MOST:
            return


def _mixed(audio: NDArray[Any]) -> Floats:
    floats = audio.astype(np.float64)
    return floats.mean(axis=1) if floats.ndim == 2 else floats
