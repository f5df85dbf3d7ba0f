"""What the curves must show, and that their bytes depend on the figures alone."""

import math
import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest

from rawtone.report.plots import Curve, Restart, loss_svg, speed_svg

TRAINING = Curve(range(10, 1010, 10), [8 / (1 + step / 100) + 1 for step in range(10, 1010, 10)])
VALIDATION = Curve([500, 1000], [2.4, 1.9])
RESTARTS = [Restart(300, "manual"), Restart(600, "automatic")]
NOTHING = Curve([], [])


def _dashes(svg: str) -> set[str]:
    return set(re.findall(r"stroke-dasharray: ([0-9., ]+)", svg))


def test_restarts_are_told_apart_by_name_and_by_line() -> None:
    for draw in (lambda r: loss_svg(TRAINING, VALIDATION, r), lambda r: speed_svg(TRAINING, r)):
        svg = draw(RESTARTS)
        assert "manual restart" in svg
        assert "automatic restart" in svg
        manual, automatic = (_dashes(draw([restart])) for restart in RESTARTS)
        assert manual
        assert automatic
        assert not manual & automatic
        assert _dashes(draw([])) == set()


def test_many_restarts_of_a_kind_have_one_entry_in_the_legend() -> None:
    svg = speed_svg(TRAINING, [Restart(step, "automatic") for step in range(100, 900, 100)])
    assert svg.count("automatic restart") == svg.count(">8 automatic restarts<") == 1


def test_the_trend_of_speed_does_not_smear_over_a_change_of_machine() -> None:
    speed = Curve(range(200), [1.2] * 100 + [0.7] * 100)
    assert _width_of_fall(speed_svg(speed, [Restart(100, "manual")])) < 3
    assert _width_of_fall(speed_svg(speed, [])) > 6


def _width_of_fall(svg: str) -> float:
    """Return over how many points of the page the trend, the thickest line, changes its height."""
    trends = re.findall(r'd="([^"]+)"[^>]*stroke-width: 2.2', svg)
    points = [
        (float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", max(trends, key=len))
    ]
    return max(there[0] - here[0] for here, there in pairwise(points) if here[1] != there[1])


def test_what_was_not_validated_has_no_entry_in_the_legend() -> None:
    assert "held-out recordings" in loss_svg(TRAINING, VALIDATION, [])
    assert "held-out recordings" not in loss_svg(TRAINING, NOTHING, [])


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
