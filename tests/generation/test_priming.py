"""The part of a recording that clips go on from: the right samples, or a line on why not."""

import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rawtone import files
from rawtone.audio import quantizers
from rawtone.errors import UserError
from rawtone.generation import priming
from rawtone.sampling_settings import Prime

RATE = 8000
CODEC = quantizers.make("linear", 65536)


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    """Return a tone that grows, int16: no two parts are alike."""
    time = np.arange(round(seconds * rate)) / rate
    return np.round(9000 * time / seconds * np.sin(2 * np.pi * 440 * time)).astype(np.int16)


def recorded(folder: Path, pcm: np.ndarray, rate: int = RATE, name: str = "prime.wav") -> Path:
    soundfile.write(folder / name, pcm, rate)
    return folder / name


def part(path: Path, channels: int = 1, sha256: str = "", **keys: float) -> np.ndarray:
    prime = Prime.model_validate({"recording": str(path)} | keys)
    heard = priming.part(prime, sha256 or files.sha256(path), RATE, channels)
    return CODEC.encode(heard).astype(np.int32)


def decoded(codes: np.ndarray) -> np.ndarray:
    return np.round(CODEC.decode(codes) * 32768)


def test_it_is_the_part_that_was_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """To the sample; and what is in the right format already is not spoken of."""
    caplog.set_level(logging.INFO)
    pcm = tone(2)
    codes = part(recorded(tmp_path, pcm, name="prime.flac"), start=0.5, seconds=0.25)
    assert codes.dtype == np.int32
    np.testing.assert_array_equal(decoded(codes), pcm[4000:6000])
    assert not caplog.records


def test_of_stereo_it_has_both_channels(tmp_path: Path) -> None:
    pcm = np.stack([tone(1), -tone(1)], axis=1)
    codes = part(recorded(tmp_path, pcm), channels=2, seconds=1)
    np.testing.assert_array_equal(decoded(codes), pcm)


def test_another_format_is_converted_and_said_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    both = np.repeat(tone(2, 44100)[:, None], 2, axis=1)
    codes = part(recorded(tmp_path, both, 44100), seconds=1.5)
    assert np.corrcoef(decoded(codes), tone(2)[:12000])[0, 1] > 0.999
    (said,) = caplog.messages
    assert said.endswith("has 44100 Hz and 2 channels; converted to 8000 Hz and 1")


def test_a_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    sha256 = files.sha256(recorded(tmp_path, tone(1)))
    assert len(part(Path("~/prime.wav"), sha256=sha256)) == RATE


def test_silence_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert (part(recorded(tmp_path, np.zeros(RATE, np.int16))) == CODEC.silence).all()
    assert "is silent" in caplog.text


def test_a_recording_that_ends_too_early_is_refused_with_its_length(tmp_path: Path) -> None:
    path = recorded(tmp_path, tone(1.5))
    with pytest.raises(UserError, match=r"at least 1\.6 s .* has 1\.500 s; set start or"):
        part(path, start=0.6)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prime.wav"
    path.write_text("no sound")
    with pytest.raises(UserError, match=r"prime\.wav cannot be decoded: .*; name a recording"):
        part(path)


def test_another_recording_than_the_settings_say_is_refused(tmp_path: Path) -> None:
    path = recorded(tmp_path, tone(1))
    with pytest.raises(UserError, match=r"is not the one .*run: rawtone settings"):
        part(path, sha256="0" * 64)


def test_a_recording_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read \(No such file.*put it back"):
        part(tmp_path / "gone.wav", sha256="0" * 64)
