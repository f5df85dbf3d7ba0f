"""Two hundred files such as nobody would want in a folder of music, made of the demo's tunes.

    python tests/stages/hostile.py FOLDER TABLE

writes them into a folder, and into TABLE, as JSON, what is the matter with each.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from rawtone.audio import ffmpeg
from rawtone.corpus.demo.write import write_demo

SEED = 20
FILES = 200
_TOO_LONG = 4096  # bytes in a path, for Linux
_LONG = "d" * 250
HOURS = 3
_NAMES = (
    b"two  blanks.wav",
    b"'quotes' \"double\".wav",
    b"new\nline.wav",
    b"carriage\rreturn.wav",
    b"tab\t.wav",
    b"-y.wav",
    b"http:x.wav",
    b"concat:a|b.wav",
    b"%03d.wav",
    b"pipe:0.wav",
    b"$(touch pwned).wav",
    b"`touch pwned`.wav",
    b"; touch pwned;.wav",
    b"a&touch pwned&.wav",
    b"* ? [a].wav",
    b"back\\slash.wav",
    b"comma, semicolon;.wav",
    b"\xff\xfe not UTF-8.wav",
    b"latin-1 \xe9.wav",
    "Dvořák – Nový svět 🎻.wav".encode(),
    "e\u0301.wav".encode(),
    "\u202eright to left.wav".encode(),
    b"x" * 240 + b".wav",
    b"a.wav.wav",
    b"no ending",
    b"WAV.WAV",
)
_WRONG_ENDINGS = ("mp3", "flac", "ogg", "m4a", "wav", "aiff", "xyz")


def make(folder: Path) -> dict[str, str]:
    """Fill a folder.

    Args:
        folder: Where; it is made.

    Returns:
        What is the matter with each of the `FILES` files, by path in the folder (bytes decoded as
        Python does it).
    """
    demo = folder.with_name("demo")
    demo.mkdir(parents=True)
    write_demo(demo)
    tunes = sorted(demo.rglob("*.*"), key=lambda path: path.name)
    folder.mkdir()
    made = dict(_sound(folder, tunes)) | dict(_forms(folder, tunes)) | dict(_links(folder, tunes))
    made |= dict(_odd_names(folder, tunes)) | dict(_long(folder, tunes))
    random = np.random.default_rng(SEED)
    damages: list[Callable[[bytes, np.random.Generator], bytes]] = [_cut, _flip, _flip_head, _hole]
    for n in range(FILES - len(made)):
        damage, tune = damages[n % len(damages)], tunes[n // len(damages) % len(tunes)]
        name = f"{damage.__name__.strip('_')}-{n}{tune.suffix}"
        (folder / name).write_bytes(damage(tune.read_bytes(), random))
        made[name] = damage.__name__.strip("_")
    return made


def _cut(content: bytes, random: np.random.Generator) -> bytes:
    return content[: random.integers(1, len(content))]


def _flip(content: bytes, random: np.random.Generator, first: int = 0, last: int = 0) -> bytes:
    flipped = bytearray(content)
    for place in random.integers(first, last or len(content), 20):
        flipped[place] ^= 1 << int(random.integers(8))
    return bytes(flipped)


def _flip_head(content: bytes, random: np.random.Generator) -> bytes:
    return _flip(content, random, 0, 200)


def _hole(content: bytes, random: np.random.Generator) -> bytes:
    start = int(random.integers(len(content)))
    noise = random.bytes(min(5000, len(content) - start))
    return content[:start] + noise + content[start + len(noise) :]


def _sound(folder: Path, tunes: list[Path]) -> Iterator[tuple[str, str]]:
    for tune in tunes:
        (folder / tune.name).write_bytes(tune.read_bytes())
        yield tune.name, "sound"
    for n, ending in enumerate(_WRONG_ENDINGS):
        # A tag of its own, or the file would have the bytes of another.
        tagged = folder / f"wrong ending {n}.{ending}"
        real = tunes[n].suffix.removeprefix(".")
        as_format = ["-c", "copy", "-metadata", f"title={n}", "-f", real, "-y"]
        ffmpeg.run(["-i", str(tunes[n]), *as_format, str(tagged)])
        yield tagged.name, "wrong ending"


def _forms(folder: Path, tunes: list[Path]) -> Iterator[tuple[str, str]]:
    tune, rate = soundfile.read(tunes[-1], always_2d=True)
    tune = tune[: 10 * rate, :1]
    forms = {
        "float 32.wav": (tune * 0.9, rate, "FLOAT"),
        "float 64.wav": (tune * 0.8, rate, "DOUBLE"),
        "24 bit.wav": (tune * 0.7, rate, "PCM_24"),
        "32 bit.wav": (tune * 0.6, rate, "PCM_32"),
        "8 channels.wav": (np.repeat(tune, 8, axis=1) * 0.3, rate, "PCM_16"),
        "too loud.wav": (tune * 40, rate, "FLOAT"),
        "one sample.wav": (tune[5000:5001], rate, "PCM_16"),
        "two samples.flac": (tune[5000:5002], rate, "PCM_16"),
        "no sample.wav": (tune[:0], rate, "PCM_16"),
        "silence.wav": (tune * 0, rate, "PCM_16"),
    }
    for bad in (np.nan, np.inf, -np.inf):
        spoilt = tune.copy()
        spoilt[777] = bad
        forms[f"{bad}.wav"] = (spoilt, rate, "FLOAT")
    for name, (samples, its_rate, subtype) in forms.items():
        soundfile.write(folder / name, samples, its_rate, subtype=subtype)
        yield name, name.partition(".")[0]
    for name, rate_and_codec in {
        "8 kHz 8 bit.wav": ["-ar", "8000", "-c:a", "pcm_u8"],
        "192 kHz.wav": ["-ar", "192000"],
    }.items():
        ten = ["-i", str(tunes[-1]), "-t", "10", "-ac", "1"]
        ffmpeg.run([*ten, *rate_and_codec, str(folder / name)])
        yield name, name.partition(".")[0]
    for name, content in {
        "zero length.mp3": b"",
        "one byte.flac": b"f",
        "words.ogg": b"these are words\n" * 99,
        "noise.m4a": np.random.default_rng(1).bytes(50000),
        "playlist.mp3": b"#EXTM3U\nhttp://127.0.0.1:9/x.mp3\n",
        "list.wav": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "picture.jpg": b"\xff\xd8\xff",
    }.items():
        (folder / name).write_bytes(content)
        yield name, "no audio"


def _links(folder: Path, tunes: list[Path]) -> Iterator[tuple[str, str]]:
    (folder / "dangling.wav").symlink_to(folder / "nowhere")
    yield "dangling.wav", "link to nowhere"
    (folder / "itself.wav").symlink_to(folder / "itself.wav")
    yield "itself.wav", "link to nowhere"
    (folder / "up").symlink_to(folder)  # no file, but a way round and round
    _make_too_deep(folder)
    yield _LONG, "closed folder"
    (folder / "again.wav").symlink_to(folder / tunes[0].name)
    yield "again.wav", "link to a file"
    (folder / "unreadable.wav").write_bytes(tunes[0].read_bytes() + b"x")
    (folder / "unreadable.wav").chmod(0)  # root reads it all the same
    yield "unreadable.wav", "unreadable"


def _make_too_deep(folder: Path) -> None:
    """Make folders in folders until the system takes no path so long."""
    place = os.open(folder, os.O_RDONLY)
    for _ in range(_TOO_LONG // len(_LONG) + 1):
        os.mkdir(_LONG, dir_fd=place)
        inner = os.open(_LONG, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)


def _odd_names(folder: Path, tunes: list[Path]) -> Iterator[tuple[str, str]]:
    samples, rate = soundfile.read(tunes[-1])
    for n, name in enumerate(_NAMES):
        place = folder / os.fsdecode(name)
        with place.open("wb") as file:
            soundfile.write(file, samples[: 4 * rate] * (1 - n / 60), rate, format="WAV")
        yield place.name, "odd name"


def _long(folder: Path, tunes: list[Path]) -> Iterator[tuple[str, str]]:
    """Write a track of three hours, which are one tune again and again, a minute at a time."""
    short = ffmpeg.run(["-i", str(tunes[-1]), "-ar", "8000", "-ac", "1", "-f", "s16le", "pipe:1"])
    tune = np.frombuffer(short, "<i2")
    minute = np.resize(tune, 60 * 8000)
    with soundfile.SoundFile(folder / "three hours.wav", "w", 8000, 1, "PCM_U8") as file:
        for _ in range(60 * HOURS):
            file.write(minute)
    yield "three hours.wav", "three hours"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(make(Path(sys.argv[1])), indent=1))
