"""What the page says of each clip, and in which order."""

from typing import Any

import pytest

from rawtone.report.clips import Clip, asset, clips, summary

MADE = {"seconds": 10.0, "mp3": "x.mp3", "wav": "x.wav"}


def made(seed: int, **about: Any) -> dict[str, Any]:
    """Return a clip as clips.json lists it."""
    return {"step": 800, "temperature": 1.0, "seed": seed, **MADE, **about}


def judged(seed: int, **about: str) -> dict[str, str]:
    """Return a row of clips.csv."""
    return {
        "step": "800",
        "temperature": "1.0",
        "seed": str(seed),
        "verdict": "sounds right",
    } | about


def told(published: list[dict[str, Any]], **tables: Any) -> list[Clip]:
    """Return the clips of an experiment `x`."""
    return clips("x", published, tables.get("judged", ()), tables.get("melody", ()), {})


def test_the_best_come_first_and_nothing_is_left_out() -> None:
    rows = [judged(0, rank="3", same_as="1"), judged(2, rank="1", score="0.91")]
    found = told([made(seed) for seed in range(4)], judged=rows)
    assert [(clip.seed, clip.rank) for clip in found] == [(2, 1), (0, 3), (1, None), (3, None)]
    assert (found[0].score, found[1].same_as) == (0.91, 1)
    assert summary(found) == "4 clips: 1 much like another"


@pytest.mark.parametrize(
    ("verdict", "kinds"),
    [
        ("sounds right", ["sounds right"]),
        ("noise from 3.2 s on; 12 clicks", ["noise", "… clicks"]),
        ("noise until 2.0 s; noise from 4.1 to 5.0 s", ["noise"]),
        ("repeats every 0.5 s from 1.0 s on", ["repeats every … s"]),
        ("very quiet (-38 LUFS)", ["very quiet"]),
        ("", []),
    ],
)
def test_like_findings_are_of_one_kind(verdict: str, kinds: list[str]) -> None:
    """Wherever they were found, and however much of them."""
    (clip,) = told([made(0)], judged=[judged(0, verdict=verdict)])
    assert clip.kinds == kinds


def test_clips_that_are_mostly_silent_are_told() -> None:
    rows = [judged(0, silent_share="0.8"), judged(1, silent_share="0.2")]
    assert [clip.silent for clip in told([made(0), made(1)], judged=rows)] == [True, False]


def test_before_verdicts_silence_is_known_from_the_melody() -> None:
    melody = [{"step": "800", "temperature": "1", "seed": "0", "silent_fraction": "0.9"}]
    (clip,) = told([made(0)], melody=melody)
    assert clip.silent
    assert clip.heard == "silent for 90% of the time"


def test_a_copy_says_of_what_from_where_and_how_like() -> None:
    found = {"copy_title": "Lullaby", "copy_from_seconds": "72.4", "copy_at_seconds": "3"}
    found |= {"copy_seconds": "3.4", "copy_likeness": "0.931"}
    words = "“Lullaby” from 1:12 on, heard at 0:03 for 3.4 s (likeness 0.93)"
    copy, near = told([made(0), made(1)], judged=[judged(0, copy="1", **found), judged(1, **found)])
    assert (copy.copy, copy.nearest) == (words, "")
    assert (near.copy, near.nearest) == ("", words)
    assert copy.kinds == ["sounds right", "a copy"]


def test_what_else_decided_a_clip_is_told_where_it_is_unusual() -> None:
    usual, unusual = told(
        [made(0), made(1, engine="kernel", top_p=0.9, prime={"recording": "a.ogg", "start": 0.0})]
    )
    assert usual.how == ""
    assert unusual.how == "engine kernel, top p 0.9, goes on from a.ogg"


def test_clips_whose_temperature_changes_have_names_and_files_of_their_own() -> None:
    words = "1 at 0 s to 0.8 at 5 s"
    wav = "clips/step-00000800/t1.00-at-0-to-0.80-at-5-s0.wav"
    falls = made(0, temperature=words, wav=wav)
    melody = [{"step": "800", "temperature": words, "seed": "0", "voiced": "0.9", "notes": "60"}]
    constant, varies = told([falls, made(0)], melody=melody)
    assert constant.temperature == "1"
    assert varies.name == f"step 800, temperature {words}, seed 0"
    assert varies.heard.startswith("C4")
    assert varies.sound == "x/step-00000800-t1.00-at-0-to-0.80-at-5-s0.mp3"


def test_nearby_temperatures_have_files_of_their_own() -> None:
    assert len({asset("x", made(0, temperature=t)) for t in (0.951, 0.952, 1.0)}) == 3


def test_what_was_found_goes_to_the_clip_of_its_label() -> None:
    published = [
        made(seed, label=label, wav=f"clips/step-00000800/{label.strip('<>')}-s{seed}.wav")
        for label in ("a", "<b>")
        for seed in (1, 0)
    ]
    rows = [judged(0, label="a", rank="2"), judged(0, label="<b>", rank="1")]
    found = told(published, judged=rows)
    assert [(c.label, c.seed, c.rank) for c in found][:2] == [("<b>", 0, 1), ("a", 0, 2)]
    assert found[0].name == "step 800, <b>, temperature 1, seed 0"
    assert found[0].picture == "x/step-00000800-b-s0.spectrum.png"
    assert len({clip.sound for clip in found}) == 4


@pytest.mark.parametrize(
    ("kinds", "played"), [(("mp3", "flac"), "mp3"), (("flac",), "flac"), ((), "wav")]
)
def test_the_smallest_file_is_played(kinds: tuple[str, ...], played: str) -> None:
    clip = {key: value for key, value in made(0).items() if key != "mp3"}
    (found,) = told([clip | {kind: f"x.{kind}" for kind in kinds}])
    assert found.sound.endswith(f".{played}")
