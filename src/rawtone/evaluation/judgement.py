"""What clips.csv says of every clip, and what the clips say of their checkpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from statistics import median
from typing import Any

from rawtone.evaluation import curation
from rawtone.evaluation.choice import Candidate
from rawtone.evaluation.copies.finder import Copy
from rawtone.evaluation.curation import Place
from rawtone.evaluation.ears import Heard

Clip = Mapping[str, Any]
AXES = ("step", "label", "temperature", "seed")
_COPY = (
    "copy",
    "copy_track",
    "copy_title",
    "copy_from_seconds",
    "copy_at_seconds",
    "copy_seconds",
    "copy_likeness",
)


@dataclass(frozen=True)
class Judged:
    """A clip, what was heard in it, and where it stands.

    Attributes:
        clip: its row of clips.json.
        heard: in it.
        place: in the ranking.
    """

    clip: Clip
    heard: Heard
    place: Place

    def row(self, titles: Mapping[str, str]) -> dict[str, Any]:
        """Return its row of clips.csv.

        Args:
            titles: of tracks, by id.
        """
        place, health = self.place, self.heard.health
        ranked = {
            "rank": place.rank,
            "score": f"{place.score:.4f}",
            "verdict": health.words,
            "reasons": place.reasons,
            "same_as": "" if place.same_as is None else place.same_as,
            "strangeness": f"{self.heard.strangeness:.3f}",
        }
        return axes(self.clip) | ranked | health.row | _copy(self.heard.copy, titles)


def axes(clip: Clip) -> dict[str, Any]:
    """Return where a clip stands in the grid: step, label where there are labels, and so on."""
    return {key: clip[key] for key in AXES if key in clip}


def name(clip: Clip) -> str:
    """Return the name of a clip in params.yaml, as `step-00003600/t1.00-s0`."""
    return str(PurePosixPath(clip["wav"]).relative_to("clips").with_suffix(""))


def judge(
    clips: Sequence[Clip], heard: Sequence[Heard], picked: Sequence[str], titles: Mapping[str, str]
) -> list[Judged]:
    """Rank clips.

    Args:
        clips: rows of clips.json.
        heard: in each.
        picked: names of those that an ear chose.
        titles: of tracks, by id.
    """
    known = [_known(*both, titles) for both in zip(clips, heard, strict=True)]
    places = curation.ranked(known, picked)
    return [Judged(*one) for one in zip(clips, heard, places, strict=True)]


def candidate(step: int, loss: float, said: str, judged: Sequence[Judged]) -> Candidate:
    """Return what is known of a checkpoint.

    Args:
        step: of the training.
        loss: on validation recordings.
        said: that loss in words.
        judged: all clips.
    """
    own = [one for one in judged if one.clip["step"] == step]
    return Candidate(
        step,
        loss,
        said,
        scores=[one.place.score for one in own],
        sound=sum(not one.heard.health.verdict for one in own),
        copies=sum(one.heard.is_copy for one in own),
    )


def by_step(judged: Sequence[Judged]) -> dict[int, dict[str, float]]:
    """Return what TensorBoard shows of each checkpoint's clips."""
    steps = sorted({one.clip["step"] for one in judged})
    return {step: _of_step([one for one in judged if one.clip["step"] == step]) for step in steps}


def _of_step(judged: Sequence[Judged]) -> dict[str, float]:
    score = median(one.place.score for one in judged)
    counts = {f"clips/{key}": float(value) for key, value in counted(judged).items()}
    return {"clips/median_score": score} | counts


def counted(judged: Sequence[Judged]) -> dict[str, Any]:
    """Count clips: the share without a defect, and the copies of recordings."""
    sound = sum(not one.heard.health.verdict for one in judged)
    copies = sum(one.heard.is_copy for one in judged)
    return {"sound_clips": round(sound / len(judged), 4), "copies": copies}


def to_preview(judged: Sequence[Judged], most: int) -> list[Judged]:
    """Return the best clips, without those that are folded or copies if there are others."""
    order = sorted(judged, key=lambda one: one.place.rank)
    unlike = [one for one in order if one.place.same_as is None and not one.heard.is_copy]
    return (unlike or order[:1])[:most]


def _known(clip: Clip, heard: Heard, titles: Mapping[str, str]) -> curation.Heard:
    health, copy = heard.health, heard.copy
    is_copy = copy is not None and copy.is_copy
    return curation.Heard(
        name(clip),
        health.words if health.verdict else "",
        health.severity,
        heard.strangeness,
        copy.words(titles.get(copy.track, copy.track)) if copy and is_copy else "",
        clip["sha256"],
        heard.features,
    )


def _copy(copy: Copy | None, titles: Mapping[str, str]) -> dict[str, Any]:
    if copy is None:
        return dict.fromkeys(_COPY, "")
    seconds = (copy.from_seconds, copy.at_seconds, copy.seconds)
    figures = [f"{each:.2f}" for each in (*seconds, copy.likeness)]
    told = (1 if copy.is_copy else "", copy.track, titles.get(copy.track, ""), *figures)
    return dict(zip(_COPY, told, strict=True))
