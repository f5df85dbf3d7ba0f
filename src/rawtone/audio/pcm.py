"""16-bit PCM in wav files: whole, in parts, and block by block."""

import hashlib
import struct
import wave
from collections.abc import Iterable, Iterator
from contextlib import closing
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
    with closing(_opened(path)) as file:
        return file.shape


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
    with closing(_opened(path)) as file:
        for start, samples in parts:
            file.seek(start)
            part = file.read(samples)
            yield part if part.shape[1] > 1 else part[:, 0]


class _Plain:
    """A whole wav of 16 bits, of 4 GB at most, by the standard library: libsndfile opens slower."""

    def __init__(self, path: Path) -> None:
        self._file = file = wave.open(str(path))  # noqa: SIM115 closed by `close`
        self.shape = Shape(file.getnframes(), file.getnchannels(), file.getframerate())
        self.seek, self.close = file.setpos, file.close
        if file.getsampwidth() != 2 or not self._is_whole():
            file.close()
            raise wave.Error

    def _is_whole(self) -> bool:
        last = max(0, self.shape.samples - 1)
        self.seek(last)
        found = self._file.readframes(1)
        self.seek(0)
        return len(found) == 2 * self.shape.channels * (self.shape.samples - last)

    def read(self, samples: int) -> Pcm:
        return np.frombuffer(self._file.readframes(samples), "<i2").reshape(-1, self.shape.channels)


class _Any:
    """A wav of any kind, or what is left of it, by libsndfile."""

    def __init__(self, path: Path) -> None:
        self._file = file = soundfile.SoundFile(path)
        self.shape = Shape(file.frames, file.channels, file.samplerate)
        self.seek, self.close = file.seek, file.close

    def read(self, samples: int) -> Pcm:
        return np.asarray(self._file.read(samples, dtype="int16", always_2d=True), np.int16)


def _opened(path: Path) -> _Plain | _Any:
    try:
        return _Plain(path)
    except (wave.Error, EOFError):
        return _Any(path)


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
    with closing(_opened(path)) as file:
        while len(block := file.read(size or _BLOCK)):
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
