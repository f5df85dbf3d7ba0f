"""Clipping, and an offset from the centre line."""

import numpy as np

from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding
from rawtone.evaluation.health.sound import Flags, Floats, Sound, runs

SHARE = Scale(least=0.0005, sure=0.2, margin=0.0025)
OFFSET = Scale(least=0.02, sure=1.0, margin=0.02)
_NEAR = 0.999  # of the highest or lowest sample
_LEAST_PEAK = 0.5
_RUN = 3


def clipped(sound: Sound) -> Flags:
    """Tell which samples are clipped: three or more in a row at the highest or lowest value.

    Returns:
        bool [samples], true where any channel is clipped. The extremes are those of the clip, of
        half of full scale or more, since the highest code of a quantizer may stand for less.
    """
    flags = np.zeros(len(sound.pcm), bool)
    for channel in sound.channels.T:
        for side in (channel, -channel):
            top = side.max()
            if top >= _LEAST_PEAK:
                flags |= _in_runs(side >= _NEAR * top)
    return flags


def _in_runs(flags: Flags) -> Flags:
    kept = np.zeros_like(flags)
    for start, stop in runs(flags):
        kept[start:stop] = stop - start >= _RUN
    return kept


def offset(sound: Sound) -> float:
    """Return the mean of the samples, 1 at full scale, of the channel furthest from 0."""
    means: Floats = sound.channels.mean(axis=0)
    return float(means[np.argmax(np.abs(means))])


def find(flags: Flags, rate: int, offset: float, limits: dict[str, float]) -> list[Finding]:
    """Tell clipping and an offset that the recordings do not have.

    Args:
        flags: bool [samples], which are clipped.
        rate: samples a second.
        offset: mean of the samples.
        limits: `clipped_share` of the samples, `offset` of their mean.
    """
    findings, share = [], float(flags.mean())
    if share > limits["clipped_share"]:
        severity = min(0.9, 0.25 + share**0.5)
        begins = float(np.argmax(flags)) / rate
        findings.append(Finding(f"clipped ({share:.1%} of it)", begins, severity, "clipping"))
    if abs(offset) > limits["offset"]:
        words = f"off centre (by {abs(offset):.0%} of full scale)"
        findings.append(Finding(words, 0.0, min(0.5, 2 * abs(offset)), "offset"))
    return findings
