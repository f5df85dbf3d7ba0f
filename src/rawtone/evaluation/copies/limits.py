"""How much a clip must be like a recording to be a copy: more than held-out recordings are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev

_LEAST = 8.0  # standard deviations; unrelated noise reaches 6 over some hours of recordings
_SPREAD = 0.06  # of the mean: what few held-out chunks spread at least, if there were more
_RARE = 4.94  # standard deviations above the mean that one of a thousand maxima reaches


def limit(evidence: Sequence[float]) -> float:
    """Return the evidence that held-out recordings do not reach.

    What a chunk reaches is the highest of many figures, so its distribution is Gumbel's, of which
    one in a thousand is more than 4.94 standard deviations above the mean (Gumbel, Statistics of
    Extremes, 1958, section 5.2).

    Args:
        evidence: of each held-out chunk's best match.
    """
    if not evidence:
        return _LEAST
    mean = fmean(evidence)
    rare = mean + _RARE * max(pstdev(evidence), _SPREAD * mean)
    return max(_LEAST, rare, *evidence)


@dataclass(frozen=True)
class Limits:
    """Limits for matches with each track.

    Attributes:
        others: with a track of which nothing is held out.
        own: by track that was split in time: its end may well repeat its beginning.
    """

    others: float = _LEAST
    own: dict[str, float] = field(default_factory=dict)

    def of(self, track: str) -> float:
        """Return the limit for matches with a track."""
        return max(self.others, self.own.get(track, 0.0))
