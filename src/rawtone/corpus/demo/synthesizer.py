"""The instruments that play the demo, giving the same numbers on every machine.

Only additions, subtractions, multiplications, divisions and floor touch the samples. IEEE 754
fixes their results to the last bit, which it does not for sin, exp and pow: those differ from one
processor to the next. So the sine is a polynomial here, decay a repeated multiplication, and the
pitches are literals.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawtone.corpus.demo.tunes import InstrumentName, Note, Tune, parse

Signal = NDArray[np.float64]

EIGHTHS_PER_SECOND = 7
ENCORE_AT_SECONDS = 28  # a whole number of 7 s, so chunks of 8 s with 1 s overlap begin with it
PEAK = 0.625  # -4.1 dBFS: a lossy encoder overshoots without clipping
HIGHEST_PARTIAL_HZ = 3500.0  # what 8 kHz still holds with room for a resampler's slope
_RELEASE_SECONDS = 0.012  # a finger on the string: a note ends before the next begins
_BAR_ACCENT, _NO_ACCENT = 1.0, 0.8

# Equal temperament on A4 = 440 Hz: 440 * 2 ** ((midi - 69) / 12) for MIDI 60 to 71.
_FOURTH_OCTAVE_HZ = (
    261.6255653005986,
    277.1826309768721,
    293.6647679174076,
    311.1269837220809,
    329.6275569128699,
    349.2282314330039,
    369.9944227116344,
    391.99543598174927,
    415.3046975799451,
    440.0,
    466.1637615180899,
    493.8833012561241,
)

# Taylor series of sin(2 pi x): (-1)^k (2 pi)^(2k+1) / (2k+1)! for k = 0..8. For |x| <= 1/4 the
# first term left out is below 1e-12.
_SINE_SERIES = (
    6.283185307179586,
    -41.34170224039976,
    81.60524927607506,
    -76.70585975306139,
    42.058693944897655,
    -15.09464257682299,
    3.819952584848282,
    -0.7181223017785006,
    0.10422916220813984,
)


@dataclass(frozen=True)
class Partial:
    """A partial tone: multiple of the fundamental, amplitude, and seconds to fall to 1/e."""

    ratio: float
    amplitude: float
    decay_seconds: float


@dataclass(frozen=True)
class Instrument:
    """A sum of decaying partials behind a linear attack."""

    attack_seconds: float
    partials: tuple[Partial, ...]


INSTRUMENTS: dict[InstrumentName, Instrument] = {
    "plucked string": Instrument(
        0.003,
        (
            Partial(1.0, 1.0, 0.196),
            Partial(2.0, 0.45, 0.126),
            Partial(3.0, 0.28, 0.084),
            Partial(4.0, 0.16, 0.063),
            Partial(5.0, 0.1, 0.049),
            Partial(6.0, 0.06, 0.035),
        ),
    ),
    "music box": Instrument(
        0.002,
        (Partial(1.0, 1.0, 0.168), Partial(3.0, 0.12, 0.07), Partial(5.4, 0.22, 0.021)),
    ),
    "soft piano": Instrument(
        0.006,
        (
            Partial(1.0, 1.0, 0.224),
            Partial(2.0, 0.3, 0.14),
            Partial(3.0, 0.12, 0.084),
            Partial(4.0, 0.06, 0.056),
        ),
    ),
}


def frequency(midi: int) -> float:
    """Give a note's pitch in equal temperament.

    Args:
        midi: MIDI note number; 69 is the A of 440 Hz.

    Returns:
        The frequency in Hz.
    """
    octave, semitone = divmod(midi, 12)
    return _FOURTH_OCTAVE_HZ[semitone] * 2.0 ** (octave - 5)


def sine(turns: Signal) -> Signal:
    """Compute sin(2 pi turns) with the same bits on every processor.

    Args:
        turns: Phases in turns, of any shape.

    Returns:
        Sines of the phases, right to about 1e-12.
    """
    folded = turns - np.floor(turns + 0.5)  # [-1/2, 1/2)
    reflected = np.copysign(0.5, folded) - folded
    folded = np.where(np.abs(folded) > 0.25, reflected, folded)  # [-1/4, 1/4]
    square = folded * folded
    series = np.full_like(folded, _SINE_SERIES[-1])
    for coefficient in reversed(_SINE_SERIES[:-1]):
        series = series * square + coefficient
    return series * folded


def tone(hertz: float, sample_rate: int, samples: int, phase: float = 0.0) -> Signal:
    """Make a steady sine.

    Args:
        hertz: Its frequency.
        sample_rate: Samples a second.
        samples: How many to make.
        phase: Where it begins, in turns.

    Returns:
        float64 [samples] between -1 and 1.
    """
    return sine(np.arange(samples, dtype=np.float64) * (hertz / sample_rate) + phase)


def _decay(seconds: float, sample_rate: int, samples: int) -> Signal:
    factors = np.full(samples, 1.0 - 1.0 / (seconds * sample_rate))
    return np.multiply.accumulate(factors)


def _contour(attack_seconds: float, sample_rate: int, samples: int) -> Signal:
    time = np.arange(samples, dtype=np.float64) / sample_rate
    remaining = time[::-1]
    rising = np.minimum(time / attack_seconds, 1.0)
    return rising * np.minimum(remaining / _RELEASE_SECONDS, 1.0)


@dataclass(frozen=True)
class Touch:
    """How one note differs from the next, as it does under a player's hand.

    Without it every A of an instrument would be the same samples, and a network would learn those
    by heart and hear nothing in a recording that it does not know.

    Attributes:
        loudness: factor of the amplitude.
        phase: of the fundamental at the attack, in turns.
        tuning: factor of the frequency; within 4 cents.
        decay: factor of the partials' decay times.
    """

    loudness: float
    phase: float
    tuning: float
    decay: float


def touch(index: int, note: Note) -> Touch:
    """Return the touch of a note, always the same for the same place in a tune."""
    dice = hashlib.sha256(f"{index} {note.midi}".encode()).digest()
    loudness, phase, tuning, decay = (dice[k] / 256 for k in range(4))
    accent = _BAR_ACCENT if note.opens_bar else _NO_ACCENT
    return Touch(
        loudness=accent * (0.6 + 0.4 * loudness),
        phase=phase,
        tuning=1.0 + (tuning - 0.5) * 0.0046,
        decay=0.8 + 0.4 * decay,
    )


def _strike(
    instrument: InstrumentName, midi: int, hand: Touch, sample_rate: int, samples: int
) -> Signal:
    voice, pitch = INSTRUMENTS[instrument], frequency(midi) * hand.tuning
    total = np.zeros(samples)
    for partial in voice.partials:
        hertz = pitch * partial.ratio
        if hertz <= HIGHEST_PARTIAL_HZ:
            wave = tone(hertz, sample_rate, samples, hand.phase * partial.ratio)
            fall = _decay(partial.decay_seconds * hand.decay, sample_rate, samples)
            total = total + partial.amplitude * (wave * fall)
    return hand.loudness * (total * _contour(voice.attack_seconds, sample_rate, samples))


def play(notes: Sequence[Note], instrument: InstrumentName, sample_rate: int) -> Signal:
    """Play notes one after the other, each ending before the next begins.

    Args:
        notes: What to play; must not be empty.
        instrument: Name of one of `INSTRUMENTS`.
        sample_rate: Samples a second.

    Returns:
        float64 [samples], its largest magnitude `PEAK`.
    """
    pieces, eighths = [], 0
    for index, note in enumerate(notes):
        start = eighths * sample_rate // EIGHTHS_PER_SECOND
        eighths += note.eighths
        stop = eighths * sample_rate // EIGHTHS_PER_SECOND
        hand = touch(index, note)
        pieces.append(_strike(instrument, note.midi, hand, sample_rate, stop - start))
    melody = np.concatenate(pieces)
    scaled: Signal = melody * (PEAK / np.max(np.abs(melody)))
    return scaled


def render(tune: Tune, sample_rate: int) -> Signal:
    """Play a tune; its encore, where there is one, follows in second 28, after zeros.

    Args:
        tune: What to play.
        sample_rate: Samples a second.

    Returns:
        float64 [samples]; the music begins at the first sample.
    """
    melody = play(parse(tune.melody), tune.instrument, sample_rate)
    if not tune.encore:
        return melody
    encore = play(parse(tune.encore), tune.instrument, sample_rate)
    silence = np.zeros(ENCORE_AT_SECONDS * sample_rate - len(melody))
    return np.concatenate([melody, silence, encore])
