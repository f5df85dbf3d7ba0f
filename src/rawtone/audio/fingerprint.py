"""Short fingerprints of audio, by which to tell how far two recordings are the same."""

import binascii
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rawtone.audio import pcm

BLOCK = 1000  # samples


def fingerprint(samples: NDArray[np.int16]) -> str:
    """Return a checksum of every thousand samples.

    Args:
        samples: int16 PCM, [samples] or [samples, channels].

    Returns:
        Four hexadecimal digits (CRC-16 of little-endian bytes) for each block, the last one of
        which may be shorter.
    """
    blocks = range(0, len(samples), BLOCK)
    parts = (samples[start : start + BLOCK].astype("<i2").tobytes() for start in blocks)
    return "".join(f"{binascii.crc_hqx(part, 0):04x}" for part in parts)


def fingerprint_of(wav: Path) -> str:
    """Return the fingerprint of a wav of any length, in bounded memory."""
    return "".join(fingerprint(block) for block in pcm.blocks(wav, 100 * BLOCK))


def same_samples(one: str, other: str) -> int:
    """Return how many samples from the beginning are the same, rounded down to a block.

    Args:
        one: the fingerprint of a recording.
        other: that of another.
    """
    equal = 0
    while equal < min(len(one), len(other)) and one[equal : equal + 4] == other[equal : equal + 4]:
        equal += 4
    return equal // 4 * BLOCK
