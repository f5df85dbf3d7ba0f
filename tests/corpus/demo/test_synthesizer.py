"""The synthesizer plays in tune, at once, and the same samples everywhere."""

import hashlib
import math

import numpy as np
import pytest

from rawtone.corpus.demo import synthesizer
from rawtone.corpus.demo.synthesizer import (
    INSTRUMENTS,
    PEAK,
    frequency,
    play,
    render,
    sine,
    touch,
)
from rawtone.corpus.demo.tunes import TUNES, InstrumentName, Note, Tune

BY_NAME = {tune.name: tune for tune in TUNES}
PINNED = "8ad7bb83ba93a50202d075c2fda7a484a1b0ef0da4b72da3e31c8d97a15e209a"
RATES = [8_000, 11_025, 22_050, 48_000]


def test_pitches_are_equal_temperament_on_440_hz() -> None:
    for midi in range(48, 85):
        assert math.isclose(frequency(midi), 440 * 2 ** ((midi - 69) / 12), rel_tol=1e-14)


def test_the_sine_is_a_sine_in_every_quadrant() -> None:
    turns = np.linspace(-3, 3, 10_007)
    np.testing.assert_allclose(sine(turns), np.sin(2 * np.pi * turns), atol=1e-12)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_note_has_its_pitch(instrument: InstrumentName, rate: int) -> None:
    signal = play([Note(69, 4)], instrument, rate)
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal)), 8 * len(signal)))
    strongest = np.argmax(spectrum) * rate / (8 * len(signal))
    assert strongest == pytest.approx(440, rel=3e-3)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_repeated_note_is_heard_twice(instrument: InstrumentName) -> None:
    """Every note fades before the next, so that the repetition has an onset."""
    signal = np.abs(play([Note(64, 2), Note(64, 2)], instrument, 8_000))
    attack = len(signal) // 2
    before, after = signal[attack - 300 : attack - 100].max(), signal[attack:][:200].max()
    assert after > 2 * before


def test_no_two_notes_are_quite_alike_and_all_are_in_tune() -> None:
    """A network that could learn the samples of a note by heart would not hear new recordings."""
    touches = [touch(index, Note(69, 2)) for index in range(100)]
    cents = [1200 * math.log2(hand.tuning) for hand in touches]
    assert len(set(touches)) == len(touches)
    assert max(map(abs, cents)) <= 4
    assert all(0.4 <= hand.loudness <= 1 for hand in touches)
    assert all(0.8 <= hand.decay <= 1.2 for hand in touches)


def test_a_note_that_opens_a_bar_is_accented() -> None:
    assert touch(0, Note(69, 2, True)).loudness > touch(0, Note(69, 2)).loudness


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.name)
def test_music_begins_at_once_at_a_safe_level(tune: Tune) -> None:
    signal = render(tune, 8_000)
    assert np.abs(signal[:80]).max() > 0.1
    assert np.abs(signal).max() == pytest.approx(PEAK)
    assert -6 <= 20 * math.log10(PEAK) <= -3


@pytest.mark.parametrize("rate", RATES)
def test_length_follows_the_score_at_every_rate(rate: int) -> None:
    assert len(render(BY_NAME["frere-jacques"], rate)) == 64 * rate // 7


def test_the_silence_is_digital_and_where_it_should_be() -> None:
    signal = render(BY_NAME["twinkle"], 8_000)
    falls_silent = 110 * 8_000 // 7  # its melody is 110 eighths long
    assert not signal[falls_silent : 28 * 8_000].any()
    assert np.abs(signal[falls_silent - 8_000 : falls_silent - 200]).max() > 0.05
    assert np.abs(signal[28 * 8_000 : 28 * 8_000 + 80]).max() > 0.1


def test_nothing_sounds_above_what_8_khz_can_hold() -> None:
    signal = render(BY_NAME["jingle-bells"], 48_000)
    spectrum = np.abs(np.fft.rfft(signal)) ** 2
    hertz = np.fft.rfftfreq(len(signal), 1 / 48_000)
    assert spectrum[hertz > 4_000].sum() < 1e-5 * spectrum.sum()


def test_the_samples_never_change() -> None:
    """A changed sample would change every clone's data: retrain the demo if you mean to."""
    codes = np.floor(render(BY_NAME["ode-to-joy"], 8_000) * 32_767 + 0.5).astype("<i2")
    assert hashlib.sha256(codes.tobytes()).hexdigest() == PINNED


def test_only_correctly_rounded_operations_are_used() -> None:
    """The sin, exp and pow of numpy differ in the last bit between processors."""
    source = synthesizer.__loader__.get_source(synthesizer.__name__)
    for forbidden in ("np.sin", "np.cos", "np.exp", "np.power", "np.sum", "np.dot", " @ "):
        assert forbidden not in source
