"""How much a clip must be like a recording to be a copy: more than held-out recordings are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Self

from rawtone.evaluation.copies.index import Match

_LEAST = 8.0  # standard deviations: unrelated recordings reach 7 over some hours
_SPREAD = 0.06  # of the mean: what few held-out chunks spread at least, if there were more
_RARE = 4.94  # standard deviations above the mean that one of a thousand maxima reaches


def limit(highest: Sequence[float]) -> float:
    """Return what held-out recordings do not reach.

    What a chunk reaches is the highest of many figures, so its distribution is Gumbel's, of which
    one in a thousand is more than 4.94 standard deviations above the mean (Gumbel, Statistics of
    Extremes, 1958, section 5.2).

    Args:
        highest: what each held-out chunk reaches.
    """
    if not highest:
        return _LEAST
    mean = fmean(highest)
    rare = mean + _RARE * max(pstdev(highest), _SPREAD * mean)
    return max(_LEAST, rare, *highest)


@dataclass(frozen=True)
class Limits:
    """What a match must surpass to be a copy.

    Held-out music is mostly made of the same notes as training music, but not of the same
    recording: its matches do not stand out, and set the limit of prominence. Where it repeats
    training music to the letter (loops, samples, synthetic melodies) matches stand out; these set
    the limit of evidence, which grows with the length that is the same.

    Attributes:
        prominence: standard deviations.
        evidence: standard deviations, for tracks that are not in `own`.
        own: evidence by track that was split in time: its end may well repeat its beginning.
        heard: held-out chunks that were listened to.
        repeats: those of them that repeat training music to the letter.
    """

    prominence: float
    evidence: float
    own: dict[str, float]
    heard: int
    repeats: int

    @classmethod
    def of(cls, held_out: Iterable[tuple[str, list[Match]]]) -> Self:
        """Take the limits from held-out chunks.

        Args:
            held_out: the track of each chunk, and its matches with training recordings.
        """
        plain: list[float] = []
        exact: list[float] = []
        own: dict[str, list[float]] = defaultdict(list)
        heard = repeats = 0
        for track, matches in held_out:
            plain += _highest(m.prominence for m in matches if m.prominence <= _LEAST)
            stand_out = [match for match in matches if match.prominence > _LEAST]
            heard, repeats = heard + 1, repeats + bool(stand_out)
            exact += _highest(match.evidence for match in stand_out if match.track != track)
            own[track] += _highest(match.evidence for match in stand_out if match.track == track)
        of_own = {track: limit(figures) for track, figures in own.items() if figures}
        return cls(limit(plain), limit(exact), of_own, heard, repeats)

    @property
    def words(self) -> str:
        """What was held against copies, in a sentence."""
        rule = f"a copy is more like a training recording than {self.heard} held-out chunks are"
        if not self.repeats:
            return rule
        return f"{rule}, {self.repeats} of which repeat training recordings to the letter"

    def above(self, match: Match) -> float:
        """Return how many times a match reaches its limits; it is a copy above 1."""
        evidence = max(self.evidence, self.own.get(match.track, 0.0))
        return min(match.prominence / self.prominence, match.evidence / evidence)


def _highest(figures: Iterable[float]) -> list[float]:
    found = list(figures)
    return [max(found)] if found else []
