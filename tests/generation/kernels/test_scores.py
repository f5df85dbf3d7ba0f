"""What a kernel says of codes that it hears, with weights of any precision."""

import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend

backend.start()

from rawtone.generation.kernels.wavenet import WaveNetKernel  # noqa: E402
from rawtone.generation.kernels.weights import Precision  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio, Family  # noqa: E402

MODEL = WaveNet(
    family="wavenet",
    dilations=[1, 2, 4, 8],
    filter_width=3,
    residual_channels=24,
    dilation_channels=16,
    skip_channels=40,
    biases=True,
)
LEVELS = 100  # neither they nor channels fill whole registers


@pytest.fixture(scope="module")
def model() -> Family:
    """Return a model with random weights, whose distributions are neither flat nor sure."""
    model = build(MODEL, Audio(quantizers.make("mu-law", LEVELS)), seed=1)
    random = np.random.default_rng(1)
    for variable in model.variables:
        variable.assign(random.normal(size=variable.shape, scale=0.3))
    return model


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    return np.random.default_rng(2).integers(0, LEVELS, (300, 16)).astype(np.int32)


def scores(model: Family, precision: Precision, codes: np.ndarray) -> np.ndarray:
    kernel = WaveNetKernel(model, precision)
    return kernel.score(kernel.state(codes.shape[1], np.zeros((codes.shape[1], 0))), codes)


def test_scores_are_those_of_the_parallel_form(model: Family, codes: np.ndarray) -> None:
    silence = np.full((MODEL.context, 16), LEVELS // 2)
    heard = np.concatenate([silence, codes])[:-1].T.astype(np.int32)
    logits = np.asarray(model(heard)[0]).astype(np.float64)
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    expected = np.log(np.take_along_axis(shares, codes.T[..., None], axis=-1)[..., 0])
    np.testing.assert_allclose(scores(model, "float32", codes).T, expected, atol=2e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_a_stream_is_scored_alike_alone_and_among_sixteen(
    model: Family, codes: np.ndarray, precision: Precision
) -> None:
    together = scores(model, precision, codes)
    alone = [scores(model, precision, codes[:, [lane]]) for lane in (0, 7, 15)]
    np.testing.assert_array_equal(together[:, [0, 7, 15]], np.concatenate(alone, axis=1))


@pytest.mark.parametrize(("precision", "most"), [("bfloat16", 0.02), ("int8", 0.1)])
def test_fewer_bits_score_nearly_alike(
    model: Family, codes: np.ndarray, precision: Precision, most: float
) -> None:
    full, fewer = scores(model, "float32", codes), scores(model, precision, codes)
    assert 0 < np.abs(fewer - full).mean() < most


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_stream_of_fewer_bits_is_made_alike_alone_and_among_sixteen(
    model: Family, precision: Precision
) -> None:
    kernel = WaveNetKernel(model, precision)
    uniforms = np.random.default_rng(3).random((400, 2, 16), dtype=np.float32)

    def made(lanes: list[int]) -> np.ndarray:
        count = len(lanes)
        codes = np.empty((400, count), np.int32)
        state = kernel.state(count, np.zeros((count, 0), np.float32))
        ones = np.ones((400, count), np.float32)
        own = np.ascontiguousarray(uniforms[..., lanes])
        kernel.make(state, ones, np.ones(count, np.float32), own, codes)
        return codes

    together = made(list(range(16)))
    np.testing.assert_array_equal(together[:, [3]], made([3]))
    np.testing.assert_array_equal(together[:, [12]], made([12]))
