"""Tags come back from all formats, and change nothing but themselves."""

from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from rawtone.audio import encoding, ffmpeg, pcm, tagging

TAGS = {"title": "Über, step 20", "encoder": "rawtone 0.1.0", "seed": "0", "label": "a=b; c"}
RATE = 16_000


def encoded(folder: Path, suffix: str, channels: int = 1) -> Path:
    """Return a file of a second of noise, without tags."""
    folder.mkdir(exist_ok=True)
    shape = (RATE, channels)[: 1 if channels == 1 else 2]
    noise = np.random.default_rng(0).normal(0, 3000, shape).astype(np.int16)
    wav, file = folder / "plain.wav", folder / f"clip{suffix}"
    for path in {wav, *([file] if suffix == ".wav" else [])}:
        pcm.write(path, noise, RATE)
    if suffix != ".wav":
        encoding.encode(wav, file)
    return file


def read(path: Path) -> dict[str, str]:
    """Return what mutagen reads, by the names that they were written by."""
    tags = mutagen.File(path).tags
    if path.suffix in (".flac", ".ogg"):
        return {name.lower(): value for name, value in tags}
    names = {"TIT2": "title", "TSSE": "encoder"}
    return {names.get(key, key.removeprefix("TXXX:")): str(tags[key]) for key in tags}


@pytest.mark.parametrize("suffix", encoding.FORMATS)
def test_mutagen_and_ffmpeg_read_them(tmp_path: Path, suffix: str) -> None:
    file = encoded(tmp_path, suffix)
    tagging.write(file, TAGS)
    assert read(file) == TAGS
    by_ffmpeg = ffmpeg.probe(file).tags
    assert {key: by_ffmpeg[key] for key in ("title", "seed", "label")} == {
        key: TAGS[key] for key in ("title", "seed", "label")
    }


@pytest.mark.parametrize("suffix", encoding.FORMATS)
def test_the_same_tags_are_the_same_bytes_and_leave_the_sound_alone(
    tmp_path: Path, suffix: str
) -> None:
    one, other = (encoded(tmp_path / name, suffix, channels=2) for name in ("one", "other"))
    before, _ = soundfile.read(one)
    tagging.write(one, TAGS)
    tagging.write(other, TAGS)
    assert one.read_bytes() == other.read_bytes()
    np.testing.assert_array_equal(soundfile.read(one)[0], before)
    raw = ["-i", f"file:{one}", "-f", "s16le", "pipe:1"]
    heard = np.frombuffer(ffmpeg.run(raw), "<i2").reshape(-1, 2)
    assert len(heard) == RATE or suffix == ".mp3"
    if suffix == ".wav":
        np.testing.assert_array_equal(pcm.read(one), heard)
        assert pcm.sha256(one) == pcm.sha256(tmp_path / "one/plain.wav")
