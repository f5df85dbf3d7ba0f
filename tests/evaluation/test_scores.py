"""Checkpoints are scored track by track: each sample once, whatever batch or window it is in."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.bits import order_1_bits
from rawtone.evaluation.held_out import HeldOut
from rawtone.evaluation.intervals import ratio_interval
from rawtone.evaluation.scores import Score, by_track, parts
from rawtone.models import backend
from rawtone.training.batches import Batch
from rawtone.training.measures import NATS, SQUARED_ERROR

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio, Family  # noqa: E402
from rawtone.training.scoring import Scorer  # noqa: E402

SIZE, OVERLAP, LEVELS = 12_000, 2_000, 16
WAVENET = {
    "family": "wavenet",
    "dilations": [1, 2, 4],
    "filter_width": 2,
    "residual_channels": 4,
    "dilation_channels": 4,
    "skip_channels": 4,
    "biases": True,
}
CARRIED = {"family": "next_sample", "embedding": 4, "units": [4]}
FAMILIES = {"wavenet": WAVENET, "carried": CARRIED}


def chunks(tracks: int = 6, each: int = 3) -> Chunks:
    """Return overlapping chunks of noisy tracks, the last of each short; every third validates."""
    hop, short, random = SIZE - OVERLAP, SIZE - 3_000, np.random.default_rng(0)
    whole = random.integers(-9000, 9000, (tracks, each * hop + OVERLAP)).astype(np.int16)
    pcm = np.stack([track[k * hop :][:SIZE] for track in whole for k in range(each)])
    lengths = np.tile([SIZE] * (each - 1) + [short], tracks)
    pcm[np.arange(SIZE) >= lengths[:, None]] = 0
    names = [f"track {number}" for number in range(tracks)]
    splits = ["validation" if number % 3 == 2 else "train" for number in range(tracks)]
    return Chunks(
        pcm=pcm,
        lengths=lengths,
        starts=np.tile(np.arange(each) * hop, tracks),
        tracks=tuple(np.repeat(names, each).tolist()),
        labels=("",) * len(pcm),
        splits=tuple(np.repeat(splits, each).tolist()),
        sample_rate=8000,
        overlap=OVERLAP,
    )


def config(family: str) -> dict[str, Any]:
    """Return what an experiment publishes, as far as it matters here."""
    quantizer = {"kind": "mu-law", "levels": LEVELS}
    return {"model": FAMILIES[family], "quantizer": quantizer, "channels": 1}


def sum_of_targets(batch: Batch) -> np.ndarray:
    """Return a loss that anybody can check: the codes themselves."""
    return (batch.targets * batch.weights).sum(axis=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_sample_counts_once_and_for_its_own_track(family: str) -> None:
    part = HeldOut(chunks(), "train", config(family))
    losses, samples = by_track(part, sum_of_targets)
    codec = quantizers.make("mu-law", LEVELS)
    for place, track in enumerate(part.tracks):
        rows = [row for row, name in enumerate(part.chunks.tracks) if name == track]
        own = [part.chunks.pcm[row, : part.chunks.lengths[row]] for row in rows]
        heard = np.concatenate([own[0], *(chunk[OVERLAP:] for chunk in own[1:])])
        assert samples[place] == len(heard)
        assert losses[place] == codec.encode(heard).astype(int).sum()


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> tuple[str, Family]:
    """Return a model of random weights, and its family."""
    settings = model_settings.model(FAMILIES[request.param])
    return request.param, build(settings, Audio(quantizers.make("mu-law", LEVELS)))


def test_a_track_is_scored_the_same_among_others_and_alone(model: tuple[str, Family]) -> None:
    """So that state is carried from window to window of a track, and into no other."""
    family, built = model
    scorer, corpus = Scorer(built), chunks()
    among, samples = by_track(HeldOut(corpus, "train", config(family)), scorer.by_window)
    tracks = HeldOut(corpus, "train", config(family)).tracks
    for place, track in enumerate(tracks):
        splits = tuple("train" if name == track else "" for name in corpus.tracks)
        alone = HeldOut(replace(corpus, splits=splits), "train", config(family))
        loss, count = by_track(alone, scorer.by_window)
        assert count[0] == samples[place]
        assert loss[0] == pytest.approx(among[place], rel=1e-5)


def test_windows_sum_up_to_the_loss_that_training_sees(model: tuple[str, Family]) -> None:
    family, built = model
    part = HeldOut(chunks(), "validation", config(family))
    losses, _ = by_track(part, Scorer(built).by_window)
    score = Scorer(built).score
    assert losses.sum() == pytest.approx(sum(score(batch) for batch in part.batches), rel=1e-6)


def test_of_what_was_learned_as_much_is_drawn_as_was_held_out() -> None:
    heard = parts(
        replace(chunks(30), splits=chunks(30).splits[:-3] + ("test",) * 3), config("wavenet")
    )
    train, validation = heard["train"], heard["validation"]
    assert 0 <= train.samples - validation.samples < SIZE
    assert len(train.tracks) > 10
    again = parts(train.chunks, config("carried"))["train"]
    np.testing.assert_array_equal(train.codes, again.codes)


def test_a_drawn_chunk_is_scored_where_it_is_among_all() -> None:
    """What the chunk before it holds is heard and not scored, though that one was not drawn."""
    whole = HeldOut(chunks(9), "train", config("wavenet"))
    some = replace(whole, most=40_000)
    first = dict(zip(whole.order.excerpts.rows.tolist(), whole.firsts.tolist(), strict=True))
    drawn = some.order.excerpts.rows.tolist()
    assert 0 < len(drawn) < len(first)
    assert some.firsts.tolist() == [first[row] for row in drawn]
    assert some.samples == len(some.codes)


def coded_one_by_one(codes: list[int], levels: int) -> float:
    """Return what Krichevsky & Trofimov's coder needs, as it would go."""
    seen, bits = np.full((levels, levels), 0.5), math.log2(levels)
    for before, code in pairwise(codes):
        bits -= math.log2(seen[before, code] / seen[before].sum())
        seen[before, code] += 1
    return bits / len(codes)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_order_1_bits_are_those_of_a_coder_that_counts_as_it_goes(codes: list[int]) -> None:
    assert order_1_bits(np.array(codes), 5) == pytest.approx(coded_one_by_one(codes, 5))


def test_order_1_knows_what_follows_what() -> None:
    random = np.random.default_rng(0)
    noise, walk = random.integers(0, 16, 50_000), np.cumsum(random.integers(0, 2, 50_000)) % 16
    assert order_1_bits(noise, 16) == pytest.approx(4, abs=0.05)
    assert order_1_bits(walk, 16) == pytest.approx(1, abs=0.05)
    assert order_1_bits(np.stack([walk, walk], axis=1), 16) == pytest.approx(1, abs=0.05)


def test_an_interval_holds_the_mean_and_narrows_with_tracks() -> None:
    random = np.random.default_rng(0)
    widths = []
    for tracks in (5, 50, 500):
        samples = random.integers(1000, 9000, tracks)
        low, high = ratio_interval(samples * random.normal(2, 0.3, tracks), samples)
        assert low < 2 < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert ratio_interval(np.ones(2), np.ones(2, np.int64)) is None


def test_a_long_track_weighs_more_and_few_tracks_have_no_interval() -> None:
    losses, samples = np.array([300.0, 100.0]) * math.log(2), np.array([100, 300])
    score = Score(7, "test", ("a", "b"), losses, samples)
    assert score.row(NATS) == {
        "step": 7, "split": "test", "loss": "0.693147", "bits": "1.0000", "samples": 400,
        "low": "", "high": "",
    }  # fmt: skip
    assert [row["bits"] for row in score.track_rows(NATS)] == ["3.0000", "0.3333"]
    assert {row["bits"] for row in score.track_rows(SQUARED_ERROR)} == {""}
    assert score.figures(SQUARED_ERROR)["loss"] == pytest.approx(math.log(2), rel=1e-5)
