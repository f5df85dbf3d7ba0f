"""Synthetic checkpoints of known quality are ranked rightly by all that is heard in their clips."""

from pathlib import Path
from statistics import median

import numpy as np
import pytest

from rawtone.audio import pcm
from rawtone.evaluation.choice import Candidate, choose
from rawtone.evaluation.curation import Heard, ranked
from rawtone.evaluation.ears import Ears, Sound
from rawtone.evaluation.listening import Listener
from tests.evaluation.test_sets import CODEC, RATE, clips, corpus

NOISE = (0.0, 0.02, 0.1, 0.4, 0.9)  # shares of the power
EACH = 3


@pytest.fixture(scope="module")
def ears() -> Ears:
    """Return what knows the corpus."""
    chunks = corpus()
    return Ears.of(chunks, CODEC, Listener(chunks, CODEC))


def spoiled(clip: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Mix a clip with noise of a share of its power, as a network would say it."""
    noise = np.random.default_rng(seed).normal(size=len(clip)) * clip.std()
    mixed = np.sqrt(1 - share) * clip + np.sqrt(share) * noise
    codes = CODEC.encode(np.clip(np.rint(mixed), -32768, 32767).astype(np.int16))
    return np.rint(CODEC.decode(codes) * 32767).astype(np.int16)


def heard(ears: Ears, wav: Path, samples: np.ndarray) -> Heard:
    """Hear a clip by all that `evaluate` hears it by."""
    pcm.write(wav, samples, RATE)
    found = ears.hear(Sound(wav, 0))
    words = found.health.words if found.health.verdict else ""
    severity, copy = found.health.severity, "a copy" * found.is_copy
    return Heard(wav.name, words, severity, found.strangeness, copy, wav.name, found.features)


def test_the_more_noise_the_lower_the_score_and_the_best_checkpoint_is_chosen(
    ears: Ears, tmp_path: Path
) -> None:
    made = [
        heard(ears, tmp_path / f"{share}-{seed}.wav", spoiled(clip, share, seed))
        for share in NOISE
        for seed, clip in enumerate(clips()[:EACH])
    ]
    places = ranked(made)
    by_degree = [places[k : k + EACH] for k in range(0, len(places), EACH)]
    scores = [median(place.score for place in own) for own in by_degree]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(NOISE)
    assert max(place.rank for place in by_degree[0]) <= EACH
    candidates = [
        Candidate(step, 1.0, "1.443 bits", [place.score for place in own], 0, 0)
        for step, own in enumerate(reversed(by_degree), 1)
    ]
    assert choose(candidates)["step"] == len(NOISE)
