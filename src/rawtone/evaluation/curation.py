"""Which clips to hear first: a ranking that says why each stands where it does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COPIES_COUNT = 0.5
THE_SAME = 0.15  # of two clips' features, root mean square; unlike music differs by about 1.4
RULE = (
    "The score is what its defects leave of a clip (1 where it has none), divided by how much "
    "further it sounds from the recordings than held-out recordings do where it is further at all; "
    f"copies of recordings count {COPIES_COUNT:g} times that. Clips picked by ear come first, then "
    "those of the highest score. Of clips that sound the same, all but the first are folded under "
    "it and come last. None is thrown away."
)

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Heard:
    """What was heard in a clip, as far as its place depends on it.

    Attributes:
        name: of the clip, as `step-00003600/t1.00-s0`.
        defects: in words; none if it has none.
        severity: of the defects together, from 0 to 1.
        strangeness: its distance from the recordings as a multiple of that of held-out ones.
        copy: of what it is a copy, in words; empty if it is none.
        sha256: of the clip.
        features: float32 [windows, features], whitened.
    """

    name: str
    defects: str
    severity: float
    strangeness: float
    copy: str
    sha256: str
    features: Features

    @property
    def score(self) -> float:
        """From 0 to 1; `RULE` says how it comes about."""
        sound = (1 - self.severity) / max(1.0, self.strangeness)
        return sound * (COPIES_COUNT if self.copy else 1)


@dataclass(frozen=True)
class Place:
    """Where a clip stands.

    Attributes:
        rank: 1 is to be heard first.
        score: from 0 to 1.
        reasons: a sentence.
        same_as: rank of the clip that it is folded under.
    """

    rank: int
    score: float
    reasons: str
    same_as: int | None


def ranked(clips: Sequence[Heard], picked: Sequence[str] = ()) -> list[Place]:
    """Rank clips, the best first.

    Args:
        clips: of an experiment.
        picked: names of those that an ear chose, in its order.

    Returns:
        The place of each clip, in the order in which they are given.
    """
    by_ear = {name: place for place, name in enumerate(picked)}
    far = len(by_ear)
    order = sorted(
        range(len(clips)),
        key=lambda i: (by_ear.get(clips[i].name, far), -clips[i].score, clips[i].name),
    )
    first = _folded(clips, order)
    final = [i for i in order if i not in first] + [i for i in order if i in first]
    ranks = {i: rank for rank, i in enumerate(final, 1)}
    same = {i: ranks[kept] for i, kept in first.items()}
    return [
        Place(ranks[i], clip.score, _reasons(clip, clip.name in by_ear, same.get(i)), same.get(i))
        for i, clip in enumerate(clips)
    ]


def _folded(clips: Sequence[Heard], order: Sequence[int]) -> dict[int, int]:
    """Return the clips that sound like one that comes before them, and which."""
    kept: list[int] = []
    first: dict[int, int] = {}
    for i in order:
        alike = next((k for k in kept if _sound_the_same(clips[i], clips[k])), None)
        if alike is None:
            kept.append(i)
        else:
            first[i] = alike
    return first


def _sound_the_same(one: Heard, other: Heard) -> bool:
    if one.sha256 == other.sha256:
        return True
    if one.features.shape != other.features.shape or not one.features.size:
        return False
    difference = one.features - other.features
    return float(np.sqrt(np.mean(np.square(difference)))) < THE_SAME


def _reasons(clip: Heard, by_ear: bool, same_as: int | None) -> str:
    said = "; ".join(_said(clip, by_ear, same_as))
    return said[:1].upper() + said[1:] + "."


def _said(clip: Heard, by_ear: bool, same_as: int | None) -> Iterator[str]:
    if by_ear:
        yield "picked by ear"
    if same_as is not None:
        yield f"sounds the same as clip {same_as}"
    yield clip.defects or "no defect was heard"
    if clip.strangeness <= 1:
        yield "as near to the recordings as held-out ones are"
    else:
        yield f"{clip.strangeness:.2f} times as far from the recordings as held-out ones are"
    if clip.copy:
        yield clip.copy
