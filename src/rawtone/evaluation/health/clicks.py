"""Clicks: moments that stand out from what is before and after."""

import numpy as np

from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding
from rawtone.evaluation.health.sound import Floats, Sound

RATIO = Scale(least=6.0, sure=1000.0, margin=0.0025)
SEVERAL = 3  # fewer may be a plectrum, a key, a cut
_BLOCK_SECONDS = 0.002
_APART, _AROUND = 2, 10  # blocks
_INAUDIBLE = 0.01  # second difference, 1 at full scale


def prominence(sound: Sound) -> Floats:
    """Measure how far every 2 ms stand out from the 20 ms before and after.

    A click is in the treble and gone at once; an attack is followed by its note. So the treble is
    taken (second difference, its peak in 2 ms) against the louder of before and after (medians).

    Returns:
        float64 [blocks], ratios of amplitude.
    """
    size = max(2, round(_BLOCK_SECONDS * sound.rate))
    treble = np.abs(np.diff(sound.mono, 2, prepend=0.0, append=0.0))
    treble[0] = treble[-1] = 0.0
    peaks = treble[: len(treble) // size * size].reshape(-1, size).max(axis=1)
    reach = _APART + _AROUND
    padded = np.pad(peaks, reach, mode="symmetric")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, _AROUND + 1), axis=1)
    before = medians[: len(peaks)]
    after = medians[reach + _APART : reach + _APART + len(peaks)]
    result: Floats = peaks / np.maximum(np.maximum(before, after), _INAUDIBLE)
    return result


def evidence(prominences: Floats) -> float:
    """Return how far the third of the most prominent moments stands out."""
    return float(np.sort(_moments(prominences))[-SEVERAL]) if len(prominences) > SEVERAL else 0.0


def _moments(prominences: Floats) -> Floats:
    """Leave only the higher of neighbours, since a click may lie in two blocks."""
    padded = np.pad(prominences, 1)
    peak = (prominences >= padded[:-2]) & (prominences > padded[2:])
    result: Floats = np.where(peak, prominences, 0.0)
    return result


def places(prominences: Floats, limit: float) -> Floats:
    """Return where clicks are that stand out further than a limit, seconds."""
    found = np.flatnonzero(_moments(prominences) > limit)
    return found.astype(np.float64) * _BLOCK_SECONDS


def find(at: Floats, seconds: float) -> list[Finding]:
    """Tell clicks, of which there must be several.

    Args:
        at: where they are, seconds.
        seconds: length of the clip.
    """
    if len(at) < SEVERAL:
        return []
    severity = min(0.7, 0.1 + 0.2 * len(at) / seconds)
    return [Finding(f"{len(at)} clicks", float(at[0]), severity, "clicks")]
