"""Chromaprint fingerprints, by which two encodings of one recording are told to be the same.

A fingerprint is a row of 32-bit words, each of which tells of the harmony in two seconds or so, one
word for every eighth of a second. Other encoders, rates, levels and mixes to mono flip few bits.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SECONDS = 120  # the beginning of a recording that is looked at
Words = NDArray[np.uint32]

_NEIGHBOURS = 8  # a word's places are compared with so many of the next ones
_LONG = 300  # words
_OFFSETS = 1 << 12  # more than the words of a fingerprint, twice
_FEWEST_SHARED = 3  # different words at one offset that make two worth comparing
_FEWEST_COMPARED = 16  # words, about two seconds beyond what the first one needs
_LEAST_OVERLAP = 0.5  # of the shorter of the two
_MOST_DIFFERENT_BITS = 0.17  # of the words compared; unrelated music differs in 0.4 to 0.5


def words(fingerprint: str) -> Words:
    """Return the words of a fingerprint written in hexadecimal digits, eight to a word."""
    return np.frombuffer(bytes.fromhex(fingerprint), ">u4").astype(np.uint32)


def text(raw: bytes) -> str:
    """Write a fingerprint, as ffmpeg gives it (little-endian words), in hexadecimal digits."""
    return np.frombuffer(raw, "<u4").astype(">u4").tobytes().hex()


def alike(fingerprints: Mapping[str, Words]) -> list[tuple[str, str]]:
    """Find the pairs that are of one recording.

    Args:
        fingerprints: Words by name.

    Returns:
        Pairs of names, the first of which stands before the second in `fingerprints`; in the order
        of the second. Whether two are a pair does not depend on what stands behind them.
    """
    names = list(fingerprints)
    rows = list(fingerprints.values())
    pairs = {(a, b) for a, b, offset in _candidates(rows) if _same(rows[a], rows[b], offset)}
    return [(names[a], names[b]) for b, a in sorted((b, a) for a, b in pairs)]


def _candidates(rows: Sequence[Words]) -> Iterator[tuple[int, int, int]]:
    """Find pairs that share some words at one offset: first, second, words the second is late."""
    if not rows:
        return
    places = [_telling(row) for row in rows]
    place = np.concatenate(places)
    row_of = np.repeat(np.arange(len(rows), dtype=np.int64), [len(found) for found in places])
    kept = np.concatenate([row[found] for row, found in zip(rows, places, strict=True)])
    order = np.argsort(kept, kind="stable")
    met = []
    for lag in range(1, _NEIGHBOURS + 1):
        one, other = order[:-lag], order[lag:]
        same = (kept[one] == kept[other]) & (row_of[one] != row_of[other])
        one, other = one[same], other[same]
        late = place[other] - place[one] + _OFFSETS // 2
        met.append((row_of[one] * len(rows) + row_of[other]) * _OFFSETS + late)
    pairs, shared = np.unique(np.concatenate(met), return_counts=True)
    for pair in pairs[shared >= _FEWEST_SHARED].tolist():
        rest, late = divmod(pair, _OFFSETS)
        yield (*divmod(rest, len(rows)), late - _OFFSETS // 2)


def _telling(row: Words) -> NDArray[np.int64]:
    """Return the places of the words to look for elsewhere: of a long row a quarter will do.

    Which words these are depends on the words, so that two long rows have the same ones.
    """
    if len(row) <= _LONG:
        return np.arange(len(row), dtype=np.int64)
    return np.flatnonzero((row * np.uint32(2654435761)) >> np.uint32(30) == 0)


def _same(one: Words, other: Words, offset: int) -> bool:
    """Tell whether one recording, from word -offset of the first on, is the other."""
    start, stop = max(0, -offset), min(len(one), len(other) - offset)
    compared = stop - start
    if compared < max(_FEWEST_COMPARED, _LEAST_OVERLAP * min(len(one), len(other))):
        return False
    different = one[start:stop] ^ other[start + offset : stop + offset]
    if len(np.unique(one[start:stop])) < _FEWEST_COMPARED // 2:
        return False  # a tone that goes on is like any other of its pitch
    return float(np.mean(np.bitwise_count(different))) < 32 * _MOST_DIFFERENT_BITS
