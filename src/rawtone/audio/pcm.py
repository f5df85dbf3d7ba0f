"""16-bit PCM in wav files: whole, in parts, and block by block."""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Shape:
    """The extent of a wav: samples of each channel, channels, samples a second."""

    samples: int
    channels: int
    sample_rate: int


def shape(path: Path) -> Shape:
    """Read the extent of a wav from its header."""
    info = soundfile.info(path)
    return Shape(info.frames, info.channels, info.samplerate)


def read(path: Path, start: int = 0, samples: int = -1) -> Pcm:
    """Read a part of a wav.

    Args:
        path: The wav.
        start: The first sample.
        samples: How many, -1 for all that follow.

    Returns:
        int16 [samples] if mono, otherwise [samples, channels].
    """
    read_samples, _ = soundfile.read(path, frames=samples, start=start, dtype="int16")
    return np.asarray(read_samples, np.int16)


def read_parts(path: Path, parts: Iterable[tuple[int, int]]) -> Iterator[Pcm]:
    """Read parts of a wav, one after the other.

    Args:
        path: The wav.
        parts: The first sample and the number of samples of each.

    Yields:
        int16 [samples] if mono, otherwise [samples, channels].
    """
    with soundfile.SoundFile(path) as file:
        for start, samples in parts:
            file.seek(start)
            yield np.asarray(file.read(samples, dtype="int16"), np.int16)


def write(path: Path, samples: Pcm, sample_rate: int) -> None:
    """Write a wav of 16-bit PCM.

    Args:
        path: The wav to write.
        samples: int16 [samples] or [samples, channels].
        sample_rate: Samples a second.
    """
    soundfile.write(path, samples, sample_rate, subtype="PCM_16", format="WAV")


def write_blocks(path: Path, samples: Iterable[Pcm], sample_rate: int) -> None:
    """Write a wav of any length in bounded memory.

    Args:
        path: The wav to write.
        samples: int16 [n, channels], block by block; there is one at least.
        sample_rate: Samples a second.
    """
    rest = iter(samples)
    first = next(rest)
    kind = {"subtype": "PCM_16", "format": "WAV"}
    with soundfile.SoundFile(path, "w", sample_rate, first.shape[1], **kind) as wav:
        wav.write(first)
        for block in rest:
            wav.write(block)


def raw_blocks(path: Path, channels: int, before: Pcm | None = None) -> Iterator[Pcm]:
    """Read samples that lie in a file without a header, in bounded memory.

    Args:
        path: int16, little-endian, channels interleaved.
        channels: 1 or 2.
        before: int16 [samples] or [samples, channels] that come first.

    Yields:
        int16 [samples, channels].
    """
    yield (np.zeros(0, np.int16) if before is None else before).reshape(-1, channels)
    with path.open("rb") as samples:
        while block := samples.read(2 * channels * _BLOCK):
            yield np.frombuffer(block, "<i2").reshape(-1, channels)


def endless_header(channels: int, sample_rate: int) -> bytes:
    """Return the header of a wav whose length nobody knows yet, for a pipe.

    Args:
        channels: 1 or 2.
        sample_rate: Samples a second.
    """
    unknown, width = 0xFFFFFFFF, 2 * channels
    form = struct.pack("<IHHIIHH", 16, 1, channels, sample_rate, width * sample_rate, width, 16)
    sizes = struct.pack("<I", unknown)
    return b"RIFF" + sizes + b"WAVEfmt " + form + b"data" + sizes


def blocks(path: Path, size: int | None = None) -> Iterator[Pcm]:
    """Read a wav of any length in bounded memory.

    Args:
        path: The wav.
        size: Samples in a block, of which the last one may be shorter; None for a good one.

    Yields:
        int16 [samples, channels].
    """
    with soundfile.SoundFile(path) as file:
        while len(block := file.read(size or _BLOCK, dtype="int16", always_2d=True)):
            yield block


@dataclass(frozen=True)
class Content:
    """What a wav holds: samples of each channel, the largest magnitude, `sha256` of all."""

    samples: int
    peak: int
    sha256: str


def content(path: Path) -> Content:
    """Read a wav once, in bounded memory, for all that tells of its content."""
    digest, samples, peak = hashlib.sha256(), 0, 0
    for block in blocks(path):
        digest.update(np.ascontiguousarray(block, "<i2").data)
        samples += len(block)
        peak = max(peak, int(block.max()), -int(block.min()))
    return Content(samples, peak, digest.hexdigest())


def sha256(path: Path) -> str:
    """Return the SHA-256 of a wav's samples alone (little-endian, channels interleaved)."""
    return content(path).sha256
