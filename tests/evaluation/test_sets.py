"""Sets of clips beside recordings: what is worse is further away, and what is as good is not."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.audio import quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.corpus.demo.synthesizer import render
from rawtone.corpus.demo.tunes import TUNES
from rawtone.evaluation import checkpoint_sets, sound
from rawtone.evaluation.covariance import Normal, frechet_distance, shrunk
from rawtone.evaluation.features import Features
from rawtone.evaluation.neighbours import distances, overlap, radii
from rawtone.evaluation.sets import FIGURES, Reference, Sounds

RATE, SECONDS = 8000, 4
CODEC = quantizers.make("mu-law", 256)
Clips = list[np.ndarray]


@cache
def pieces() -> Clips:
    """Return the demo's tunes, cut into pieces of 4 s."""
    audio = [np.round(render(tune, RATE) * 32767).astype(np.int16) for tune in TUNES]
    size = RATE * SECONDS
    cut = [piece for a in audio for piece in a[: len(a) // size * size].reshape(-1, size)]
    return [piece for piece in cut if np.abs(piece).max() > 3000]


def clips() -> Clips:
    """Return every fourth piece, which the corpus lacks: clips of a perfect checkpoint."""
    return pieces()[3::4]


def corpus(samples: int = RATE * SECONDS) -> Chunks:
    """Return the other pieces, or their beginnings: two of three learned from, one held out."""
    kept = [(piece[:samples], k % 4 == 2) for k, piece in enumerate(pieces()) if k % 4 != 3]
    return Chunks(
        pcm=np.stack([piece for piece, _ in kept]),
        lengths=np.full(len(kept), samples),
        starts=np.zeros(len(kept), np.int64),
        tracks=tuple(str(place) for place in range(len(kept))),
        labels=("",) * len(kept),
        splits=tuple("validation" if held_out else "train" for _, held_out in kept),
        sample_rate=RATE,
        overlap=0,
    )


@pytest.fixture(scope="module")
def features() -> Features:
    """Return what knows the corpus."""
    return Features.of(corpus(), CODEC)


def noisy(clip: np.ndarray, decibels: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=len(clip)) * clip.std() * 10 ** (decibels / 20)
    return np.clip(clip + noise, -32768, 32767).astype(np.int16)


def muffled(clip: np.ndarray, hertz: float) -> np.ndarray:
    spectrum = np.fft.rfft(clip)
    spectrum[round(hertz * SECONDS) :] = 0
    return np.fft.irfft(spectrum, len(clip)).astype(np.int16)


def looped(clip: np.ndarray, seconds: float) -> np.ndarray:
    return np.resize(clip[: round(seconds * RATE)], len(clip))


def cut_off(clip: np.ndarray, share: float) -> np.ndarray:
    return np.where(np.arange(len(clip)) < (1 - share) * len(clip), clip, 0).astype(np.int16)


SPOILED: dict[str, tuple[Callable[..., np.ndarray], tuple[float, ...]]] = {
    "noise": (noisy, (-30, -20, -10, 0, 20)),
    "muffled": (muffled, (2000, 1000, 500, 250)),
    "loops": (looped, (0.25, 0.1, 0.05, 0.02)),
    "silence": (cut_off, (0.25, 0.5, 0.75, 1.0)),
}


def measured(features: Features, made: Clips) -> dict[str, float]:
    """Compare clips as a model would make them, as codes."""
    audio = [np.round(CODEC.decode(CODEC.encode(clip)) * 32767).astype(np.int16) for clip in made]
    return features.compare([features.hear(clip, RATE) for clip in audio])


@pytest.fixture(scope="module")
def null(features: Features) -> dict[str, Any]:
    """Return what sets of the size of `clips` have."""
    return features.null(len(clips()) * SECONDS)


@pytest.mark.parametrize("way", SPOILED)
def test_checkpoints_of_known_quality_are_ordered_rightly(
    features: Features, null: dict[str, Any], way: str
) -> None:
    spoil, degrees = SPOILED[way]
    made = [clips(), *[[spoil(clip, degree) for clip in clips()] for degree in degrees]]
    found = [measured(features, each)["kernel_distance"] for each in made]
    assert found == sorted(found)
    assert found[0] < null["kernel_distance"]["high"] < found[2]


def test_real_music_that_nobody_learned_from_lies_within_the_null(
    features: Features, null: dict[str, Any]
) -> None:
    found = measured(features, clips())
    assert null["windows"] == null["train_windows"] // 4 < found["windows"]
    for figure in ("kernel_distance", "diversity", "variety"):
        assert null[figure]["low"] <= found[figure] <= null[figure]["high"]


def test_clips_that_are_all_the_same_lack_diversity_and_recall(features: Features) -> None:
    real = measured(features, clips())
    one = measured(features, [clips()[0]] * len(clips()))
    assert one["diversity"] < 0.9 * real["diversity"]
    assert one["recall"] < 0.5 * real["recall"]
    assert one["kernel_distance"] > real["kernel_distance"]


def test_a_clip_that_repeats_itself_lacks_variety(features: Features) -> None:
    """Of loops of a second that the recordings could have, the kernel distance tells little."""
    looping = measured(features, [looped(clip, 1.0) for clip in clips()])
    assert looping["variety"] == 0
    assert looping["diversity"] > 0.5


def test_what_is_heard_is_the_same_in_another_process(features: Features) -> None:
    again = pickle.loads(pickle.dumps(features))
    heard = features.hear(clips()[0], RATE)
    assert heard.dtype == np.float32
    assert heard.shape == (SECONDS, sound.DIMENSIONS)
    np.testing.assert_array_equal(heard, again.hear(clips()[0], RATE))
    stereo = np.stack([clips()[0]] * 2, axis=1)
    np.testing.assert_allclose(again.hear(stereo, RATE), heard, atol=1e-5)


@pytest.mark.parametrize("samples", [0, 1, RATE // 2 - 1, RATE // 2, RATE + 1, 3 * RATE - 1])
def test_a_clip_of_any_length_is_heard(features: Features, samples: int) -> None:
    heard = features.hear(np.ones(samples, np.int16), RATE)
    assert len(heard) == (samples // RATE or (1 if 2 * samples >= RATE else 0))
    assert np.isfinite(heard).all()


def test_too_few_sounds_have_no_figures(features: Features) -> None:
    nothing = features.compare([features.hear(np.ones(9, np.int16), RATE)])
    assert nothing == {"clips": 0, "windows": 0} | dict.fromkeys(FIGURES)
    few = features.compare([features.hear(clips()[0][: 2 * RATE], RATE)])
    assert few["windows"] == 2
    assert few["frechet_distance"] is not None
    assert {few["precision"], few["diversity"], few["kernel_distance"]} == {None}


@pytest.mark.parametrize("samples", [RATE // 4, RATE // 2])
def test_chunks_of_less_than_a_second_are_heard_if_they_can(samples: int) -> None:
    some = Features.of(corpus(samples), CODEC)
    found = measured(some, clips())
    assert (found["kernel_distance"] is None) == (2 * samples < RATE)
    assert some.null(8)["train_windows"] == (17 if 2 * samples >= RATE else 0)


def test_silent_recordings_and_clips_are_alike() -> None:
    silent = replace(corpus(), pcm=np.zeros_like(corpus().pcm))
    found = Features.of(silent, CODEC).compare([np.zeros((4, sound.DIMENSIONS))] * 3)
    assert found["kernel_distance"] == pytest.approx(0, abs=1e-6)


def test_each_checkpoint_and_temperature_is_a_set(features: Features) -> None:
    rows = [
        {"step": step, "temperature": temperature, "seed": seed}
        for step in (20, 40)
        for temperature in (0.9, "1.0 to 0.5")
        for seed in (0, 1)
    ]
    heard = [features.hear(clip, RATE) for clip in clips()[: len(rows)]]
    sets = checkpoint_sets.compare(features, rows, heard)
    assert sets["steps"][1] == {"step": 20, "temperature": "1.0 to 0.5"} | features.compare(
        heard[2:4]
    )
    assert sets["null"]["windows"] == sets["steps"][0]["windows"] == 2 * SECONDS
    assert json.loads(json.dumps(sets, allow_nan=False)) == sets
    table = list(checkpoint_sets.table_rows(sets))
    assert [(row["step"], row["clips"]) for row in table] == [("20", "2")] * 2 + [("40", "2")] * 2


def test_sets_of_one_distribution_have_no_kernel_distance_on_average() -> None:
    """It is unbiased: it does not grow as sets get smaller, and comes out negative, too."""
    random = np.random.default_rng(0)
    reference = Sounds.of(list(random.normal(size=(300, 1, 4))))
    compare = Reference(reference, reference).compare
    found = [compare(list(random.normal(size=(8, 1, 4))))["kernel_distance"] for _ in range(100)]
    assert abs(np.mean(found)) < 3 * np.std(found) / 10
    assert min(found) < 0
    assert compare(list(random.normal(size=(8, 1, 4)) + 1))["kernel_distance"] > max(found)


def test_frechet_distance_of_known_distributions() -> None:
    random = np.random.default_rng(0)
    one, other = random.normal(size=(20_000, 3)), 2 * random.normal(size=(20_000, 3)) + [3, 0, 0]
    assert frechet_distance(Normal(one), Normal(other)) == pytest.approx(9 + 3, rel=0.03)
    assert frechet_distance(Normal(one), Normal(one)) == pytest.approx(0, abs=1e-9)


def test_a_shrunk_covariance_is_nearer_to_the_truth_and_can_be_inverted() -> None:
    random = np.random.default_rng(0)
    truth = np.diag(np.linspace(0.5, 1.5, 40))
    few = random.normal(size=(20, 40)) @ np.sqrt(truth)
    estimated, sample = shrunk(few), np.cov(few.T, bias=True)
    assert np.linalg.norm(estimated - truth) < 0.5 * np.linalg.norm(sample - truth)
    assert np.linalg.eigvalsh(estimated).min() > 0.1
    many = random.normal(size=(50_000, 3)) @ np.array([[1, 0, 0], [0.5, 1, 0], [0, 0, 2]])
    np.testing.assert_allclose(shrunk(many), np.cov(many.T), atol=0.01)


@given(st.integers(6, 20), st.integers(6, 20), st.integers(0, 99))
def test_precision_and_its_kin_are_what_their_papers_say(real: int, made: int, seed: int) -> None:
    """Point by point, in loops, against the arrays."""
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(real, 2)), random.normal(size=(made, 2)) + 0.5
    r = [sorted(np.linalg.norm(x - p, axis=1))[5] for p in x]
    s = [sorted(np.linalg.norm(y - p, axis=1))[5] for p in y]
    inside = np.array([[np.linalg.norm(p - q) <= r[i] for q in y] for i, p in enumerate(x)])
    covers = np.array([[np.linalg.norm(p - q) <= s[j] for j, q in enumerate(y)] for p in x])
    found = overlap(distances(x, y), radii(distances(x, x)), radii(distances(y, y)))
    assert found["precision"] == pytest.approx(inside.any(axis=0).mean())
    assert found["recall"] == pytest.approx(covers.any(axis=1).mean())
    assert found["density"] == pytest.approx(inside.sum() / (5 * made))
    assert found["coverage"] == pytest.approx(inside.any(axis=1).mean())


@pytest.mark.parametrize("rate", [1000, 8000, 44_100])
def test_a_note_is_told_by_its_name_and_louder_by_decibels(rate: int) -> None:
    a = np.sin(2 * np.pi * 220 * np.arange(2 * rate) / rate)
    quiet, loud = sound.describe(0.05 * a, rate), sound.describe(0.5 * a, rate)
    bands, _, notes = sound.GROUPS
    assert loud[0, notes].argmax() == 9  # C is 0
    loudest = loud[0, bands].argmax()
    assert loud[0, loudest] - quiet[0, loudest] == pytest.approx(20, abs=0.01)
    assert sound.describe(np.zeros(rate), rate)[0, bands] == pytest.approx(sound.QUIETEST_DB)
