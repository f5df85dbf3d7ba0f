"""What the curves must show, and that their bytes depend on the figures alone."""

import math
import xml.etree.ElementTree as ElementTree

import pytest

from rawtone.report.plots import Curve, Restart, loss_svg, speed_svg

TRAINING = Curve(range(10, 1010, 10), [8 / (1 + step / 100) + 1 for step in range(10, 1010, 10)])
VALIDATION = Curve([500, 1000], [2.4, 1.9])
RESTARTS = [Restart(300, "manual"), Restart(600, "automatic")]
NOTHING = Curve([], [])


def test_restarts_are_named() -> None:
    for svg in (loss_svg(TRAINING, VALIDATION, RESTARTS), speed_svg(TRAINING, RESTARTS)):
        assert "manual restart" in svg
        assert "automatic restart" in svg


def test_the_same_figures_give_the_same_bytes() -> None:
    assert loss_svg(TRAINING, VALIDATION, RESTARTS) == loss_svg(TRAINING, VALIDATION, RESTARTS)
    assert "<dc:date>" not in loss_svg(TRAINING, VALIDATION, RESTARTS)


def test_ink_follows_the_light_or_dark_page() -> None:
    svg = speed_svg(TRAINING, [])
    assert "prefers-color-scheme:dark" in svg
    assert "currentColor" in svg
    assert "#ffffff" not in svg


@pytest.mark.parametrize(
    "curve",
    [NOTHING, Curve([1], [math.nan]), Curve([1, 2], [math.inf, 3.0]), Curve([1], [0.0])],
    ids=["nothing", "nan", "inf", "zero"],
)
def test_any_course_can_be_drawn(curve: Curve) -> None:
    for svg in (loss_svg(curve, NOTHING, []), speed_svg(curve, RESTARTS)):
        ElementTree.fromstring(svg)


def test_losses_that_are_no_number_are_told() -> None:
    svg = loss_svg(Curve([1, 2], [math.nan, 3.0]), NOTHING, [])
    assert "no number (nan or inf) at 1 of 2 steps" in svg


def test_one_slow_step_does_not_flatten_the_rest() -> None:
    assert "slowest step: 30.0 s" in speed_svg(Curve(range(9), [30.0] + [0.1] * 8), [])
