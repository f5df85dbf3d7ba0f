"""Noise and hiss: what lies between the tones, and from when on.

A tone has power where its partials are and little between them; noise has power everywhere and all
the time. So the measure of noise is a floor: of every frequency, the level that it reaches or
exceeds for four fifths of a second, against the mean power. It is spectral flatness (geometric by
arithmetic mean), with a low quantile over time. Two floors are taken: that of the whole band tells
white noise added to music (hiss), that within narrow bands, weighted by their power, noise of any
colour.
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
    joined,
    longest,
    step,
    sustained,
)

NOISE_DB = Scale(least=-11.0, sure=-6.8, margin=0.25)
HISS_DB = Scale(least=-20.5, sure=-6.8, margin=0.14)
LOWEST_HERTZ, HIGHEST = 100.0, 0.9  # of half the sample rate: resamplers leave a gap above
_QUANTILE = 20
_WINDOW_SECONDS, _STEP_SECONDS = 1.0, 0.128
_BAND_HERTZ, _BAND_SHARE = 120.0, 0.26  # bands of a third of an octave, of 120 Hz at least
_REACH_SECONDS, _EARLY_SECONDS = 0.4, 0.2  # a window is noisy before it is all noise
_AUDIBLE_DB = 35.0  # below the loudest window; quieter ones are as good as silent
_HELD, _HELD_HISS, _GAP = 5, 12, 4  # windows: 0.5 s, 1.5 s; a loud chord hisses, too
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
        """The highest floors that are kept for half a second, of hiss for a second and a half."""
        return {
            "noise_db": sustained(self.noise, _HELD),
            "hiss_db": sustained(self.hiss, _HELD_HISS),
        }


def floors(sound: Sound) -> Floors:
    """Measure the floors of a clip; windows that are as good as silent have minus infinity."""
    spectrum = sound.narrow
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
        firsts.astype(np.float64) * spectrum.hop_seconds,
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
    noisy = joined((measured.noise > limits["noise_db"]) | (measured.hiss > mere), _HELD, _GAP)
    hissing = joined(measured.hiss > limits["hiss_db"], _HELD_HISS, _GAP)
    first, stop = longest(noisy | hissing)
    if stop == first:
        return []
    kind = "noise" if noisy[first:stop].mean() >= 0.5 else "hiss"
    stretch = _stretch(sound, measured, first, stop, _course(sound, kind))
    bad = 0.95 if kind == "noise" else _hiss_severity(float(np.median(measured.hiss[first:stop])))
    return [Finding(stretch.words(kind), stretch.start, bad * (0.3 + 0.7 * stretch.share), kind)]


def _course(sound: Sound, kind: str) -> Floats:
    """Return what steps up where noise begins, of every narrow frame, dB, float64 [frames].

    For hiss, the level of what is quiet in the band; for noise, its flatness within bands.
    """
    spectrum = sound.narrow
    band = spectrum.bins(LOWEST_HERTZ, HIGHEST * sound.rate / 2)
    logs, power = spectrum.decibels[:, band], spectrum.power[:, band]
    if kind == "hiss":
        quiet: Floats = np.percentile(logs, _QUANTILE, axis=1)
        return quiet
    return _by_band(logs, power, _edges(spectrum.hertz[band]))


def _stretch(sound: Sound, measured: Floors, first: int, stop: int, course: Floats) -> Stretch:
    start, end = float(measured.starts[first]), sound.seconds
    hop, half = sound.narrow.hop_seconds, sound.narrow.window_seconds / 2
    reach = round(_REACH_SECONDS / hop)
    if first > 0:
        start = step(course, round((start + _EARLY_SECONDS) / hop), reach) * hop + half
    if stop < len(measured.starts):
        late = float(measured.starts[stop - 1]) + measured.window - _EARLY_SECONDS
        end = step(-course, round(late / hop), reach) * hop + half
    return Stretch(start, max(start, end), sound.seconds)


def _hiss_severity(floor_db: float) -> float:
    return float(np.interp(floor_db, (-24.0, -10.0), (0.2, 0.9)))
