"""A wav in another format, named by the ending of a file."""

from pathlib import Path

from rawtone.audio import ffmpeg

_CODECS = {
    ".flac": ["-codec:a", "flac"],
    ".mp3": ["-codec:a", "libmp3lame", "-q:a", "2"],
    ".ogg": ["-codec:a", "libvorbis", "-q:a", "6"],
}
FORMATS = (".wav", *_CODECS)


def encode(wav: Path, target: Path) -> None:
    """Encode a wav.

    Args:
        wav: 16-bit PCM.
        target: the file to write, with one of the endings in `FORMATS` but .wav.

    Raises:
        ffmpeg.FfmpegError: it cannot be written.
    """
    codec = _CODECS[target.suffix.lower()]
    ffmpeg.run(["-i", f"file:{wav}", *codec, "-y", f"file:{target}"])
