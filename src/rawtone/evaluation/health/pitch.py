"""Pitch: how clear it is, which notes there are, and whether there is only one."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding
from rawtone.evaluation.health.sound import Floats, Sound, Spectrogram

ONE_NOTE = Scale(least=0.9, sure=0.98, margin=0.6)
LOWEST_MIDI, HIGHEST_MIDI = 36, 84  # 65 Hz to 1 kHz, as fundamentals
_HARMONICS, _FADING = 8, 0.84
_CHROMA_LOWEST, _CHROMA_HIGHEST = 100.0, 2_000.0
_SALIENT = 0.25
_AUDIBLE_DB = 30.0


@dataclass(frozen=True)
class Pitch:
    """What is heard of pitch.

    Attributes:
        salience: how clear a pitch there is, in the median of the audible frames, 0..1: the share
            of the amplitude that lies on the partials of the best note.
        chroma: float64 [12], from C: shares of the power by pitch class, octaves together.
        one_note: share of the audible time on the commonest pitch class; 0 where hardly any of it
            has a clear pitch.
    """

    salience: float
    chroma: Floats
    one_note: float


def pitch(sound: Sound) -> Pitch:
    """Hear the pitches of a clip.

    Salience is that of Klapuri, "Multiple fundamental frequency estimation by summing harmonic
    amplitudes" (2006), sections 2.1 and 2.3, with partials that weigh 0.84 of the one below.
    """
    spectrum = sound.narrow
    audible = spectrum.level > spectrum.level.max() - _AUDIBLE_DB
    weights = _combs(len(spectrum.hertz), float(spectrum.hertz[1]))
    amplitude = np.sqrt(spectrum.power[audible])
    summed = amplitude @ weights / np.maximum(amplitude.sum(axis=1, keepdims=True), 1e-9)
    best, salience = summed.argmax(axis=1), summed.max(axis=1)
    clear = salience > _SALIENT
    counts = np.bincount((best[clear] + LOWEST_MIDI) % 12, minlength=12)
    one_note = float(counts.max() / len(best)) if clear.mean() > 0.5 else 0.0
    return Pitch(float(np.median(salience)), _chroma(spectrum), one_note)


@cache
def _combs(bins: int, bin_hertz: float) -> Floats:
    """Return the weights of the partials of every note, float64 [bins, notes]."""
    midi = np.arange(LOWEST_MIDI, HIGHEST_MIDI + 1)
    weights: Floats = np.zeros((bins, len(midi)))
    for partial in range(1, _HARMONICS + 1):
        centre = partial * 440.0 * 2.0 ** ((midi - 69) / 12.0) / bin_hertz
        lower = np.floor(centre).astype(np.int64)
        for place in (lower, lower + 1):
            column = np.flatnonzero(place < bins)
            row = place[column]
            weights[row, column] = np.maximum(weights[row, column], _FADING ** (partial - 1))
    return weights


def _chroma(spectrum: Spectrogram) -> Floats:
    band = spectrum.bins(_CHROMA_LOWEST, _CHROMA_HIGHEST)
    power = spectrum.power.sum(axis=0)[band]
    classes = np.round(69 + 12 * np.log2(spectrum.hertz[band] / 440.0)).astype(np.int64) % 12
    sums = np.asarray(np.bincount(classes, power, minlength=12), np.float64)
    return sums / max(float(sums.sum()), 1e-12)


def find(measured: Pitch, limit: float) -> list[Finding]:
    """Tell a clip that has one note only, however often it is struck.

    Args:
        measured: what is heard of pitch.
        limit: share of the time on one pitch class that no recording exceeds.
    """
    if measured.one_note <= limit:
        return []
    return [Finding("the same note all the time", 0.0, 0.5, "note")]
