"""Noise and hiss: what lies between the tones, and from when on.

A tone has power where its partials are and little between them; noise has power everywhere and all
the time. So the measure of noise is a floor: of every frequency, the level that it has or exceeds
for four fifths of a second, against the mean power. Two floors are taken. That of the whole band
tells white noise added to music (hiss) and is spectral flatness (geometric by arithmetic mean) with
a low quantile over time for the mean. That within narrow bands, weighted by their power, tells noise
of any colour.
"""

from dataclasses import dataclass

import numpy as np

from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding, Stretch
from rawtone.evaluation.health.sound import (
    Floats,
    Sound,
    Spectrogram,
    decibels,
    runs,
    step,
    sustained,
)

NOISE_DB = Scale(least=-11.0, sure=-6.8, margin=0.25)
HISS_DB = Scale(least=-21.0, sure=-6.8, margin=0.12)
LOWEST_HERTZ, HIGHEST = 100.0, 0.9  # of half the sample rate: resamplers leave a gap above
_QUANTILE = 20
_WINDOW_SECONDS, _STEP_SECONDS = 1.0, 0.128
_BAND_HERTZ, _BAND_SHARE = 120.0, 0.26  # bands of a third of an octave, of 120 Hz at least
_AUDIBLE_DB = 35.0  # below the loudest window; quieter ones are as good as silent
_HELD = 5  # windows: 0.5 s
_MERELY_NOISE_DB = -10.0  # a floor of the whole band this high leaves no music to be heard


@dataclass(frozen=True)
class Floors:
    """The floors of a clip over time, each float64 [windows] of 1 s, dB; audible windows only.

    Attributes:
        noise: within bands, by power.
        hiss: of the whole band.
        starts: where the windows begin, seconds.
        window: their length, seconds.
    """

    noise: Floats
    hiss: Floats
    starts: Floats
    window: float

    @property
    def evidence(self) -> dict[str, float]:
        """The highest floors that are kept for half a second."""
        return {
            "noise_db": sustained(self.noise, _HELD),
            "hiss_db": sustained(self.hiss, _HELD),
        }


def floors(sound: Sound) -> Floors:
    """Measure the floors of a clip; windows that are as good as silent have minus infinity."""
    spectrum = sound.wide
    band = spectrum.bins(LOWEST_HERTZ, HIGHEST * sound.rate / 2)
    frames = min(round(_WINDOW_SECONDS / spectrum.hop_seconds), len(spectrum.power))
    hop = max(1, round(_STEP_SECONDS / spectrum.hop_seconds))
    logs, power = spectrum.decibels[:, band], spectrum.power[:, band]
    edges = _edges(spectrum.hertz[band])
    firsts = np.arange(0, len(power) - frames + 1, hop)
    floor = np.array([np.percentile(logs[i : i + frames], _QUANTILE, axis=0) for i in firsts])
    mean = np.array([power[i : i + frames].mean(axis=0) for i in firsts])
    level = decibels(mean.mean(axis=1))
    audible = level > level.max() - _AUDIBLE_DB
    return Floors(
        np.where(audible, _by_band(floor, mean, edges), -np.inf),
        np.where(audible, floor.mean(axis=1) - level, -np.inf),
        firsts * spectrum.hop_seconds,
        (frames - 1) * spectrum.hop_seconds + spectrum.window_seconds,
    )


def _edges(hertz: Floats) -> list[int]:
    edges, low = [0], float(hertz[0])
    while low < hertz[-1]:
        low += max(_BAND_HERTZ, _BAND_SHARE * low)
        edges.append(int(np.searchsorted(hertz, low)))
    return edges[:-1]  # what is left at the top joins the band below


def _by_band(floor: Floats, mean: Floats, edges: list[int]) -> Floats:
    counts = np.diff(edges, append=floor.shape[1])
    power = np.add.reduceat(mean, edges, axis=1)
    each = np.add.reduceat(floor, edges, axis=1) / counts - decibels(power / counts)
    weighted: Floats = (each * power).sum(axis=1) / np.maximum(power.sum(axis=1), 1e-30)
    return weighted


def flatness(spectrum: Spectrogram, rate: int) -> Floats:
    """Return the spectral flatness of every frame, dB: 0 at the most, -2.5 for white noise."""
    band = spectrum.bins(LOWEST_HERTZ, HIGHEST * rate / 2)
    mean = decibels(spectrum.power[:, band].mean(axis=1))
    result: Floats = spectrum.decibels[:, band].mean(axis=1) - mean
    return result


def find(sound: Sound, measured: Floors, limits: dict[str, float]) -> list[Finding]:
    """Tell noise, or else hiss, that the recordings do not have.

    Args:
        sound: the clip.
        measured: its floors.
        limits: `noise_db` and `hiss_db`, of floors that are kept for half a second.
    """
    mere = max(_MERELY_NOISE_DB, limits["hiss_db"])
    noisy = (measured.noise > limits["noise_db"]) | (measured.hiss > mere)
    for flags, kind, severity in (
        (noisy, "noise", 0.95),
        (measured.hiss > limits["hiss_db"], "hiss", None),
    ):
        held = [(first, stop) for first, stop in runs(flags) if stop - first >= _HELD]
        if held:
            first, stop = max(held, key=lambda run: run[1] - run[0])
            stretch = _stretch(sound, measured, first, stop)
            bad = severity or _hiss_severity(float(np.median(measured.hiss[first:stop])))
            harm = bad * (0.3 + 0.7 * stretch.share)
            return [Finding(stretch.words(kind), stretch.start, harm, kind)]
    return []


def _stretch(sound: Sound, measured: Floors, first: int, stop: int) -> Stretch:
    spectrum, start = sound.wide, float(measured.starts[first])
    end = float(measured.starts[stop - 1]) + measured.window
    flat = flatness(spectrum, sound.rate)
    reach = round(0.6 / spectrum.hop_seconds)
    if first > 0:
        at = step(flat, round((start + 0.1) / spectrum.hop_seconds), reach)
        start = at * spectrum.hop_seconds + spectrum.window_seconds / 2
    if stop < len(measured.starts):
        at = step(-flat, round(end / spectrum.hop_seconds), reach)
        end = at * spectrum.hop_seconds + spectrum.window_seconds / 2
    else:
        end = sound.seconds
    return Stretch(max(0.0, start), max(start, end), sound.seconds)


def _hiss_severity(floor_db: float) -> float:
    return float(np.interp(floor_db, (-24.0, -10.0), (0.2, 0.9)))
