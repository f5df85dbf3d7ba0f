"""ffmpeg decodes to exact, repeatable PCM, and says what a file holds."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from rawtone.audio import ffmpeg


def sine(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def encode(source: Path, destination: Path, *options: str) -> Path:
    ffmpeg.run(["-i", f"file:{source}", *options, "-y", f"file:{destination}"])
    return destination


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "sine.wav"
    soundfile.write(path, sine(3, 44100), 44100)
    return path


def test_pcm_in_the_wanted_format_comes_through_unchanged(tmp_path):
    pcm = np.random.default_rng(0).integers(-32768, 32767, 20000).astype(np.int16)
    soundfile.write(tmp_path / "in.wav", pcm, 8000)
    ffmpeg.decode(tmp_path / "in.wav", tmp_path / "out.wav", 8000, 1)
    out, rate = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert rate == 8000
    assert np.array_equal(out, pcm)


def test_resampling_keeps_pitch_level_and_length(wav, tmp_path):
    ffmpeg.decode(wav, tmp_path / "out.wav", 8000, 1)
    out, _ = soundfile.read(tmp_path / "out.wav")
    assert len(out) == 24000
    middle = slice(1000, -1000)
    assert np.max(np.abs(out[middle] - sine(3, 8000)[middle])) < 1e-4


def test_resampling_leaves_nothing_above_the_new_range(tmp_path):
    soundfile.write(tmp_path / "high.wav", sine(1, 44100, 6000), 44100)
    ffmpeg.decode(tmp_path / "high.wav", tmp_path / "out.wav", 8000, 1)
    out, _ = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert np.max(np.abs(out[500:-500])) <= 1


def test_stereo_is_mixed_without_clipping(tmp_path):
    left = np.full(8000, 0.9)
    soundfile.write(tmp_path / "in.wav", np.stack([left, left], 1), 8000, "PCM_24")
    ffmpeg.decode(tmp_path / "in.wav", tmp_path / "mono.wav", 8000, 1)
    out, _ = soundfile.read(tmp_path / "mono.wav")
    assert out.ndim == 1
    assert np.allclose(out, 0.9, atol=1e-4)


@pytest.mark.parametrize("ending", ["mp3", "ogg", "flac", "m4a", "opus"])
def test_decoding_does_not_depend_on_the_mathematics_of_the_processor(
    wav, tmp_path, monkeypatch, ending
):
    """The C library's sin and exp round otherwise without FMA; what is decoded must not."""
    lossy = encode(wav, tmp_path / f"in.{ending}")
    ffmpeg.decode(lossy, tmp_path / "one.wav", 16000, 1)
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F")
    ffmpeg.decode(lossy, tmp_path / "two.wav", 16000, 1)
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()


def test_resampled_bytes_are_the_same_on_every_machine(tmp_path):
    pcm = (np.arange(60000) * 7919 % 20011 - 10005).astype(np.int16)
    soundfile.write(tmp_path / "in.wav", pcm.reshape(-1, 2), 44100)
    ffmpeg.decode(tmp_path / "in.wav", tmp_path / "out.wav", 8000, 1)
    out, _ = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert hashlib.sha256(out.tobytes()).hexdigest()[:12] == "d4818bd0fa55"


def test_encoding_twice_gives_the_same_bytes(wav, tmp_path):
    once = encode(wav, tmp_path / "one.ogg").read_bytes()
    assert encode(wav, tmp_path / "two.ogg").read_bytes() == once


@pytest.mark.parametrize("ending", ["mp3", "ogg", "flac", "m4a", "opus", "wav", "mka"])
def test_probe_tells_format_and_tags_of_every_container(wav, tmp_path, ending):
    tagged = encode(wav, tmp_path / f"x.{ending}", "-metadata", "title=A = b; #c\\d", "-ac", "2")
    recording = ffmpeg.probe(tagged)
    assert recording.sample_rate == (48000 if ending == "opus" else 44100)
    assert recording.channels == 2
    assert recording.seconds == pytest.approx(3, abs=0.03)
    assert recording.tags["title"] == "A = b; #c\\d"


@pytest.mark.parametrize("ending", ["flac", "wav", "mp3"])
def test_probe_tells_the_length_that_a_truncated_file_once_had(wav, tmp_path, ending):
    whole = encode(wav, tmp_path / f"whole.{ending}").read_bytes()
    part = tmp_path / f"part.{ending}"
    part.write_bytes(whole[: len(whole) // 3])
    assert ffmpeg.probe(part).seconds == pytest.approx(3, abs=0.03)


def test_probe_names_what_is_wrong_with_a_file(tmp_path):
    (tmp_path / "text.mp3").write_text("not music at all")
    with pytest.raises(ffmpeg.FfmpegError, match="Invalid data"):
        ffmpeg.probe(tmp_path / "text.mp3")


def test_a_film_without_sound_has_no_audio_stream(tmp_path):
    film = tmp_path / "film.mp4"
    ffmpeg.run(["-f", "lavfi", "-i", "testsrc=d=0.2:s=64x64", f"file:{film}"])
    with pytest.raises(ffmpeg.FfmpegError, match=r"no audio stream$"):
        ffmpeg.probe(film)


@pytest.mark.parametrize("name", ["-x.wav", "http:x.wav", "a 'b' \"c\" $(d).wav", "e\nf.wav"])
def test_no_name_means_anything_to_ffmpeg(wav, tmp_path, name):
    strange = tmp_path / name
    strange.write_bytes(wav.read_bytes())
    assert ffmpeg.probe(strange).sample_rate == 44100
    ffmpeg.decode(strange, tmp_path / ("out" + name), 8000, 1)
    assert soundfile.info(tmp_path / ("out" + name)).frames == 24000


def test_a_playlist_in_disguise_reaches_no_network(tmp_path):
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n"
    (tmp_path / "list.mp3").write_text(playlist)
    with pytest.raises(ffmpeg.FfmpegError):
        ffmpeg.probe(tmp_path / "list.mp3")


def test_run_pipes_bytes_through():
    pcm = np.arange(-500, 500, dtype=np.int16).tobytes()
    raw = ["-f", "s16le", "-ar", "8000", "-ac", "1"]
    assert ffmpeg.run([*raw, "-i", "pipe:0", *raw, "pipe:1"], stdin=pcm) == pcm


def test_a_missing_system_ffmpeg_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    ffmpeg.executable.cache_clear()
    with pytest.raises(ffmpeg.FfmpegError, match="PATH"):
        ffmpeg.executable("system")


def escaped(text: str) -> str:
    return "".join("\\" + c if c in "=;#\\\n" else c for c in text)


words = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(st.dictionaries(words.filter(bool).map(str.lower), words))
def test_tags_survive_any_characters(tags):
    tags = {key: value for key, value in tags.items() if key == key.lower()}
    lines = [f"{escaped(key)}={escaped(value)}" for key, value in tags.items()]
    metadata = "\n".join([";FFMETADATA1", *lines, ""])
    assert ffmpeg.parse_tags(metadata.encode()) == tags


def test_chapters_are_no_tags():
    assert ffmpeg.parse_tags(b";FFMETADATA1\ntitle=x\n[CHAPTER]\ntitle=y\n") == {"title": "x"}


FORMS = {
    "wav": [],
    "flac": [],
    "mp3": ["-metadata", "title=A;B", "-b:a", "64k"],
    "ogg": ["-metadata", "title=A=B"],
    "m4a": ["-metadata", "genre=Jazz"],
    "mka": ["-c:a", "pcm_f32le"],
}


@pytest.mark.parametrize("ending", FORMS)
@pytest.mark.parametrize("damaged", [False, True])
def test_one_call_gives_what_two_give(wav, tmp_path, ending, damaged):
    """Probing and decoding at once differ from one after the other in nothing but the time."""
    source = encode(wav, tmp_path / f"in.{ending}", *FORMS[ending])
    if damaged:
        content = bytearray(source.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
        source.write_bytes(content + b"x" * 30)
    first, second = tmp_path / "1.wav", tmp_path / "2.wav"
    filters = ffmpeg.resampling(16000, 1)
    recording = ffmpeg.probe(source)
    decoded = ffmpeg.transcode(source, first, filters, "bundled", 120)
    assert ffmpeg.probe_and_transcode(source, second, filters, "bundled", 120) == (
        recording,
        decoded,
    )
    assert first.read_bytes() == second.read_bytes()
    assert damaged or not decoded.errors


def test_one_call_fails_where_two_do(tmp_path):
    (tmp_path / "x.mp3").write_text("words")
    with pytest.raises(ffmpeg.FfmpegError, match="Invalid data"):
        ffmpeg.probe_and_transcode(
            tmp_path / "x.mp3", tmp_path / "x.wav", ffmpeg.resampling(8000, 1), "bundled", 0
        )
