"""The demo corpus as a person's folder of music would hold it: several formats, rates and tags."""

import io
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from rawtone.audio import ffmpeg
from rawtone.corpus.demo.synthesizer import Signal, render, tone
from rawtone.corpus.demo.tunes import TUNES, Tune
from rawtone.files import atomic, write_atomically

SINE_HERTZ, SINE_SAMPLE_RATE, SINE_SECONDS = 440.0, 22_050, 10
_RIGHT_GAIN = 0.75  # stereo files sit a little to the left, so that a mixdown has work to do


@dataclass(frozen=True)
class FileFormat:
    """How a tune is stored."""

    suffix: Literal["wav", "flac", "ogg", "mp3"]
    sample_rate: int
    channels: Literal[1, 2]
    bits: Literal[16, 24] = 16


FORMATS = {
    "amazing-grace": FileFormat("mp3", 32_000, 1),
    "frere-jacques": FileFormat("wav", 48_000, 1, bits=24),
    "jingle-bells": FileFormat("wav", 22_050, 1),
    "largo-new-world": FileFormat("flac", 48_000, 2),
    "lightly-row": FileFormat("ogg", 32_000, 1),
    "london-bridge": FileFormat("mp3", 44_100, 2),
    "lullaby": FileFormat("mp3", 48_000, 1),
    "michael-row": FileFormat("flac", 22_050, 1),
    "morning-mood": FileFormat("ogg", 44_100, 2),
    "ode-to-joy": FileFormat("wav", 44_100, 2),
    "oh-susanna": FileFormat("ogg", 48_000, 2),
    "twinkle": FileFormat("flac", 44_100, 1),  # lossless, so that its silence is digital silence
}

_ENCODERS = {
    "wav": ["-c:a", "pcm_s16le"],
    # Prediction from fixed integer coefficients: nothing that could round differently.
    "flac": ["-c:a", "flac", "-lpc_type", "fixed"],
    "ogg": ["-c:a", "libvorbis", "-q:a", "6"],
    "mp3": ["-c:a", "libmp3lame", "-b:a", "160k"],
}


def write_demo(folder: Path) -> list[Path]:
    """Write all tunes into sub-folders by genre.

    Args:
        folder: Where to; made if absent. Files of the same names are replaced.

    Returns:
        The paths of the files, sorted.

    Raises:
        ffmpeg.FfmpegError: The encoder failed.
        OSError: The folder cannot be written.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        return sorted(pool.map(lambda tune: _write_tune(folder, tune), TUNES))


def write_sine(path: Path) -> None:
    """Write a sine of 440 Hz: 10 s, mono, 22,050 Hz, 8 bit unsigned.

    A model that cannot learn this signal has a mistake in it.

    Args:
        path: The wav file to write.
    """
    signal = tone(SINE_HERTZ, SINE_SAMPLE_RATE, SINE_SECONDS * SINE_SAMPLE_RATE)
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(SINE_SAMPLE_RATE)
        file.writeframes(np.floor(signal * 127.0 + 128.5).astype(np.uint8).tobytes())
    write_atomically(path, content.getvalue())


def _write_tune(folder: Path, tune: Tune) -> Path:
    stored = FORMATS[tune.name]
    path = folder / tune.genre / f"{tune.name}.{stored.suffix}"
    sample_format, encoder = ("s16le", _ENCODERS[stored.suffix])
    if stored.bits == 24:
        sample_format, encoder = ("s32le", ["-c:a", "pcm_s24le"])
    raw = ["-f", sample_format, "-ar", str(stored.sample_rate), "-ac", str(stored.channels)]
    pcm = _pcm(render(tune, stored.sample_rate), stored)
    with atomic(path) as temporary:
        output = [*encoder, *_tags(tune), "-y", f"file:{temporary}"]
        ffmpeg.run([*raw, "-i", "pipe:0", *output], stdin=pcm)
    return path


def _pcm(signal: Signal, stored: FileFormat) -> bytes:
    gains = np.array([1.0, _RIGHT_GAIN][: stored.channels])
    full_scale = float(2 ** (stored.bits - 1) - 1)
    codes = np.floor(signal[:, np.newaxis] * gains * full_scale + 0.5)
    if stored.bits == 16:
        return bytes(codes.astype("<i2"))
    return bytes(codes.astype("<i4") << 8)  # ffmpeg reads 24 bits as the upper part of 32


def _tags(tune: Tune) -> list[str]:
    tags = {
        "title": tune.title,
        "artist": tune.composer,
        "genre": tune.genre,
        "date": str(tune.year),
        "copyright": tune.licence,
    }
    return [part for key, value in tags.items() for part in ("-metadata", f"{key}={value}")]
