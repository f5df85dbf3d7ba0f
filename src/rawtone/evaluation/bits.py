"""Bits per sample on held-out audio, exactly as a model hears it, and what it has to beat."""

import io
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import soundfile
from numpy.typing import NDArray

from rawtone.training.batches import Batch


def first_unheard(
    tracks: Sequence[str], starts: NDArray[np.int64], size: int, overlap: int
) -> NDArray[np.int64]:
    """Return the first sample of each chunk that the chunk before it does not hold, too.

    Args:
        tracks: the track of each chunk, the chunks of a track side by side and in order.
        starts: int64 [chunks], where each begins in its track, in samples.
        size: samples in a whole chunk.
        overlap: samples that a chunk shares with its neighbour.

    Returns:
        int64 [chunks]: `overlap` where the chunk before it is its neighbour, else 0.
    """
    same_track = np.array([a == b for a, b in zip(tracks, ["", *tracks], strict=False)])
    neighbour = same_track & (np.diff(starts, prepend=0) == size - overlap)
    return np.where(neighbour, overlap, 0).astype(np.int64)


def loss_per_sample(batches: Iterable[Batch], loss: Callable[[Batch], float]) -> float:
    """Average a loss over batches, each sample counting once.

    Args:
        batches: in which every sample is predicted once.
        loss: of a batch, weighted and summed.

    Returns:
        The loss per sample, in the unit of `loss`.
    """
    total, count = 0.0, 0.0
    for batch in batches:
        total += loss(batch)
        count += float(batch.weights.sum())
    return total / count


def entropy_bits(codes: NDArray[np.integer], levels: int) -> float:
    """Return the order-0 entropy: what a coder needs that knows the histogram and nothing else.

    Args:
        codes: [samples] or [samples, channels], below `levels`.
        levels: number of codes.

    Returns:
        Bits per sample of a channel.
    """
    shares = np.bincount(codes.ravel(), minlength=levels) / codes.size
    present = shares[shares > 0]
    return float(-(present * np.log2(present)).sum())


def order_1_bits(codes: NDArray[np.integer], levels: int) -> float:
    """Return what a coder needs that counts as it goes which code follows which (order 1).

    It knows no counts beforehand, and estimates probabilities as Krichevsky & Trofimov ("The
    performance of universal encoding", 1981): every code counts as seen half a time. The length of
    all is the same in whatever order: with n(c) times code c before, n(c, x) times followed by x,
    and K levels it is ln Γ(n(c) + K/2) - ln Γ(K/2) - Σ [ln Γ(n(c, x) + 1/2) - ln Γ(1/2)], summed
    over c. The first code of a channel costs log2 K.

    Args:
        codes: [samples] or [samples, channels], below `levels`; channels share the counts.
        levels: number of codes.

    Returns:
        Bits per sample of a channel.
    """
    before, after = codes[:-1].astype(np.int64), codes[1:].astype(np.int64)
    pairs, times = np.unique(before * levels + after, return_counts=True)
    _, first = np.unique(pairs // levels, return_index=True)
    contexts = np.add.reduceat(times, first) if len(times) else times
    nats = _log_rising(contexts, levels / 2) - _log_rising(times, 0.5)
    firsts = codes[:1].size * math.log2(levels)
    return (nats / math.log(2) + firsts) / codes.size


def _log_rising(counts: NDArray[np.int64], start: float) -> float:
    """Return the sum of ln Γ(count + start) - ln Γ(start)."""
    found, times = np.unique(counts, return_counts=True)
    values = [math.lgamma(count + start) - math.lgamma(start) for count in found.tolist()]
    return float(np.dot(values, times)) if values else 0.0


def flac_bits(codes: NDArray[np.integer], levels: int, sample_rate: int) -> float:
    """Return the size of the codes as FLAC at its highest compression level.

    Args:
        codes: [samples] or [samples, channels], below `levels`; up to 256 levels are stored as 8
            bits, others as 16.
        levels: number of codes.
        sample_rate: only written into the header.

    Returns:
        Bits per sample of a channel, the file's header included.
    """
    bits = 8 if levels <= 256 else 16
    centred = (codes.astype(np.int32) - levels // 2) << (16 - bits)
    file = io.BytesIO()
    subtype = "PCM_S8" if bits == 8 else "PCM_16"
    pcm = centred.astype(np.int16)
    soundfile.write(file, pcm, sample_rate, format="FLAC", subtype=subtype, compression_level=1.0)
    return 8 * len(file.getvalue()) / codes.size
