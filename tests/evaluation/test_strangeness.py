"""Clips of corpora that are too short to be known count as usual."""

from dataclasses import replace

import numpy as np
import pytest

from rawtone.evaluation.features import Features
from rawtone.evaluation.strangeness import Strangeness

DIMENSIONS = 4
POINTS = np.random.default_rng(0).normal(size=(30, DIMENSIONS)).astype(np.float32)
KNOWN = Features(np.zeros(4), np.eye(4), (POINTS[:20],), (POINTS[20:],), {})


def test_held_out_recordings_are_as_strange_as_one_and_what_is_further_away_is_stranger() -> None:
    strangeness = Strangeness.of(KNOWN)
    usual = [strangeness.of_clip(POINTS[20 + k : 21 + k]) for k in range(10)]
    assert np.median(usual) == pytest.approx(1.0)
    assert strangeness.of_clip(POINTS[20:] + np.float32(10)) > 3


@pytest.mark.parametrize("lacking", ["train", "held_out"])
def test_without_recordings_of_a_second_every_clip_is_usual(lacking: str) -> None:
    strangeness = Strangeness.of(replace(KNOWN, **{lacking: ()}))
    assert strangeness.of_clip(POINTS) == 1.0
