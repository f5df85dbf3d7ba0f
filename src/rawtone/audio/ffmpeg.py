"""Everything that rawtone asks of ffmpeg: probing, decoding, encoding.

The bundled binary is pinned with the other dependencies, but its hand-written assembler rounds
otherwise on each generation of processors: one vorbis file decodes to other bytes with AVX2 than
with SSE2. `-cpuflags 0` runs the portable code in its place, at 10 to 20 % more of a short time
(0.2 s for a minute of stereo). No dither and double precision inside do the rest.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Literal

Kind = Literal["bundled", "system"]

_COMMON = ["-hide_banner", "-nostdin", "-cpuflags", "0"]
_LAYOUTS = {"mono": 1, "stereo": 2, "downmix": 2, "quad": 4, "hexagonal": 6, "octagonal": 8}
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_STREAM = re.compile(r"^  Stream #0:\d+[^:]*: (?!.*\(attached pic\))(\w+):", re.MULTILINE)
_AUDIO = re.compile(
    r"^  Stream #0:\d+[^:]*: Audio: (?P<codec>\w*).*?(?P<rate>\d+) Hz, (?P<layout>[^,\n]+)",
    re.MULTILINE,
)
_TAG = re.compile(r"((?:[^\\=\n]|\\.)+)=((?:[^\\\n]|\\.)*)", re.DOTALL)
_TAGS = ["-map_metadata:g", "0:g", "-map_metadata:g", "0:s:a:0", "-f", "ffmetadata", "pipe:1"]
_LEVEL = re.compile(r"((?:\[[^\]]* @ [^\]]*\] )*)\[(\w+)\] ")
_ERRORS = frozenset(("panic", "fatal", "error"))
_WHERE = re.compile(r"^(\[[^\]]*\] )+")
_NUMBER = re.compile(r"-?\b(0x[0-9a-fA-F]+|\d+(\.\d+)?)\b")


class FfmpegError(Exception):
    """Ffmpeg could not do what it was asked to; the message is the last line of what it said."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


@dataclass(frozen=True)
class Recording:
    """What a file says of itself.

    `channels` and `seconds` are None where it does not say; `tags` has lower-case keys.
    """

    sample_rate: int
    channels: int | None
    seconds: float | None
    tags: dict[str, str]
    codec: str = ""


@cache
def executable(kind: Kind = "bundled") -> str:
    """Return the path of the ffmpeg to use.

    Args:
        kind: "bundled" is the one pinned with rawtone's dependencies, "system" the one on the PATH.

    Raises:
        FfmpegError: there is none.
    """
    if kind == "bundled":
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    found = shutil.which("ffmpeg")
    if found is None:
        raise FfmpegError("no ffmpeg on the PATH")
    return found


@cache
def version(kind: Kind = "bundled") -> str:
    """Return the version that ffmpeg gives itself, such as "7.1.1-static"."""
    asked = subprocess.run([executable(kind), "-version"], capture_output=True, check=True)
    return asked.stdout.decode(errors="replace").split()[2]


def run(arguments: Sequence[str], stdin: bytes = b"", kind: Kind = "bundled") -> bytes:
    """Run ffmpeg so that it writes the same bytes whenever and wherever it runs.

    Args:
        arguments: Its arguments: first what belongs to the first input, last the output.
        stdin: What it finds on its standard input (read it with `-i pipe:0`).
        kind: Which ffmpeg.

    Returns:
        What it wrote to its standard output.

    Raises:
        FfmpegError: it failed.
    """
    return _call(arguments, stdin, kind, "error").stdout


def _call(
    arguments: Sequence[str], stdin: bytes, kind: Kind, log_level: str
) -> "subprocess.CompletedProcess[bytes]":
    command = _command(arguments, kind, log_level)
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    _check(done.returncode, done.stderr)
    return done


def _command(arguments: Sequence[str], kind: Kind, log_level: str) -> list[str]:
    # -bitexact belongs to one file: here the first input and the last output.
    exact = ["-bitexact", *arguments[:-1], "-bitexact", arguments[-1]]
    return [executable(kind), *_COMMON, "-loglevel", log_level, *exact]


def _check(status: int, stderr: bytes) -> None:
    if status != 0:
        said = stderr.decode(errors="replace").strip()
        lines = [line for line in said.splitlines() if "Last message repeated" not in line]
        last = _WHERE.sub("", lines[-1]) if lines else f"status {status}"
        raise FfmpegError(last, said)


def probe(path: Path, kind: Kind = "bundled") -> Recording:
    """Ask a file for its first audio stream and its tags.

    Args:
        path: The file.
        kind: Which ffmpeg.

    Raises:
        FfmpegError: it cannot be read, or holds no audio.
    """
    try:
        heard = _call([*_input(path), *_TAGS], b"", kind, "info")
    except FfmpegError as error:
        if "Stream specifier a:0 does not match" in error.said:
            raise FfmpegError("no audio stream") from None
        raise
    return _recording(path, heard.stdout, heard.stderr.decode(errors="replace"))


def _recording(path: Path, tags: bytes, told: str) -> Recording:
    said = told.partition("\nOutput #0")[0]
    audio = _AUDIO.search(said)
    if audio is None:
        raise FfmpegError("no audio stream that ffmpeg understands")
    return Recording(
        sample_rate=int(audio["rate"]),
        channels=_channels(audio["layout"]),
        seconds=_declared_seconds(path, said),
        tags=parse_tags(tags),
        codec=audio["codec"],
    )


def _input(path: Path) -> list[str]:
    # `file:` keeps a name like `-x.mp3` or `http:x` from meaning something else; the whitelist
    # keeps a playlist in disguise from reaching the network.
    return ["-protocol_whitelist", "file,pipe", "-i", f"file:{path}"]


def _channels(layout: str) -> int | None:
    name = layout.strip()
    if name in _LAYOUTS:
        return _LAYOUTS[name]
    if counted := re.match(r"(\d+) channels", name):
        return int(counted[1])
    if surround := re.match(r"(\d+)\.(\d+)", name):
        return int(surround[1]) + int(surround[2])
    return None


def _declared_seconds(path: Path, said: str) -> float | None:
    duration = _DURATION.search(said)
    alone = _STREAM.findall(said) == ["Audio"]  # a film may well be longer than its sound
    if duration is None or not alone:
        return None
    if "Estimating duration" in said:
        return _wav_seconds(path) if "Input #0, wav," in said else None
    hours, minutes, seconds = duration.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _wav_seconds(path: Path) -> float | None:
    # ffmpeg takes what there is of a wav that was cut short; its header still tells the length.
    from mutagen import MutagenError
    from mutagen.wave import WAVE

    try:
        info: Any = WAVE(path).info  # type: ignore[no-untyped-call]
    except MutagenError:
        return None
    never_filled_in = info.length * info.bitrate / 8 > 0xFFFF0000  # a stream, or a crashed recorder
    return None if never_filled_in else float(info.length)


def parse_tags(metadata: bytes) -> dict[str, str]:
    r"""Read ffmpeg's metadata format (`;FFMETADATA1`) up to its first section.

    Args:
        metadata: The file's bytes.

    Returns:
        Values by lower-case key; backslashes in front of `= ; # \` and line breaks are removed.
    """
    text = metadata.decode(errors="replace").removeprefix(";FFMETADATA1\n")
    tags: dict[str, str] = {}
    position = 0
    while tag := _TAG.match(text, position):
        key, value = (re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in tag.groups())
        tags.setdefault(key.lower(), value)
        position = tag.end() + 1
    return tags


def resampling(sample_rate: int, channels: int, into: str = "s16") -> str:
    """Return the filter that brings audio to a corpus's format: soxr, 28 bits, no dither.

    Args:
        sample_rate: Samples a second.
        channels: 1 mixes all channels to mono, 2 to stereo, at a level that cannot clip; mono
            becomes stereo at -3 dB on each side, as loud as a source panned to the middle.
        into: Format of the samples, as ffmpeg calls it.
    """
    layout = {1: "mono", 2: "stereo"}[channels]
    return (
        f"aresample={sample_rate}:resampler=soxr:precision=28:ochl={layout}"
        f":tsf=dblp:osf={into}:dither_method=none"
    )


def listen(source: Path, filters: str, kind: Kind = "bundled") -> str:
    """Run a file's first audio stream through filters and return what they say of it.

    Args:
        source: The file.
        filters: Of ffmpeg, the last of which measure.
        kind: Which ffmpeg.

    Raises:
        FfmpegError: it cannot be decoded.
    """
    picked = [*_input(source), "-map", "0:a:0", "-af", filters, "-f", "null", "pipe:1"]
    return _call(picked, b"", kind, "info").stderr.decode(errors="replace")


@cache
def fingerprints(kind: Kind = "bundled") -> bool:
    """Return whether this ffmpeg makes chromaprint fingerprints; not every one is built so."""
    asked = subprocess.run(
        [executable(kind), "-hide_banner", "-muxers"], capture_output=True, check=False
    )
    return b" chromaprint " in asked.stdout


@dataclass(frozen=True)
class Decoded:
    """What decoding gave besides the wav.

    Attributes:
        fingerprint: By chromaprint, 32-bit words, little-endian; none of less than three seconds.
        errors: What ffmpeg found wrong, see `errors`.
    """

    fingerprint: bytes
    errors: tuple[str, ...]


def errors(said: str) -> tuple[str, ...]:
    """Return the kinds of errors that ffmpeg told of, each once.

    It counts them, and tells of them in no settled order, for it works in threads; so both are left
    out, and numbers too.

    Args:
        said: What it wrote, at its log level "error".

    Returns:
        One line for each kind, sorted.
    """
    lines = (_WHERE.sub("", line).strip() for line in said.splitlines())
    kinds = {_NUMBER.sub("…", line).rstrip(" .!") for line in lines if line}
    return tuple(sorted(kind for kind in kinds if not kind.startswith("Last message repeated")))


def transcode(
    source: Path,
    destination: Path,
    filters: str,
    kind: Kind = "bundled",
    fingerprint_seconds: int = 0,
) -> Decoded:
    """Decode a file's first audio stream to a wav of 16-bit PCM, without holding it in memory.

    What a decoder conceals is missing from the wav, so compare its length with `Recording.seconds`.

    Args:
        source: What to decode.
        destination: The wav to write; overwritten.
        filters: What to do with the audio, see `resampling`.
        kind: Which ffmpeg.
        fingerprint_seconds: How much of the beginning to take a fingerprint of.

    Returns:
        The fingerprint, and what went wrong on the way.

    Raises:
        FfmpegError: nothing could be decoded, or the wav not be written.
    """
    printed = _printed(fingerprint_seconds, "pipe:1") if fingerprint_seconds else []
    arguments = [*_input(source), *printed, *_written(filters, destination)]
    done = _call(arguments, b"", kind, "error")
    return Decoded(done.stdout, errors(done.stderr.decode(errors="replace")))


def _printed(seconds: int, where: str) -> list[str]:
    heard = ["-map", "0:a:0", "-t", str(seconds), "-ac", "1"]
    return [*heard, "-f", "chromaprint", "-fp_format", "raw", where]


def _written(filters: str, destination: Path) -> list[str]:
    as_wav = ["-map_metadata", "-1", "-c:a", "pcm_s16le", "-rf64", "auto", "-f", "wav", "-y"]
    return ["-map", "0:a:0", "-af", filters, *as_wav, f"file:{destination}"]


def probe_and_transcode(
    source: Path, destination: Path, filters: str, kind: Kind, fingerprint_seconds: int
) -> tuple[Recording, Decoded]:
    """Do what `probe` and `transcode` do by one call, since starting takes time, too.

    Where this fails, they tell why, and may still succeed.

    Args:
        source: As of `transcode`.
        destination: As of `transcode`.
        filters: As of `transcode`.
        kind: As of `transcode`.
        fingerprint_seconds: As of `transcode`.

    Raises:
        FfmpegError: there was anything that did not go well.
    """
    # Files, not pipes: ffmpeg says what it has to say in many small pieces, and each would wake us.
    with TemporaryFile() as tags, TemporaryFile() as messages, TemporaryFile() as fingerprint:
        where = f"pipe:{fingerprint.fileno()}"
        printed = _printed(fingerprint_seconds, where) if fingerprint_seconds else []
        arguments = ["-nostats", *_input(source), *_TAGS[:-1], "-bitexact", _TAGS[-1], *printed]
        done = subprocess.run(
            _command([*arguments, *_written(filters, destination)], kind, "level+info"),
            stdin=subprocess.DEVNULL,
            stdout=tags,
            stderr=messages,
            pass_fds=[fingerprint.fileno()],
            check=False,
        )
        _check(done.returncode, _all_of(messages))
        said = list(_by_level(_all_of(messages).decode(errors="replace")))
        told = "\n".join(line for _, line in said)
        wrong = "\n".join(line for level, line in said if level in _ERRORS)
        recording = _recording(source, _all_of(tags), told)
        return recording, Decoded(_all_of(fingerprint), errors(wrong))


def _by_level(said: str) -> Iterator[tuple[str, str]]:
    """Give what was said with levels line by line: the level, and the line without it."""
    level = ""
    for line in said.split("\n"):
        marked = _LEVEL.match(line)
        level = marked[2] if marked else level
        yield level, marked[1] + line[marked.end() :] if marked else line


def _all_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def decode(
    source: Path, destination: Path, sample_rate: int, channels: int, kind: Kind = "bundled"
) -> None:
    """Decode a file's first audio stream to a wav of 16-bit PCM at this rate and channels.

    Args:
        source: What to decode.
        destination: The wav to write; overwritten.
        sample_rate: Samples a second to resample to.
        channels: 1 or 2, see `resampling`.
        kind: Which ffmpeg.

    Raises:
        FfmpegError: nothing could be decoded, or the wav not be written.
    """
    transcode(source, destination, resampling(sample_rate, channels), kind)
