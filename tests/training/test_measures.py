"""What losses measure, in logs, tables and words."""

import math

import pytest

from rawtone.training.history import parse
from rawtone.training.log import TrainingLog
from rawtone.training.measures import NATS, SQUARED_ERROR, Measure, measure
from rawtone.training.plain_log import plain


def test_bits_of_knowing_nothing() -> None:
    assert NATS.bits(NATS.uniform(256)) == pytest.approx(8)


def test_a_squared_error_has_no_bits() -> None:
    assert measure(density=False) is SQUARED_ERROR
    assert SQUARED_ERROR.bits(0.1) is None
    assert "bits" not in SQUARED_ERROR.words(0.1)
    assert math.isfinite(SQUARED_ERROR.uniform(256))


@pytest.fixture(params=[NATS, SQUARED_ERROR], ids=lambda measure: measure.unit)
def log(tmp_path, request) -> tuple[str, Measure]:
    with TrainingLog(tmp_path / "train.log", request.param) as log:
        log.start(0, 20, run="a", threads=2)
        log.step(10, loss=0.25, seconds=0.1)
        log.validation(10, loss=0.125)
        log.step(20, loss=math.nan, seconds=0.1)
    return (tmp_path / "train.log").read_text(), request.param


def test_a_log_says_what_its_losses_measure(log: tuple[str, Measure]) -> None:
    """Also as it is published; nothing but nats is turned into bits."""
    text, measure = log
    for told in (text, plain(text, [], None)):
        first, second = parse(told)
        assert (first.unit, first.loss, first.validation_loss) == (measure.unit, 0.25, 0.125)
        assert (first.bits, first.validation_bits) == (measure.bits(0.25), measure.bits(0.125))
        assert second.loss is not None
        assert math.isnan(second.loss)
        assert ("bits" in told) == measure.density


def test_what_is_published_reads_back_as_itself(log: tuple[str, Measure]) -> None:
    published = plain(log[0], [], None)
    assert plain(published, [], None) == published


def test_squared_errors_far_below_a_thousandth_are_told(tmp_path) -> None:
    with TrainingLog(tmp_path / "train.log", SQUARED_ERROR) as log:
        log.step(1, loss=1.2e-7, seconds=0.1)
    (row,) = parse((tmp_path / "train.log").read_text())
    assert row.loss == pytest.approx(1.2e-7, rel=0.01)
