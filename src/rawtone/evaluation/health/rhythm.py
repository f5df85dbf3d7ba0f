"""Rhythm: how often notes begin, and the tempo."""

import numpy as np

from rawtone.evaluation.health.sound import Floats, Sound

BANDS = 24
_LOWEST_HERTZ = 60.0
_FLOOR_DB = -50.0  # below the loudest band: quieter changes are not heard as beginnings
_MEAN_SECONDS, _LEAST_RISE_DB = 0.2, 1.5
_APART_SECONDS = 0.06
_SLOWEST, _FASTEST, _USUAL = 40.0, 240.0, 120.0  # beats a minute


def rises(sound: Sound) -> Floats:
    """Return how much louder each frame is than the last, mean over bands of the rises, dB.

    Spectral flux of log power in bands of equal width on a logarithmic scale (Dixon, "Onset
    detection revisited", 2006, with bands for bins).

    Returns:
        float64 [frames], 100 a second.
    """
    spectrum = sound.quick
    edges = np.geomspace(_LOWEST_HERTZ, sound.rate / 2, BANDS + 1)
    firsts = np.unique(np.searchsorted(spectrum.hertz, edges[:-1]))
    power = np.add.reduceat(spectrum.power, firsts, axis=1)
    level = 10.0 * np.log10(np.maximum(power, 1e-12))
    level = np.maximum(level, level.max() + _FLOOR_DB)
    risen: Floats = np.maximum(level[2:] - level[:-2], 0.0).mean(axis=1)
    return np.concatenate([np.zeros(2), risen])


def onsets(risen: Floats, hop_seconds: float) -> int:
    """Count the frames where notes begin: peaks that stand out from the mean around them."""
    around = min(round(_MEAN_SECONDS / hop_seconds), (len(risen) - 1) // 2)
    mean = np.convolve(risen, np.ones(2 * around + 1) / (2 * around + 1), "same")
    apart = max(1, round(_APART_SECONDS / hop_seconds))
    padded = np.pad(risen, apart)
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * apart + 1).max(axis=1)
    return int(np.sum((risen >= highest) & (risen > 1.5 * mean + _LEAST_RISE_DB)))


def tempo(risen: Floats, hop_seconds: float) -> float:
    """Return the tempo in beats a minute, 0 where nothing begins.

    The lag of the highest autocorrelation of the rises, weighted by a Gaussian of one octave
    around 120 (Ellis, "Beat tracking by dynamic programming", 2007, section 3.2).
    """
    centred = risen - risen.mean()
    lags = np.arange(round(60 / _FASTEST / hop_seconds), round(60 / _SLOWEST / hop_seconds) + 1)
    lags = lags[lags < len(centred) // 2]
    if not len(lags) or not np.any(centred):
        return 0.0
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    correlation = np.fft.irfft(np.square(np.abs(spectrum)))[lags]
    beats = 60.0 / (lags * hop_seconds)
    weights = np.exp(-0.5 * np.square(np.log2(beats / _USUAL)))
    return float(beats[np.argmax(correlation * weights)])
