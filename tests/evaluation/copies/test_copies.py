"""Copies of training recordings are found where they are, and nothing else is called one."""

import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rawtone.audio import ffmpeg, pcm
from rawtone.audio.quantizers import make
from rawtone.corpus.chunks import Chunks, Excerpt, grid
from rawtone.corpus.demo.synthesizer import render
from rawtone.corpus.demo.tunes import TUNES
from rawtone.evaluation.copies.finder import Copies, Copy

RATE = 8000
Pcm = NDArray[np.int16]
Pieces = list[tuple[str, str, int, Pcm]]  # split, track, first sample in the track, audio


def music(seed: int, seconds: float) -> Pcm:
    """Play notes of one scale on one instrument, with drums, never the same twice."""
    random = np.random.default_rng(seed)
    audio = np.zeros(round((seconds + 2) * RATE))
    scale = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    begin = 0.0
    while begin < seconds:
        length = random.uniform(0.2, 1.5)
        time = np.arange(round(length * RATE)) / RATE
        pitch = random.choice(scale) * random.choice([0.5, 1, 2])
        partials = [np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 7)]
        note = random.uniform(0.2, 1) * sum(partials) * np.exp(-3 * time)
        note += random.standard_normal(len(time)) * np.exp(-40 * time) * random.uniform(0, 1)
        audio[round(begin * RATE) :][: len(note)] += note
        begin += random.uniform(0.1, 0.4)
    return np.rint(audio[: round(seconds * RATE)] * 5000).clip(-32768, 32767).astype(np.int16)


def corpus(pieces: Pieces, rate: int = RATE) -> Chunks:
    """Cut pieces into chunks of 8 s with 1 s overlap, as the stage chunk does."""
    cut = [
        (split, track, first + excerpt.start, audio[excerpt.start : excerpt.stop])
        for split, track, first, audio in pieces
        for excerpt in grid(Excerpt(0, len(audio)), 8 * rate, rate)
    ]
    splits, tracks, starts, audio = zip(*cut, strict=True)
    table = np.zeros((len(cut), 8 * rate, *audio[0].shape[1:]), np.int16)
    for row, samples in zip(table, audio, strict=True):
        row[: len(samples)] = samples
    lengths = np.array([len(samples) for samples in audio], np.int64)
    firsts = np.array(starts, np.int64)
    return Chunks(table, lengths, firsts, tracks, ("",) * len(cut), splits, rate, rate)


@cache
def trained() -> tuple[Copies, dict[str, Pcm]]:
    """Return five recordings of 40 s, and what knows them."""
    tracks = {f"track {seed}": music(seed, 40) for seed in range(5)}
    pieces = [("train", name, 0, audio) for name, audio in tracks.items()]
    held_out = [("validation", "held out", 0, music(100, 40))]
    return Copies.of(corpus(pieces + held_out), 0), tracks


def mixed(random: np.random.Generator, excerpt: Pcm, decibels: float) -> tuple[Pcm, float]:
    """Put an excerpt into a clip of other music, and tell at which second."""
    clip = music(int(random.integers(1000, 2000)), 10).astype(np.float64)
    at = int(random.integers(len(clip) - len(excerpt)))
    under = clip[at : at + len(excerpt)]
    gain = np.sqrt(np.mean(under**2) / np.mean(excerpt.astype(np.float64) ** 2))
    under += 10 ** (decibels / 20) * gain * excerpt
    return np.rint(0.5 * clip).astype(np.int16), at / RATE


def through_file(ending: str, how: list[str], folder: Path, clip: Pcm) -> Pcm:
    """Encode and decode a clip."""
    pcm.write(folder / "clip.wav", clip, RATE)
    ffmpeg.run(["-i", f"file:{folder / 'clip.wav'}", *how, "-y", f"file:{folder}/coded{ending}"])
    ffmpeg.decode(folder / f"coded{ending}", folder / "decoded.wav", RATE, 1)
    return pcm.read(folder / "decoded.wav")


def through_mu_law(folder: Path, clip: Pcm) -> Pcm:
    """Quantize a clip to 8 bits."""
    quantizer = make("mu-law", 256)
    return np.rint(quantizer.decode(quantizer.encode(clip)) * 32767).astype(np.int16)


CODECS: dict[str, Callable[[Path, Pcm], Pcm]] = {
    "mu-law": through_mu_law,
    "mp3": lambda folder, clip: through_file(".mp3", ["-b:a", "16k"], folder, clip),
    "ogg": lambda folder, clip: through_file(".ogg", ["-q:a", "0"], folder, clip),
    "resampled": lambda folder, clip: through_file(".wav", ["-ar", "11025"], folder, clip),
}


@pytest.mark.parametrize("codec", CODECS)
def test_a_quiet_excerpt_under_other_music_is_found_after_encoding(
    codec: str, tmp_path: Path
) -> None:
    copies, tracks = trained()
    random = np.random.default_rng(0)
    for number in range(6):
        track, seconds = f"track {number % 5}", (2.0, 3.0, 5.0)[number % 3]
        start = int(random.integers(round((40 - seconds) * RATE)))
        excerpt = tracks[track][start : start + round(seconds * RATE)]
        clip, at = mixed(random, excerpt, (-6.0, -12.0)[number % 2])
        copy = copies.find(CODECS[codec](tmp_path, clip), RATE)
        assert copy is not None
        assert copy.is_copy
        assert copy.track == track
        assert copy.from_seconds - copy.at_seconds == pytest.approx(start / RATE - at, abs=0.05)
        assert at - 0.5 < copy.at_seconds < at + seconds
        assert copy.at_seconds + copy.seconds < at + seconds + 0.5


def test_other_music_of_the_same_notes_and_instrument_is_no_copy() -> None:
    copies, _ = trained()
    found = [copies.find(music(seed, 10), RATE) for seed in range(200, 220)]
    assert not [copy for copy in found if copy is None or copy.is_copy]


def test_a_training_recording_backwards_is_no_copy() -> None:
    copies, tracks = trained()
    copy = copies.find(tracks["track 3"][: 10 * RATE][::-1], RATE)
    assert copy is not None
    assert not copy.is_copy


def test_a_copy_longer_than_what_is_searched_at_once_is_told_in_full() -> None:
    copies, tracks = trained()
    clip = np.concatenate([music(300, 6), tracks["track 1"][5 * RATE : 30 * RATE], music(301, 4)])
    copy = copies.find(clip, RATE)
    assert copy is not None
    assert (copy.track, copy.is_copy) == ("track 1", True)
    assert copy.from_seconds == pytest.approx(5, abs=0.1)
    assert copy.at_seconds == pytest.approx(6, abs=0.1)
    assert copy.seconds == pytest.approx(25, abs=0.3)
    assert copy.likeness > 0.9


def test_places_count_from_the_beginning_of_the_track_where_silence_was_left_out() -> None:
    before, after = music(0, 9), music(1, 20)
    pieces = [("train", "a", 0, before), ("train", "a", 100 * RATE, after)]
    copy = Copies.of(corpus(pieces), 0).find(after[11 * RATE : 16 * RATE], RATE)
    assert copy is not None
    assert copy.from_seconds == pytest.approx(111, abs=0.05)
    assert copy.words("Blue") == "a copy of Blue from 1:51 on (5.0 s, likeness 0.99)"


def test_of_bars_that_repeat_the_earliest_is_told() -> None:
    bar = music(7, 4)
    piece = np.concatenate([music(8, 6), *[bar] * 4, music(9, 6)])
    copies = Copies.of(
        corpus([("train", "loop", 0, piece), ("validation", "b", 0, music(1, 20))]), 0
    )
    copy = copies.find(bar[RATE // 2 :], RATE)
    assert copy is not None
    assert copy.is_copy
    assert copy.from_seconds == pytest.approx(6.5, abs=0.05)


def test_what_held_out_parts_repeat_themselves_is_no_copy_and_more_of_it_is() -> None:
    loop, other = music(7, 3), music(8, 30)
    beginning = np.concatenate([loop, other])
    end = np.concatenate([music(9, 5), loop, music(10, 5), loop, music(11, 5)])
    pieces = [("train", "loops", 0, beginning), ("test", "loops", len(beginning), end)]
    copies = Copies.of(corpus(pieces), 0)
    repeats = copies.find(np.concatenate([music(20, 4), loop, music(21, 3)]), RATE)
    more = copies.find(beginning[: 8 * RATE], RATE)
    assert repeats is not None
    assert more is not None
    assert (repeats.track, repeats.is_copy) == ("loops", False)
    assert (more.track, more.is_copy) == ("loops", True)
    assert copies.limits.words.endswith("repeat training recordings to the letter")


def test_melodies_of_one_synthesizer_are_no_copies_of_each_other_but_of_themselves() -> None:
    tunes = [np.rint(render(tune, RATE) * 20_000).astype(np.int16) for tune in TUNES]
    splits = ["train"] * 8 + ["validation", "test"] + [""] * 2
    pieces = [(split, str(n), 0, tunes[n]) for n, split in enumerate(splits) if split]
    copies = Copies.of(corpus(pieces), 0)
    for number, tune in enumerate(tunes):
        copy = copies.find(tune, RATE)
        assert copy is not None
        assert copy.is_copy == (splits[number] == "train"), TUNES[number].name
        if copy.is_copy:
            assert copy.track == str(number)
            assert copy.from_seconds == pytest.approx(copy.at_seconds, abs=0.05)


def test_stereo_and_another_rate_are_compared_all_the_same(tmp_path: Path) -> None:
    copies, tracks = trained()
    pcm.write(tmp_path / "a.wav", tracks["track 2"][12 * RATE : 18 * RATE], RATE)
    ffmpeg.decode(tmp_path / "a.wav", tmp_path / "b.wav", 44_100, 2)
    copy = copies.find(pcm.read(tmp_path / "b.wav"), 44_100)
    assert copy is not None
    assert (copy.track, copy.is_copy) == ("track 2", True)
    assert copy.from_seconds - copy.at_seconds == pytest.approx(12, abs=0.05)


@pytest.mark.parametrize("samples", [0, 1, RATE // 2, 3 * RATE])
def test_nothing_is_found_in_silence_or_less_than_a_second(samples: int) -> None:
    copies, tracks = trained()
    assert copies.find(np.zeros(samples, np.int16), RATE) is None
    assert copies.find(tracks["track 0"][: min(samples, RATE - 400)], RATE) is None


@pytest.mark.parametrize("seconds", [1.0, 3.7, 25.0])
def test_defects_of_clips_are_no_copies(seconds: float) -> None:
    copies, _ = trained()
    count = round(seconds * RATE)
    time, random = np.arange(count), np.random.default_rng(0)
    clips = {
        "offset": np.full(count, 1000),
        "lowest": np.full(count, -32768),
        "square": np.where(time % 50 < 25, 32767, -32768),
        "click": np.where(time == count // 2, 30_000, 0),
        "clicks": np.where(time % 2000 == 0, 30_000, 0),
        "tone": 20_000 * np.sin(0.3 * time),
        "noise": random.integers(-30_000, 30_000, count),
        "faintest noise": random.integers(-1, 2, (count, 2)),
    }
    found = {name: copies.find(clip.astype(np.int16), RATE) for name, clip in clips.items()}
    assert not [name for name, copy in found.items() if copy is not None and copy.is_copy]


def test_an_excerpt_at_less_than_one_hundredth_of_full_scale_is_found() -> None:
    copies, tracks = trained()
    faint = (tracks["track 4"][20 * RATE : 25 * RATE] * 0.003).astype(np.int16)
    clip = np.zeros(10 * RATE, np.int16)
    clip[3 * RATE : 8 * RATE] = faint
    copy = copies.find(clip, RATE)
    assert copy is not None
    assert (copy.track, copy.is_copy) == ("track 4", True)
    assert copy.from_seconds - copy.at_seconds == pytest.approx(17, abs=0.05)


def test_workers_get_what_was_built_and_find_the_same() -> None:
    copies, tracks = trained()
    sent = pickle.loads(pickle.dumps(copies))
    clip = tracks["track 0"][: 5 * RATE]
    assert sent.find(clip, RATE) == copies.find(clip, RATE)


def test_an_hour_of_recordings_takes_less_than_a_hundred_megabytes() -> None:
    minutes = 10
    long = np.tile(music(5, 60), minutes)
    built = Copies.of(corpus([("train", "a", 0, long)]), 0).index.waveforms
    assert 60 / minutes * (built.line.nbytes + built.blocks.nbytes) < 100e6


def test_what_is_no_copy_is_said_to_be_none() -> None:
    copy = Copy("a", 3.0, 0.0, 1.0, 0.041, is_copy=False)
    assert copy.words("Blue") == "not a copy; most like Blue from 0:03 on (1.0 s, likeness 0.04)"
