"""A part of a recording, for clips to go on from."""

import logging
import tempfile
from pathlib import Path

from rawtone import files
from rawtone.audio import ffmpeg, levels, pcm
from rawtone.corpus.tracks import NO_SOUND_BELOW_DBFS
from rawtone.errors import UserError
from rawtone.sampling_settings import Prime

_KEY = "sampling.prime"

_log = logging.getLogger("rawtone")


def part(prime: Prime, sha256: str, sample_rate: int, channels: int, key: str = "") -> pcm.Pcm:
    """Decode the part of a recording to the format of an experiment.

    Args:
        prime: which part.
        sha256: that the recording's bytes have to have, or nothing.
        sample_rate: samples a second.
        channels: 1 or 2.
        key: what to mend if it cannot be heard, where that is not `sampling.prime`.

    Returns:
        int16 [samples], of stereo [samples, 2].

    Raises:
        UserError: the recording is not there or another one, ffmpeg cannot decode it, or it ends
            before the part does.
    """
    where = (f"{_KEY}.recording", _KEY) if not key else (key, key)
    path = Path(prime.recording).expanduser()
    _check_bytes(path, prime.recording, sha256, where[0])
    with tempfile.TemporaryDirectory(prefix="rawtone-") as folder:
        wav = Path(folder, "prime.wav")
        _decode(path, wav, prime.recording, sample_rate, channels, where)
        heard = _cut(wav, prime, sample_rate, where[1])
    _say_if_silent(heard, prime.recording, where[1])
    return heard


def whole(path: Path, sample_rate: int, channels: int, key: str) -> pcm.Pcm:
    """Decode all of a recording to the format of an experiment.

    Args:
        path: of the recording.
        sample_rate: samples a second.
        channels: 1 or 2.
        key: what to mend if it cannot be heard.

    Returns:
        int16 [samples], of stereo [samples, 2].

    Raises:
        UserError: the recording is not there, or ffmpeg cannot decode it.
    """
    _check_bytes(path, str(path), "", key)
    with tempfile.TemporaryDirectory(prefix="rawtone-") as folder:
        wav = Path(folder, "prime.wav")
        _decode(path, wav, str(path), sample_rate, channels, (key, key))
        heard = pcm.read(wav)
    if not len(heard):
        raise UserError(f"{key}: {path} has no sound; name another recording")
    _say_if_silent(heard, str(path), key)
    return heard


def _check_bytes(path: Path, recording: str, sha256: str, key: str) -> None:
    try:
        found = files.sha256(path)
    except OSError as error:
        raise UserError(
            f"{key}: {recording} cannot be read ({error.strerror}); put it back, or name another"
        ) from None
    if sha256 and found != sha256:
        raise UserError(
            f"{key}: {recording} is not the one that settings/ was written for; "
            "run: rawtone settings"
        )


def _decode(
    path: Path, wav: Path, recording: str, sample_rate: int, channels: int, where: tuple[str, str]
) -> None:
    """Decode to a wav, and say what is converted."""
    try:
        found = ffmpeg.probe(path)
        ffmpeg.decode(path, wav, sample_rate, channels)
    except ffmpeg.FfmpegError as error:
        raise UserError(
            f"{where[0]}: {recording} cannot be decoded: {error}; name a recording that ffmpeg "
            "can read"
        ) from None
    if (found.sample_rate, found.channels) != (sample_rate, channels):
        _log.info(
            "%s: %s has %d Hz and %s channels; converted to %d Hz and %d",
            where[1],
            recording,
            found.sample_rate,
            found.channels or "unknown",
            sample_rate,
            channels,
        )


def _cut(wav: Path, prime: Prime, sample_rate: int, key: str) -> pcm.Pcm:
    """Return the part, int16 [samples] or [samples, 2]."""
    start, count = (round(seconds * sample_rate) for seconds in (prime.start, prime.seconds))
    found = pcm.shape(wav).samples
    if found < start + count:
        raise UserError(
            f"{key}: expected a recording of at least {prime.start + prime.seconds:g} s "
            f"(start + seconds), but {prime.recording} has {found / sample_rate:.3f} s; set "
            "start or seconds to less"
        )
    return pcm.read(wav, start, count)


def _say_if_silent(heard: pcm.Pcm, recording: str, key: str) -> None:
    if levels.peak_dbfs(heard) < NO_SOUND_BELOW_DBFS:
        _log.warning("%s: the part of %s is silent", key, recording)
