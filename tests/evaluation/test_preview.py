"""The preview holds the beginnings of clips in order, and is the same file each time."""

from pathlib import Path

import numpy as np
import soundfile

from rawtone.audio import pcm
from rawtone.evaluation.preview import stitch

RATE = 8000


def tone(path: Path, hertz: float, seconds: float) -> Path:
    samples = np.sin(np.arange(round(seconds * RATE)) * hertz * 2 * np.pi / RATE) * 8000
    pcm.write(path, samples.astype(np.int16), RATE)
    return path


def test_clips_follow_one_another_with_pauses(tmp_path: Path) -> None:
    wavs = [tone(tmp_path / "a.wav", 500, 1.0), tone(tmp_path / "b.wav", 1000, 12.0)]
    stitch(wavs, tmp_path / "preview.flac")
    heard, rate = soundfile.read(tmp_path / "preview.flac")
    assert (rate, len(heard)) == (RATE, round((1.0 + 0.4 + 10.0) * RATE))
    assert not heard[RATE : round(1.4 * RATE)].any()
    for start, hertz in ((0.2, 500), (2.0, 1000)):
        part = heard[round(start * RATE) :][: RATE // 2]
        assert np.abs(np.fft.rfft(part)).argmax() == hertz / 2


def test_it_is_the_same_file_each_time_also_in_stereo(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-9000, 9000, (RATE, 2)).astype(np.int16)
    pcm.write(tmp_path / "a.wav", noise, RATE)
    for name in ("one.mp3", "two.mp3"):
        stitch([tmp_path / "a.wav"], tmp_path / name)
    assert (tmp_path / "one.mp3").read_bytes() == (tmp_path / "two.mp3").read_bytes()
