"""The judge passes what is a melody on the corpus's notes, and nothing else."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rawtone.corpus.demo import tunes
from rawtone.corpus.demo.synthesizer import EIGHTHS_PER_SECOND, frequency, play, render
from rawtone.corpus.demo.tunes import TUNES, Note, parse
from rawtone.evaluation.melody import Melody, Verdict, corpus_notes, hear, judge, track_pitch

Clip = NDArray[np.float64]

RATE, SECONDS = 8_000, 10
NOTES = tunes.notes()
CONDITIONS = ("voiced", "in tune", "notes", "variety", "onsets")
TIME = np.arange(SECONDS * RATE) / RATE
TUNES_HEARD = TUNES[:8]
DEMO = [np.tile(render(tune, RATE), 2)[: len(TIME)] for tune in TUNES_HEARD]


def verdict(clips: list[Clip], rate: int = RATE) -> Verdict:
    return judge([hear(clip, rate, NOTES) for clip in clips])


def failures(clips: list[Clip]) -> set[str]:
    checks = zip(CONDITIONS, verdict(clips).checks, strict=True)
    return {condition for condition, check in checks if not check.passed}


def mu_law_8_bit(clip: Clip) -> Clip:
    compressed = np.sign(clip) * np.log1p(255 * np.abs(clip)) / np.log(256)
    codes = np.floor((compressed + 1) / 2 * 255 + 0.5)
    back = 2 * codes / 255 - 1
    return np.sign(back) * (256 ** np.abs(back) - 1) / 255


def noisy(clip: Clip, signal_to_noise_db: float, seed: int = 0) -> Clip:
    white = np.random.default_rng(seed).standard_normal(len(clip))
    return clip + white * np.sqrt(np.mean(clip**2)) * 10 ** (-signal_to_noise_db / 20)


def clicking(clip: Clip, seed: int = 0) -> Clip:
    clicked = clip.copy()
    for at in np.random.default_rng(seed).integers(0, len(clip) - 4, 30):
        clicked[at : at + 4] = [0.9, -0.9, 0.5, -0.3]
    return clicked


def transposed(semitones: int) -> list[Clip]:
    return [
        play(
            [Note(note.midi + semitones, note.eighths, note.opens_bar) for note in parse(t.melody)],
            t.instrument,
            RATE,
        )[: len(TIME)]
        for t in TUNES_HEARD
    ]


def legato(abc: str) -> Clip:
    """A sine that slips from note to note without an attack."""
    hertz = [np.full(note.eighths * RATE // 5, frequency(note.midi)) for note in parse(abc)]
    turns = np.cumsum(np.concatenate(hertz)[: len(TIME)]) / RATE
    return 0.5 * np.sin(2 * np.pi * turns)


def held(midi: int) -> Clip:
    overtones = [np.sin(2 * np.pi * frequency(midi) * k * TIME) / k for k in range(1, 7)]
    return 0.2 * np.sum(overtones, axis=0)


def tremolo(hertz: float, depth: float) -> Clip:
    return 1 - depth + depth * 0.5 * (1 + np.sin(2 * np.pi * hertz * TIME))


def repeated(midi: int) -> Clip:
    return play([Note(midi, 2)] * 25, "soft piano", RATE)


def siren(phase: float) -> Clip:
    hertz = frequency(60) * 2 ** (0.5 + 0.5 * np.sin(2 * np.pi * 0.2 * TIME + phase))
    return 0.5 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)


def chromatic(seed: int) -> Clip:
    keys = np.random.default_rng(seed).integers(60, 73, 25)
    return play([Note(int(key), 2) for key in keys], "soft piano", RATE)


def white(seed: int) -> Clip:
    return 0.2 * np.random.default_rng(seed).standard_normal(len(TIME))


def around(midi: int) -> Clip:
    """Noise 40 Hz wide, which has a wandering pitch."""
    hertz = np.fft.rfftfreq(len(TIME), 1 / RATE)
    band = np.exp(-(((hertz - frequency(midi)) / 20) ** 2))
    return 5 * np.fft.irfft(np.fft.rfft(white(midi)) * band)


@pytest.mark.parametrize(
    "disturb",
    [
        lambda clip: clip,
        mu_law_8_bit,
        lambda clip: noisy(clip, 35),
        lambda clip: noisy(clip, 20),
        lambda clip: noisy(clip, 10),
        clicking,
        lambda clip: 0.05 * clip,
    ],
    ids=["clean", "mu-law", "35 dB", "20 dB", "10 dB", "clicks", "quiet"],
)
def test_demo_audio_passes(disturb: Callable[[Clip], Clip]) -> None:
    result = verdict([disturb(clip) for clip in DEMO])
    assert result.passed, result.sentence
    assert result.sentence.startswith("melodies: ")


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050])
def test_demo_audio_passes_at_other_rates(rate: int) -> None:
    clips = [render(tune, rate)[: 5 * rate] for tune in TUNES_HEARD[:4]]
    assert verdict(clips, rate).passed


def test_a_melody_without_attacks_passes() -> None:
    assert verdict([legato(tune.melody) for tune in TUNES_HEARD]).passed


@pytest.mark.parametrize(
    ("clips", "reasons"),
    [
        ([white(seed) for seed in range(8)], {"voiced", "notes", "onsets"}),
        ([0.01 * np.cumsum(white(seed)) for seed in range(8)], {"voiced", "notes"}),
        ([np.zeros_like(TIME)] * 8, {"voiced", "notes", "onsets"}),
        ([np.where(TIME < 2, clip, 0) for clip in DEMO], {"voiced", "onsets"}),
        (transposed(1), {"in tune"}),
        ([held(midi) for midi in NOTES], {"variety", "onsets"}),
        ([held(69)] * 8, {"notes", "variety", "onsets"}),
        ([noisy(held(midi), 20) for midi in NOTES], {"variety", "onsets"}),
        ([clicking(held(midi)) for midi in NOTES], {"variety", "onsets"}),
        ([repeated(64)] * 8, {"notes", "variety"}),
        ([repeated(midi) for midi in NOTES], {"variety"}),
        ([siren(phase) for phase in range(8)], {"in tune"}),
        ([chromatic(seed) for seed in range(8)], {"in tune"}),
        ([around(midi) for midi in NOTES], {"in tune"}),
    ],
    ids=[
        "white noise",
        "brown noise",
        "silence",
        "mostly silence",
        "a semitone up",
        "drones on every note",
        "one drone",
        "noisy drones",
        "clicking drones",
        "one repeated note",
        "a repeated note in each",
        "siren",
        "random chromatic notes",
        "wandering noise",
    ],
)
def test_what_is_no_melody_of_the_corpus_fails(clips: list[Clip], reasons: set[str]) -> None:
    assert reasons <= failures(clips)


@pytest.mark.parametrize("depth", [0.5, 1.0])
@pytest.mark.parametrize("hertz", [4, 6, 8])
def test_a_held_tone_with_tremolo_fails_for_lack_of_onsets(hertz: int, depth: float) -> None:
    clips = [held(midi) * tremolo(hertz, depth) for midi in NOTES]
    assert {"variety", "onsets"} <= failures(clips)


@pytest.mark.parametrize(("tune", "clip"), list(zip(TUNES_HEARD, DEMO, strict=True)))
def test_onsets_are_those_of_the_score(tune: tunes.Tune, clip: Clip) -> None:
    eighths = [note.eighths for note in parse(tune.melody)] * 2
    starts = np.cumsum([0, *eighths[:-1]]) / EIGHTHS_PER_SECOND
    expected = np.count_nonzero(starts < SECONDS) / SECONDS
    assert hear(clip, RATE, NOTES).onsets_per_second == pytest.approx(expected, abs=0.101)


@pytest.mark.parametrize(("tune", "clip"), list(zip(TUNES_HEARD, DEMO, strict=True)))
def test_notes_are_those_of_the_score(tune: tunes.Tune, clip: Clip) -> None:
    played = parse(tune.melody) * 2
    starts = np.cumsum([0, *[note.eighths for note in played[:-1]]]) / EIGHTHS_PER_SECOND
    beginnings = zip(played, starts, strict=True)
    written = {note.midi for note, start in beginnings if start < SECONDS - 0.2}
    assert set(hear(clip, RATE, NOTES).notes) == written


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("midi", [38, 60, 69, 84, 95])
def test_pitch_is_right_to_a_few_cents(midi: int, rate: int) -> None:
    time = np.arange(rate) / rate
    pitch = track_pitch(0.5 * np.sin(2 * np.pi * frequency(midi) * time), rate)
    assert np.nanmax(np.abs(pitch - midi)) < 0.1
    assert np.isnan(pitch).mean() < 0.05


def test_a_quarter_tone_is_out_of_tune() -> None:
    turns = np.cumsum(np.full(len(TIME), 440 * 2 ** (0.5 / 12))) / RATE
    assert hear(np.sin(2 * np.pi * turns), RATE, NOTES).in_tune == 0


@pytest.mark.parametrize("samples", [0, 1, 100, 500])
def test_a_clip_too_short_for_a_pitch_is_unvoiced(samples: int) -> None:
    heard = hear(np.ones(samples), RATE, NOTES)
    assert (heard.voiced, heard.in_tune, heard.notes) == (0, 0, ())


def test_frames_are_pooled_over_clips_by_their_voiced_time() -> None:
    long = Melody(voiced=1.0, in_tune=1.0, notes=(60,), onsets_per_second=2.0, seconds=9.0)
    short = Melody(voiced=1.0, in_tune=0.0, notes=(61,), onsets_per_second=2.0, seconds=1.0)
    figures = {check.what: check.figure for check in judge([long, short]).checks}
    assert figures["share of voiced frames in tune"] == pytest.approx(0.9)
    assert figures["notes in all"] == 2


def test_no_clips_are_no_case() -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        judge([])


def test_the_sentence_says_what_failed_and_by_how_much() -> None:
    sentence = verdict([repeated(64)] * 2).sentence
    assert sentence == (
        "no melodies: notes in all 1 (at least 5), "
        "share of clips with three notes or more 0 (at least 0.5)"
    )


@pytest.mark.parametrize("signal_to_noise_db", [60, 20])
def test_the_notes_of_the_demo_are_found_in_its_audio(signal_to_noise_db: float) -> None:
    chunks = [noisy(clip, signal_to_noise_db) for clip in DEMO]
    assert corpus_notes(chunks, RATE) == NOTES


def test_a_corpus_without_pitch_has_no_notes() -> None:
    assert corpus_notes([white(0), np.zeros(RATE)], RATE) == []
