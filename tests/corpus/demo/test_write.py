"""The demo's files are a real person's folder in small, and the same bytes every time."""

import hashlib
import wave
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from rawtone.audio import ffmpeg
from rawtone.corpus.demo.tunes import TUNES, Tune
from rawtone.corpus.demo.write import FORMATS, write_demo, write_sine

CODECS = {"flac": "FLAC", "ogg": "OGG", "mp3": "MP3", "wav": "WAV"}
LOSSLESS = [tune.name for tune in TUNES if FORMATS[tune.name].suffix in ("wav", "flac")]

PINNED = "007553fe0e78f5692f3a2cb710cacaa3046e4f82979d4f16f1c5fab09950a31f"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The demo, written once: paths by tune name."""
    folder = tmp_path_factory.mktemp("demo")
    paths = write_demo(folder)
    assert paths == sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.stem: path for path in paths}


def test_every_tune_has_a_file_in_the_folder_of_its_genre(demo: dict[str, Path]) -> None:
    assert {name: path.parent.name for name, path in demo.items()} == {
        tune.name: tune.genre for tune in TUNES
    }


def test_formats_rates_and_channels_are_as_different_as_in_life(demo: dict[str, Path]) -> None:
    for name, path in demo.items():
        stored, found = FORMATS[name], soundfile.info(path)
        assert found.format in (CODECS[stored.suffix], "WAVEX")
        assert (found.samplerate, found.channels) == (stored.sample_rate, stored.channels)
    assert {stored.suffix for stored in FORMATS.values()} == set(CODECS)
    assert len({stored.sample_rate for stored in FORMATS.values()}) == 4
    assert {stored.channels for stored in FORMATS.values()} == {1, 2}


def test_one_wav_has_24_bits(demo: dict[str, Path]) -> None:
    subtypes = [soundfile.info(path).subtype for path in demo.values() if path.suffix == ".wav"]
    assert sorted(subtypes) == ["PCM_16", "PCM_16", "PCM_24"]


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.name)
def test_ffmpeg_reads_every_tag(tune: Tune, demo: dict[str, Path]) -> None:
    tags = ffmpeg.probe(demo[tune.name]).tags
    assert tags["title"] == tune.title
    assert tags["artist"] == tune.composer
    assert tags["genre"] == tune.genre
    assert tags["date"] == str(tune.year)
    assert tags["copyright"] == "public domain"


@pytest.mark.parametrize("name", ["lullaby", "morning-mood", "michael-row"])
def test_other_programs_read_the_tags(name: str, demo: dict[str, Path]) -> None:
    (tune,) = [tune for tune in TUNES if tune.name == name]
    tags = mutagen.File(demo[name], easy=True)
    assert tags["title"] == [tune.title]
    assert tags["artist"] == [tune.composer]
    assert tags["date"] == [str(tune.year)]


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.name)
def test_music_begins_at_once_after_decoding(
    tune: Tune, demo: dict[str, Path], tmp_path: Path
) -> None:
    ffmpeg.decode(demo[tune.name], tmp_path / "track.wav", 8_000, 1)
    samples, _ = soundfile.read(tmp_path / "track.wav")
    assert np.abs(samples[:160]).max() > 0.1


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_files_hold_music_of_the_promised_level(name: str, demo: dict[str, Path]) -> None:
    samples, _ = soundfile.read(demo[name], always_2d=True)
    assert np.abs(samples[:, 0]).max() == pytest.approx(0.625, abs=1e-3)


def test_the_silent_passage_is_12_seconds_of_zeros(demo: dict[str, Path]) -> None:
    samples, rate = soundfile.read(demo["twinkle"], dtype="int16")
    assert not samples[16 * rate : 28 * rate].any()
    assert samples[: 15 * rate].any() and samples[28 * rate :].any()


def test_two_writings_are_equal_byte_for_byte(demo: dict[str, Path], tmp_path: Path) -> None:
    again = {path.stem: path for path in write_demo(tmp_path)}
    assert {name: digest(path) for name, path in again.items()} == {
        name: digest(path) for name, path in demo.items()
    }


@pytest.mark.parametrize("hwcaps", ["-AVX2,-FMA,-AVX512F", "-AVX2,-FMA,-FMA4,-AVX,-SSE4_1"])
def test_an_older_processor_writes_the_same_bytes(
    hwcaps: str, demo: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without FMA the C library's sin and exp round otherwise; the files must not."""
    monkeypatch.setenv("GLIBC_TUNABLES", f"glibc.cpu.hwcaps={hwcaps}")
    again = {path.stem: path for path in write_demo(tmp_path)}
    assert {name: digest(path) for name, path in again.items()} == {
        name: digest(path) for name, path in demo.items()
    }


def test_the_files_never_change(demo: dict[str, Path]) -> None:
    """The bytes are pinned with the encoder: update them together with it, never otherwise."""
    together = hashlib.sha256()
    for name in sorted(demo):
        together.update(demo[name].read_bytes())
    assert together.hexdigest() == PINNED


def test_the_sine_is_what_the_tutorial_used(tmp_path: Path) -> None:
    write_sine(tmp_path / "sine.wav")
    with wave.open(str(tmp_path / "sine.wav")) as file:
        parameters, content = file.getparams(), file.readframes(file.getnframes())
    assert parameters[:4] == (1, 1, 22_050, 220_500)
    codes = np.frombuffer(content, np.uint8).astype(float)
    assert (codes.min(), codes.max()) == (1, 255)
    spectrum = np.abs(np.fft.rfft(codes - codes.mean()))
    assert np.argmax(spectrum) / 10 == 440.0
    assert spectrum.max() ** 2 > 0.999 * (spectrum**2).sum()


def test_two_sines_are_equal_byte_for_byte(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        write_sine(tmp_path / name)
    assert digest(tmp_path / "a.wav") == digest(tmp_path / "b.wav")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
