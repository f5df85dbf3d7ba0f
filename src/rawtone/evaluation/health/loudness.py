"""Loudness and its range, for clips in memory: ITU-R BS.1770-4 and EBU Tech 3342.

Stage convert leaves this to ffmpeg, which reads files. Here the K-weighting is applied to power
spectra instead of samples, so that a clip needs no process of its own.
"""

import math
from dataclasses import dataclass

import numpy as np

from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding
from rawtone.evaluation.health.sound import (
    QUIETEST_POWER,
    Floats,
    Sound,
    decibels,
    spectrogram,
)

QUIET_LUFS = Scale(least=40.0, sure=70.0, margin=0.35)  # of loudness with its sign turned
LOUD_LUFS = Scale(least=-14.0, sure=0.0, margin=0.4)
_LOUDEST_DB, _LOUD, _LOUDEST = 12.0, 0.3, 0.9  # so far above the limit; severities there
_SILENCE_LUFS = -70.0
_OFFSET_DB = -0.691
_MOMENT_SECONDS, _SHORT_TERM_SECONDS = 0.4, 3.0
# BS.1770-4, annex 1, tables 1 and 2: for 48 kHz
_SHELF = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (-1.69065929318241, 0.73248077421585),
)
_HIGH_PASS = ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621))


@dataclass(frozen=True)
class Loudness:
    """Integrated loudness in LUFS (-70 if nothing passes the gate), and its range in LU."""

    integrated: float
    range: float


def loudness(sound: Sound) -> Loudness:
    """Measure the loudness of a clip of one or two channels."""
    spectrum = sound.narrow
    spectra = [spectrum]
    if sound.channels.shape[1] > 1:
        size = (sound.rate, spectrum.window_seconds, spectrum.hop_seconds)
        spectra = [spectrogram(channel, *size) for channel in sound.channels.T]
    power: Floats = sum(each.power for each in spectra) @ _k_weighting(spectrum.hertz)
    moments = _means(power, _MOMENT_SECONDS / spectrum.hop_seconds)
    short = decibels(_means(power, _SHORT_TERM_SECONDS / spectrum.hop_seconds)) + _OFFSET_DB
    gated = short[short > _SILENCE_LUFS]
    if not len(gated):
        return Loudness(_SILENCE_LUFS, 0.0)
    mean = float(10.0 * np.log10(np.mean(10.0 ** (gated / 10.0))))
    low, high = np.percentile(gated[gated > mean - 20.0], (10, 95))
    return Loudness(_integrated(moments), float(high - low))


def _integrated(moments: Floats) -> float:
    """Gate as BS.1770-4 does, first at -70 LUFS, then 10 LU below what is left."""
    for gate in (_SILENCE_LUFS, None):
        levels = decibels(moments) + _OFFSET_DB
        least = gate if gate is not None else _mean(moments) - 10.0
        moments = moments[levels > least]
        if not len(moments):
            return _SILENCE_LUFS
    return _mean(moments)


def _mean(moments: Floats) -> float:
    return 10.0 * math.log10(max(float(moments.mean()), QUIETEST_POWER)) + _OFFSET_DB


def _means(power: Floats, frames: float) -> Floats:
    count = min(max(1, round(frames)), len(power))
    means: Floats = np.convolve(power, np.ones(count) / count, "valid")
    return means


def _k_weighting(hertz: Floats) -> Floats:
    turn = np.exp(-2j * np.pi * hertz / 48_000.0)
    gain = np.ones(len(hertz))
    for (b0, b1, b2), (a1, a2) in (_SHELF, _HIGH_PASS):
        response = (b0 + b1 * turn + b2 * turn**2) / (1.0 + a1 * turn + a2 * turn**2)
        gain *= np.square(np.abs(response))
    return gain


def find(measured: Loudness, quiet: float, loud: float) -> list[Finding]:
    """Tell a clip that is far quieter or far louder than the recordings.

    Args:
        measured: its loudness.
        quiet: in LUFS with its sign turned; a clip is quiet if it measures more.
        loud: in LUFS; a clip is too loud if it measures more.
    """
    told = f"({measured.integrated:.0f} LUFS)"
    if -measured.integrated > quiet:
        return [Finding(f"very quiet {told}", 0.0, 0.3, "level")]
    if measured.integrated > loud:
        above = measured.integrated - loud
        severity = float(np.interp(above, (0.0, _LOUDEST_DB), (_LOUD, _LOUDEST)))
        return [Finding(f"far too loud {told}", 0.0, severity, "level")]
    return []
