"""The codes of a part of a recording, for clips to go on from."""

import logging
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rawtone import files
from rawtone.audio import ffmpeg, levels, pcm
from rawtone.audio.quantizers import Quantizer
from rawtone.corpus.tracks import NO_SOUND_BELOW_DBFS
from rawtone.errors import UserError
from rawtone.settings import Prime

_WHERE = "sampling.prime"

_log = logging.getLogger("rawtone")


def codes(
    prime: Prime, sha256: str, quantizer: Quantizer, sample_rate: int, channels: int
) -> NDArray[np.int32]:
    """Decode the part of a recording to the format of an experiment.

    Args:
        prime: which part.
        sha256: that the recording's bytes have to have.
        quantizer: of the experiment.
        sample_rate: samples a second.
        channels: 1 or 2.

    Returns:
        int32 [samples], of stereo [samples, 2].

    Raises:
        UserError: the recording is not there or another one, ffmpeg cannot decode it, or it ends
            before the part does.
    """
    path = Path(prime.recording).expanduser()
    _check_bytes(path, prime.recording, sha256)
    try:
        heard = _decoded(path, prime, sample_rate, channels)
    except ffmpeg.FfmpegError as error:
        raise UserError(
            f"{_WHERE}.recording: {prime.recording} cannot be decoded: {error}; name a recording "
            "that ffmpeg can read"
        ) from None
    if levels.peak_dbfs(heard) < NO_SOUND_BELOW_DBFS:
        _log.warning("%s: the part of %s is silent", _WHERE, prime.recording)
    return quantizer.encode(heard).astype(np.int32)


def _check_bytes(path: Path, recording: str, sha256: str) -> None:
    try:
        found = files.sha256(path)
    except OSError as error:
        raise UserError(
            f"{_WHERE}.recording: {recording} cannot be read ({error.strerror}); put it back, or "
            "name another"
        ) from None
    if found != sha256:
        raise UserError(
            f"{_WHERE}.recording: {recording} is not the one that settings/ was written for; "
            "run: rawtone settings"
        )


def _decoded(path: Path, prime: Prime, sample_rate: int, channels: int) -> pcm.Pcm:
    """Return the part, int16 [samples] or [samples, 2]."""
    _say_what_is_converted(ffmpeg.probe(path), prime.recording, sample_rate, channels)
    start, count = (round(seconds * sample_rate) for seconds in (prime.start, prime.seconds))
    with tempfile.TemporaryDirectory(prefix="rawtone-") as folder:
        wav = Path(folder, "prime.wav")
        ffmpeg.decode(path, wav, sample_rate, channels)
        found = pcm.shape(wav).samples
        if found < start + count:
            raise UserError(
                f"{_WHERE}: expected a recording of at least {prime.start + prime.seconds:g} s "
                f"(start + seconds), but {prime.recording} has {found / sample_rate:.3f} s; set "
                "start or seconds to less"
            )
        return pcm.read(wav, start, count)


def _say_what_is_converted(
    found: ffmpeg.Recording, recording: str, sample_rate: int, channels: int
) -> None:
    if (found.sample_rate, found.channels) != (sample_rate, channels):
        _log.info(
            "%s: %s has %d Hz and %s channels; converted to %d Hz and %d",
            _WHERE,
            recording,
            found.sample_rate,
            found.channels or "unknown",
            sample_rate,
            channels,
        )
