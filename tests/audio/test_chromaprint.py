"""Two encodings of one recording are told to be the same, and two recordings are not."""

from pathlib import Path

import numpy as np
import pytest

from rawtone.audio import chromaprint, ffmpeg
from rawtone.audio.chromaprint import alike
from rawtone.corpus.demo.write import write_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return {path.stem: path for path in sorted(folder.rglob("*.*"))}


def words(path: Path) -> chromaprint.Words:
    filters = ffmpeg.resampling(8000, 1)
    decoded = ffmpeg.transcode(path, path.with_suffix(".out"), filters, "bundled", 120)
    return chromaprint.words(chromaprint.text(decoded.fingerprint))


def test_no_two_tunes_of_the_demo_are_alike(demo):
    assert alike({name: words(path) for name, path in demo.items()}) == []


CHANGES = {
    "64k.mp3": ["-b:a", "64k"],
    "quiet.ogg": ["-af", "volume=-12dB", "-ar", "22050"],
    "mono.m4a": ["-ac", "1", "-b:a", "96k"],
    "cut.flac": ["-af", "atrim=2.33"],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("tune", ["ode-to-joy", "twinkle", "oh-susanna"])
def test_another_encoding_is_the_same_recording(demo, tmp_path, tune, change):
    again = tmp_path / change
    ffmpeg.run(["-i", str(demo[tune]), *CHANGES[change], str(again)])
    prints = {name: words(path) for name, path in demo.items()}
    assert alike(prints | {"again": words(again)}) == [(tune, "again")]


def test_a_pair_does_not_depend_on_what_stands_behind_it():
    random = np.random.default_rng(0)
    rows = {str(n): random.integers(0, 2**32, 900, np.uint32) for n in range(20)}
    rows["10"] = rows["3"] ^ (random.random(900) < 0.3).astype(np.uint32)
    rows["15"] = np.concatenate([random.integers(0, 2**32, 40, np.uint32), rows["3"][:700]])
    assert alike(rows) == [("3", "10"), ("3", "15"), ("10", "15")]
    first = {name: rows[name] for name in list(rows)[:12]}
    assert alike(first) == [("3", "10")]


def test_a_tone_that_goes_on_is_no_recording():
    tone = np.full(500, 12345, np.uint32)
    assert alike({"a": tone, "b": tone.copy()}) == []


def test_too_short_for_a_fingerprint():
    none = chromaprint.words("")
    assert alike({"a": none, "b": none}) == [] and alike({}) == []
