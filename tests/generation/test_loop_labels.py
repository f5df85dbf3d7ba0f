"""Streams of different labels are generated side by side, each as if it were alone."""

import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.models.family import Audio

backend.start()

from rawtone.generation.engine import generate  # noqa: E402
from rawtone.generation.loop import Loop  # noqa: E402
from rawtone.generation.streams import Stream  # noqa: E402
from rawtone.models.families import build  # noqa: E402

SIZES = WaveNet(
    family="wavenet",
    dilations=[1, 2],
    filter_width=2,
    residual_channels=4,
    dilation_channels=4,
    skip_channels=4,
    biases=True,
    global_channels=3,
)


@pytest.fixture(scope="module")
def engine() -> Loop:
    model = build(SIZES, Audio(quantizers.make("mu-law", 256), labels=2))
    random = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(random.normal(size=variable.shape, scale=0.5))
    return Loop(model, sample_rate=8000)


def made(engine: Loop, *streams: Stream) -> np.ndarray:
    return np.concatenate([part.codes for part in generate(engine, streams, 500)], axis=1)


def test_a_stream_hears_its_own_label_and_not_its_neighbours(engine: Loop) -> None:
    one, two = Stream(5, 0.9, label=0), Stream(5, 0.9, label=1)
    together = made(engine, one, two)
    assert not np.array_equal(together[0], together[1])
    np.testing.assert_array_equal(together[1], made(engine, two)[0])
    np.testing.assert_array_equal(together[0], made(engine, two, one)[1])
