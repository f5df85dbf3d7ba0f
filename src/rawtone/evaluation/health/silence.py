"""Silence: how much of a clip, and where."""

import numpy as np

from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding, Stretch
from rawtone.evaluation.health.sound import BLOCK_SECONDS, Floats, longest

BELOW_LOUD_DB = 40.0
HIGHEST_DBFS, LOWEST_DBFS = -50.0, -75.0
SHARE = Scale(least=0.3, sure=1.0, margin=0.2)
GAP_SECONDS = Scale(least=1.0, sure=20.0, margin=0.03)
_ALL, _MOST = 0.97, 0.5
_EXPLAINS = 0.8


def level(loud_dbfs: float) -> float:
    """Return the level below which a block of 10 ms is silent.

    Args:
        loud_dbfs: of the loud parts of the recordings; silence is 40 dB below, but never above -50
            nor below -75 dBFS.
    """
    return float(np.clip(loud_dbfs - BELOW_LOUD_DB, LOWEST_DBFS, HIGHEST_DBFS))


def share(blocks: Floats, silent_dbfs: float) -> float:
    """Return the share of the blocks, dBFS each, that are silent."""
    return float(np.mean(blocks < silent_dbfs))


def longest_seconds(blocks: Floats, silent_dbfs: float) -> float:
    """Return the length of the longest silence among blocks of 10 ms, dBFS each."""
    start, stop = longest(blocks < silent_dbfs)
    return (stop - start) * BLOCK_SECONDS


def find(blocks: Floats, silent_dbfs: float, limits: dict[str, float]) -> list[Finding]:
    """Tell silence that is more or longer than in the recordings.

    Args:
        blocks: level of every block of 10 ms, dBFS.
        silent_dbfs: below this, a block is silent.
        limits: `silent_share` of a clip, `silent_seconds` of its longest silence.
    """
    silent = blocks < silent_dbfs
    taken, (first, stop) = float(np.mean(silent)), longest(silent)
    gap = Stretch(first * BLOCK_SECONDS, stop * BLOCK_SECONDS, len(blocks) * BLOCK_SECONDS)
    if taken >= _ALL:
        return [Finding("silent", 0.0, 1.0, "silence")]
    if gap.stop - gap.start > limits["silent_seconds"] and gap.share >= _EXPLAINS * taken:
        return [Finding(gap.words("silent"), gap.start, _severity(gap.share), "silence")]
    if taken > limits["silent_share"]:
        words = "mostly silent" if taken > _MOST else "often silent"
        begins = float(np.argmax(silent)) * BLOCK_SECONDS
        return [Finding(words, begins, _severity(taken), "silence")]
    if gap.stop - gap.start > limits["silent_seconds"]:
        return [Finding(gap.words("silent"), gap.start, _severity(gap.share), "silence")]
    return []


def _severity(taken: float) -> float:
    return min(1.0, 0.2 + taken)
