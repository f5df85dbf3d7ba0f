"""How far a set of clips is from recordings, as sets of sounds: near, varied, and of all kinds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rawtone.evaluation.covariance import Normal, frechet_distance
from rawtone.evaluation.neighbours import NEAREST, distances, overlap, radii

Floats = NDArray[np.float64]

FIGURES = (
    "kernel_distance",
    "frechet_distance",
    "precision",
    "recall",
    "density",
    "coverage",
    "diversity",
    "variety",
)
_MOST = 2000  # sounds of a set that are compared: more would tell no more, and take much memory
_DRAWS = 100
_SEED = 0
_QUANTILES = (0.05, 0.95)


@dataclass(frozen=True)
class Sounds:
    """Sounds as points, from several pieces of audio.

    Attributes:
        points: float64 [sounds, dimensions].
        pieces: int64 [sounds], ascending: which clip or chunk each is of.
    """

    points: Floats
    pieces: NDArray[np.int64]

    @classmethod
    def of(cls, pieces: Sequence[NDArray[np.floating]]) -> Self:
        """Put pieces together.

        Args:
            pieces: float [sounds, dimensions] each; at least one.
        """
        places = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
        return cls(np.concatenate(pieces).astype(np.float64), places)

    @cached_property
    def among(self) -> Floats:
        """Distances of all sounds: float64 [sounds, sounds], 0 of each from itself."""
        apart = distances(self.points, self.points)
        np.fill_diagonal(apart, 0.0)
        return apart

    @cached_property
    def apart(self) -> Floats:
        """Distances of sounds of different pieces: float64 [pairs], each pair twice."""
        pairs: Floats = self.among[self.pieces[:, None] != self.pieces]
        return pairs

    @cached_property
    def within(self) -> Floats:
        """Distances of different sounds of one piece: float64 [pairs], each pair twice."""
        same = self.pieces[:, None] == self.pieces
        pairs: Floats = self.among[same & ~np.eye(len(same), dtype=bool)]
        return pairs


def _mean(values: Floats) -> float:
    """Return the mean, or NaN of nothing."""
    return float(values.mean()) if len(values) else math.nan


def _share(made: Floats, real: Floats) -> float:
    """Return how large values are beside others on average, or NaN beside nothing."""
    return _mean(made) / (_mean(real) or math.nan)


@dataclass(frozen=True)
class Reference:
    """Recordings that sets of clips are compared with.

    Args:
        held_out: sounds of recordings that no model learned from.
        train: of those that it learned from: what is as near as can be hoped.
    """

    held_out: Sounds
    train: Sounds

    def compare(self, clips: Sequence[NDArray[np.floating]]) -> dict[str, Any]:
        """Measure a set of clips.

        Args:
            clips: the sounds of each: float [sounds, dimensions].

        Returns:
            JSON: `clips` and `windows`, how many were compared, and `FIGURES`, None where there are
            too few sounds for one. Of more than 2,000 sounds, so many are taken evenly from all.
        """
        heard = [clip for clip in clips if len(clip)]
        sounds = _thinned(Sounds.of(heard)) if heard else None
        figures = self._figures(sounds) if sounds else {}
        counts = {"clips": len(heard), "windows": len(sounds.points) if sounds else 0}
        return counts | {name: _written(figures.get(name)) for name in FIGURES}

    def null(self, windows: int) -> dict[str, Any]:
        """Measure sets that are drawn from the training recordings, chunk by chunk.

        Args:
            windows: sounds in each set, or a quarter of those in `train` if that is less: sets that
                have much in common would not tell how much sets differ.

        Returns:
            JSON: `windows` in each set, how many `draws`, and of each of `FIGURES` the mean and the
            quantiles of 5 % (low) and 95 % (high).
        """
        size = min(windows, len(self.train.points) // 4)
        drawn = [self._figures(self._draw(place, size)) for place in range(_DRAWS if size else 0)]
        found = {name: [f[name] for f in drawn if name in f] for name in FIGURES}
        return {"windows": size, "draws": len(drawn)} | {
            name: _spread(values) for name, values in found.items() if values
        }

    def _draw(self, place: int, size: int) -> Sounds:
        random = np.random.Generator(np.random.Philox(key=_SEED, counter=[0, 0, 0, place]))
        order = random.permutation(int(self.train.pieces[-1]) + 1)[self.train.pieces]
        chosen = np.argsort(order, kind="stable")[:size]
        return Sounds(self.train.points[chosen], order[chosen])

    def _figures(self, sounds: Sounds) -> dict[str, float]:
        real, made = self.held_out, sounds
        if min(len(real.points), len(made.points)) < 2:
            return {}
        between = distances(real.points, made.points)
        found = {
            "kernel_distance": self._kernel_distance(between, made),
            "frechet_distance": frechet_distance(self._normal, Normal(made.points)),
            "diversity": _share(made.apart, real.apart),
            "variety": _share(made.within, real.within),
        }
        if min(between.shape) > NEAREST:
            found |= overlap(between, self._radii, radii(made.among))
        return {name: figure for name, figure in found.items() if math.isfinite(figure)}

    @cached_property
    def _normal(self) -> Normal:
        return Normal(self.held_out.points)

    @cached_property
    def _radii(self) -> Floats:
        return radii(self.held_out.among)

    @cached_property
    def _bandwidth(self) -> float:
        """The median distance of the recordings' sounds."""
        among = self.held_out.among
        return float(np.median(among[np.triu_indices(len(among), 1)])) or 1.0

    def _kernel_distance(self, between: Floats, made: Sounds) -> float:
        """Return the squared maximum mean discrepancy, unbiased: around 0, and below, if alike.

        Gretton et al., "A kernel two-sample test" (2012), eq. 3, with a Gaussian kernel as wide as
        the median distance of the reference, as KAD has it (Chung et al., "KAD: No more FAD!",
        2025, eq. 4 and 3.3). Pairs of sounds of one piece are left out: they have more in common
        than sounds drawn alone, and so would sets of few pieces seem further away.
        """
        alike = _mean(self._kernel(made.apart)) + self._recordings_alike
        return alike - 2 * float(self._kernel(between).mean())

    @cached_property
    def _recordings_alike(self) -> float:
        return _mean(self._kernel(self.held_out.apart))

    def _kernel(self, apart: Floats) -> Floats:
        kernel: Floats = np.exp(-((apart / self._bandwidth) ** 2) / 2)
        return kernel


def _thinned(sounds: Sounds) -> Sounds:
    count = len(sounds.points)
    kept = np.arange(min(count, _MOST)) * count // min(count, _MOST)
    return Sounds(sounds.points[kept], sounds.pieces[kept])


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    low, high = np.quantile(values, _QUANTILES)
    return {
        "mean": _written(float(np.mean(values))),
        "low": _written(float(low)),
        "high": _written(float(high)),
    }


def _written(value: float | None) -> float | None:
    """Round to what other machines agree on; there is no -0."""
    return None if value is None else round(value, 4) + 0.0
