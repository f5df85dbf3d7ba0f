"""How loud audio is, in dBFS: 0 is an amplitude of 1, so a full-scale sine has an RMS of -3.01."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.pcm import Pcm

FULL_SCALE = 32768
BLOCK_SECONDS = 0.01


def dbfs(amplitude: float) -> float:
    """Convert an amplitude, 1 at full scale, to dBFS; 0 becomes minus infinity."""
    return 20.0 * math.log10(amplitude) if amplitude > 0 else -math.inf


def rms_dbfs(pcm: Pcm) -> float:
    """Return the RMS of all samples (of all channels) in dBFS.

    Args:
        pcm: int16 [samples] or [samples, channels]; none at all count as silence.
    """
    if pcm.size == 0:
        return -math.inf
    return _rms_dbfs(int(np.sum(np.square(pcm, dtype=np.int64))), pcm.size)


def _rms_dbfs(energy: int, samples: int) -> float:
    return dbfs(math.sqrt(energy / samples) / FULL_SCALE)


def peak_dbfs(pcm: Pcm) -> float:
    """Return the largest magnitude in dBFS, of int16 [samples] or [samples, channels]."""
    if pcm.size == 0:
        return -math.inf
    return dbfs(int(np.max(np.abs(pcm.astype(np.int32)))) / FULL_SCALE)


class Level(NamedTuple):
    """How loud audio is, and how long at most it is not.

    Attributes:
        rms_dbfs: See the function of this name.
        silence: Samples in the longest run of silent blocks.
    """

    rms_dbfs: float
    silence: int


def measure(pcm: Pcm, sample_rate: int, silence_dbfs: float) -> Level:
    """Measure how loud audio is, and its longest run that stays below a level.

    The RMS of every block of 10 ms is compared with the level, in the loudest channel, so that
    neither the zero crossings of a low note nor an instrument in one channel alone passes for
    silence or breaks it off.

    Args:
        pcm: int16 [samples] or [samples, channels]; none at all count as no silence.
        sample_rate: Samples a second.
        silence_dbfs: The level; a block of exactly this RMS is not silent.
    """
    if pcm.size == 0:
        return Level(-math.inf, 0)
    block = silence_block(sample_rate)
    energy = _block_energy(pcm, block)
    silent = np.concatenate(([False], ~_sounds(energy, len(pcm), block, silence_dbfs), [False]))
    edges = np.flatnonzero(silent[1:] != silent[:-1])
    borders = np.minimum(edges * block, len(pcm))
    longest = np.max(borders[1::2] - borders[::2], initial=0)
    return Level(_rms_dbfs(int(np.sum(energy)), pcm.size), int(longest))


def _block_energy(pcm: Pcm, block: int) -> NDArray[np.int64]:
    """Return the energy of each block in each channel; whole numbers, so exact on any machine."""
    energy = np.square(pcm.reshape(len(pcm), -1), dtype=np.int64)
    return np.asarray(np.add.reduceat(energy, np.arange(0, len(pcm), block), axis=0))


def _sounds(
    energy: NDArray[np.int64], samples: int, block: int, silence_dbfs: float
) -> NDArray[np.bool_]:
    lengths = np.full(len(energy), block)
    lengths[-1] = samples - block * (len(energy) - 1)
    power = np.max(energy, axis=1) / lengths / FULL_SCALE**2
    return np.asarray(power >= 10.0 ** (silence_dbfs / 10.0))


def silence_block(sample_rate: int) -> int:
    """Return the samples in a block of 10 ms, whose RMS tells whether it is silent."""
    return max(1, round(sample_rate * BLOCK_SECONDS))


def sounding(parts: Iterable[Pcm], sample_rate: int, silence_dbfs: float) -> tuple[int, int]:
    """Find what is left of audio when silence is taken from both ends.

    Args:
        parts: int16 [samples, channels] each, one after the other; all but the last are whole
            numbers of blocks of 10 ms.
        sample_rate: Samples a second.
        silence_dbfs: A block below this is silent, see `measure`.

    Returns:
        The first sample of the first block with sound, and the one after the last; twice 0 if there
        is none.
    """
    block, here, first, stop = silence_block(sample_rate), 0, 0, 0
    for part in parts:
        energy = _block_energy(part, block)
        loud = np.flatnonzero(_sounds(energy, len(part), block, silence_dbfs))
        if len(loud):
            first = first if stop else here + int(loud[0]) * block
            stop = here + min(int(loud[-1] + 1) * block, len(part))
        here += len(part)
    return first, stop
