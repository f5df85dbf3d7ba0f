"""The penalty on large weights: it counts weights and embeddings, never biases.

tensorflow-wavenet counts its biases by mistake: they are not named as it thinks.
"""

import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.models.family import Audio
from tests import trainings

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.training.batches import Batch  # noqa: E402
from rawtone.training.learner import Learner, inputs  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

SIZES = WaveNet(
    family="wavenet",
    dilations=[1, 2],
    filter_width=2,
    residual_channels=3,
    dilation_channels=3,
    skip_channels=3,
    biases=True,
    global_channels=4,
)


def silent_batch(context: int) -> Batch:
    """Return a batch that weighs nothing, so that the penalty is all there is."""
    return Batch(
        codes=np.zeros((1, context + 3), np.int32),
        targets=np.zeros((1, 4), np.int32),
        weights=np.zeros((1, 4), np.float32),
        labels=np.zeros(1, np.int32),
        fresh=np.ones(1, np.bool_),
    )


def test_the_penalty_counts_weights_and_embeddings_and_no_biases() -> None:
    model = build(SIZES, Audio(quantizers.make("mu-law", 16), labels=2))
    learner = Learner(model, batch_size=1, l2=0.1)
    batch = inputs(silent_batch(SIZES.context))
    counted = [v for v in model.trainable_variables if "bias" not in v.path]
    assert any(v.path.endswith("embedding") for v in counted)
    squares = sum(float(np.square(v.numpy()).sum()) for v in counted)
    assert float(learner(batch)) == pytest.approx(0.05 * squares, rel=1e-5)
    biases = [v for v in model.trainable_variables if "bias" in v.path]
    assert len(biases) == 7  # of the gates twice, the skips twice, the one dense, the last two
    for bias in biases:
        bias.assign(bias + 3.0)
    assert float(learner(batch)) == pytest.approx(0.05 * squares, rel=1e-5)


def test_workers_share_one_penalty() -> None:
    """Their losses are added up, and the penalty would count once for each."""
    model = build(SIZES, Audio(quantizers.make("mu-law", 16), labels=2))
    batch = inputs(silent_batch(SIZES.context))
    alone = float(Learner(model, batch_size=1, l2=0.1)(batch))
    shared = trainings.plain(batch_size=2, workers=2, window=4, l2=0.1)
    of_a_worker = float(Trainer(model, shared).learner(batch))
    assert 2 * of_a_worker == pytest.approx(alone, rel=1e-5)


def test_without_it_nothing_is_added() -> None:
    model = build(SIZES, Audio(quantizers.make("mu-law", 16), labels=2))
    assert float(Learner(model, batch_size=1)(inputs(silent_batch(SIZES.context)))) == 0.0
