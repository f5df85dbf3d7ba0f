"""Clips in the words of the page: what made each, what was heard in it, and where it stands."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from rawtone.report.words import (
    clock,
    counted,
    known,
    melody_words,
    temperature,
    temperature_figure,
    temperature_order,
)

Row = Mapping[str, str]
Key = tuple[Any, ...]

HEARD_AS = ("mp3", "ogg", "flac", "wav")
_MOSTLY = 0.5
_PLACE = re.compile(r"\s*\(.*?\)|\s+(?:from|until) \d.*$")
_NUMBER = re.compile(r"\d[\d.,:]*")


@dataclass(frozen=True)
class Clip:
    """One clip; what nobody has measured is None or empty."""

    step: int
    label: str
    temperature: str
    seed: int
    seconds: float
    picture: str
    sound: str
    wav: str
    sha256: str
    peaks: str
    rank: int | None
    score: float | None
    verdict: str
    kinds: list[str]
    reasons: str
    same_as: int | None
    silent: bool
    copy: str
    nearest: str
    heard: str
    how: str

    @property
    def name(self) -> str:
        """Tell what made it, as in "step 400, temperature 0.9, seed 0"."""
        told = f"{self.label}, " if self.label else ""
        return f"step {self.step}, {told}temperature {self.temperature}, seed {self.seed}"


def asset(experiment: str, clip: Mapping[str, Any]) -> str:
    """Name the files of a clip within the page's folder, without their endings."""
    if "label" in clip or isinstance(clip["temperature"], str):
        wav = PurePosixPath(clip["wav"])
        return f"{experiment}/{wav.parent.name}-{wav.stem}"
    heat = f"{float(clip['temperature']):g}"
    return f"{experiment}/step-{int(clip['step']):08d}-t{heat}-s{int(clip['seed'])}"


def sound(clip: Mapping[str, Any]) -> str:
    """Return the kind of file that the page plays of a clip: the smallest that there is."""
    return next(kind for kind in HEARD_AS if kind in clip)


def key(row: Mapping[str, Any]) -> Key:
    """Return what a clip is known by in clips.json and in every table of clips."""
    step, seed = (float(row[part]) for part in ("step", "seed"))
    return (row.get("label", ""), step, temperature(row["temperature"]), seed)


def clips(
    name: str,
    published: Sequence[Mapping[str, Any]],
    judged: Sequence[Row],
    melody: Sequence[Row],
    peaks: Mapping[str, str],
) -> list[Clip]:
    """Put an experiment's clips into words.

    Args:
        name: of the experiment.
        published: as clips.json has them.
        judged: rows of clips.csv.
        melody: rows of melody.csv.
        peaks: of each clip, by its asset; see `pictures.peaks`.

    Returns:
        Best first where they are ranked, otherwise the newest checkpoint first.
    """
    judgements = {key(row): row for row in judged}
    heard = {key(row): row for row in melody}
    told = [
        _clip(name, clip, judgements.get(key(clip), {}), heard.get(key(clip), {}), peaks)
        for clip in sorted(published, key=_grid_order)
    ]
    return sorted(told, key=lambda clip: (clip.rank is None, clip.rank or 0))


def _grid_order(clip: Mapping[str, Any]) -> tuple[Any, ...]:
    heat = temperature_order(temperature(clip["temperature"]))
    return (-int(clip["step"]), clip.get("label", ""), heat, int(clip["seed"]))


def _clip(
    name: str, clip: Mapping[str, Any], judged: Row, melody: Row, peaks: Mapping[str, str]
) -> Clip:
    file = asset(name, clip)
    verdict = judged.get("verdict", "")
    return Clip(
        step=int(clip["step"]),
        label=str(clip.get("label", "")),
        temperature=temperature_figure(temperature(clip["temperature"])),
        seed=int(clip["seed"]),
        seconds=known(clip.get("seconds")) or 0.0,
        picture=f"{file}.spectrum.png",
        sound=f"{file}.{sound(clip)}",
        wav=f"results/{name}/{clip.get('wav', '')}",
        sha256=str(clip.get("sha256", "")),
        peaks=peaks.get(file, ""),
        rank=_whole(judged.get("rank")),
        score=known(judged.get("score")),
        verdict=verdict,
        kinds=_kinds(verdict, judged),
        reasons=judged.get("reasons", ""),
        same_as=_whole(judged.get("same_as")),
        silent=_silent(judged, melody),
        copy=_copied(judged) if judged.get("copy") == "1" else "",
        nearest=_copied(judged) if judged.get("copy") != "1" else "",
        heard=melody_words(melody),
        how=_how(clip),
    )


def _whole(value: str | None) -> int | None:
    figure = known(value)
    return None if figure is None else int(figure)


def _kinds(verdict: str, judged: Row) -> list[str]:
    """Name what was found without when or how much, so that like is filtered with like."""
    parts = [_PLACE.sub("", part.strip()) for part in verdict.split(";") if part.strip()]
    found = [_NUMBER.sub("…", part) for part in parts]
    return list(dict.fromkeys([*found, *(["a copy"] if judged.get("copy") == "1" else [])]))


def _silent(judged: Row, melody: Row) -> bool:
    shares = (judged.get("silent_share"), melody.get("silent_fraction"))
    share = next((figure for text in shares if (figure := known(text)) is not None), 0.0)
    return share > _MOSTLY


def _copied(judged: Row) -> str:
    """Tell which passage it is most like; empty where none was found."""
    title = judged.get("copy_title") or judged.get("copy_track")
    if not title:
        return ""
    where = f"“{title}” from {clock(judged.get('copy_from_seconds'))} on"
    at, length = known(judged.get("copy_at_seconds")), known(judged.get("copy_seconds"))
    heard = "" if at is None or length is None else f", heard at {clock(at)} for {length:.1f} s"
    likeness = known(judged.get("copy_likeness"))
    return where + heard + ("" if likeness is None else f" (likeness {likeness:.2f})")


def _how(clip: Mapping[str, Any]) -> str:
    """Tell what else decided its samples: the engine, and settings that are not the usual ones."""
    prime = clip.get("prime", {})
    parts = {
        "engine": clip.get("engine"),
        "weights in": clip.get("precision"),
        "top p": clip.get("top_p"),
        "goes on from": prime.get("recording"),
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)


def summary(found: Sequence[Clip]) -> str:
    """Count clips, and those that are folded, silent or copies."""
    parts = (
        (sum(clip.same_as is not None for clip in found), "much like another"),
        (sum(clip.silent for clip in found), "mostly silent"),
        (sum(bool(clip.copy) for clip in found), "copied"),
    )
    told = ", ".join(f"{count} {words}" for count, words in parts if count)
    return counted(len(found), "clip") + (f": {told}" if told else "")
