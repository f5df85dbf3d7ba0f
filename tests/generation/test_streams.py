"""What decides a stream is a function of a sample's index alone, whatever stretch is asked for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rawtone.generation.streams import Stream, labels, temperatures, top_p

RATE = 100
HEAT = ((0.5, 1.0), (1.5, 0.5), (2.0, 0.0))


def heat(begin: int, count: int) -> np.ndarray:
    return temperatures([Stream(0, 0.9), Stream(0, HEAT)], begin, count, RATE)


def test_a_schedule_is_linear_between_its_points_and_constant_outside() -> None:
    found = heat(0, 400)
    assert found.dtype == np.float32
    assert found.shape == (400, 2)
    assert (found[:, 0] == np.float32(0.9)).all()
    expected = {0: 1, 50: 1, 100: 0.75, 150: 0.5, 175: 0.25, 200: 0, 399: 0}
    np.testing.assert_allclose(found[list(expected), 1], list(expected.values()), atol=1e-7)


@given(begin=st.integers(0, 300), count=st.integers(1, 100))
def test_any_stretch_is_that_of_the_whole(begin: int, count: int) -> None:
    np.testing.assert_array_equal(heat(begin, count), heat(0, 400)[begin : begin + count])


def test_a_label_is_told_alone_and_a_morph_by_shares() -> None:
    both = [Stream(0, 1.0, label=2), Stream(0, 1.0, label=((1.0, 0), (2.0, 1), (3.0, 0)))]
    assert labels(both, 0, RATE, 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert labels(both, 150, RATE, 3).tolist() == [[0, 0, 1], [0.5, 0.5, 0]]
    assert labels(both, 200, RATE, 3).tolist() == [[0, 0, 1], [0, 1, 0]]
    assert labels(both, 900, RATE, 3).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_models_without_labels_are_told_none() -> None:
    assert labels([Stream(0, 1.0)] * 2, 0, RATE, 0).shape == (2, 0)


def test_top_p_is_of_each_lane() -> None:
    np.testing.assert_array_equal(
        top_p([Stream(0, 1.0), Stream(0, 1.0, top_p=0.5)]), np.float32([1, 0.5])
    )
