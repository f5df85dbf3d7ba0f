"""Random numbers that depend on a stream's seed and the sample's index alone."""

import numpy as np

LEAST = 2.0**-25  # of all numbers


def uniforms(seed: int, start: int, count: int) -> np.ndarray:
    """Return two uniform numbers each for samples start … start + count - 1 of a stream.

    They come from a counter-based generator (Philox 4x64, Salmon et al. 2011), so any stretch can
    be had without those before it.

    Args:
        seed: the stream's seed.
        start: index of the first sample.
        count: how many.

    Returns:
        float32 [count, 2] above 0 and below 1: multiples of 2**-24, and 2**-25 in place of 0, by
        which the first code would be drawn, however unlikely it is.
    """
    block, skip = divmod(start, 4)
    generator = np.random.Philox(key=seed, counter=block)
    raw = generator.random_raw(skip + count)[skip:]
    halves = np.stack([raw >> np.uint64(40), raw >> np.uint64(8) & np.uint64(0xFFFFFF)], axis=1)
    return np.maximum(halves * 2.0**-24, LEAST).astype(np.float32)
