"""What clips are made, and how: `sampling` in params.yaml as typed, checked settings."""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rawtone.strict import Settings, unequal


class Prime(Settings):
    """The part of a recording that clips go on from."""

    recording: str = Field(
        min_length=1,
        description="A file of any format, relative to the project. ~ is your home.",
    )
    start: float = Field(0.0, ge=0, description="Seconds into it at which the part begins.")
    seconds: float = Field(1.0, gt=0, description="Length of the part.")
    keep: bool = Field(
        False, description="Begin each clip with the part itself; else with what comes after it."
    )


def _temperature(value: Any) -> float | dict[float, float]:
    """Check a temperature, or a table of seconds and temperatures."""
    if isinstance(value, Mapping):
        return _points(value, "temperatures", "{0: 1.0, 10: 0.8}", _heat)
    return _heat(value)


def _label(value: Any) -> str | dict[float, str]:
    """Check a label, or a table of seconds and labels."""
    if isinstance(value, Mapping):
        return _points(value, "labels", "{0: jazz, 10: rock}", _text)
    return _text(value)


def _heat(value: Any) -> float:
    if not _is_number(value) or value < 0:
        raise ValueError(f"expected a number from 0 on, found {value!r}")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a label, found {value!r}")
    return value


def _points(
    table: Mapping[Any, Any], what: str, example: str, check: Callable[[Any], Any]
) -> dict[float, Any]:
    points = {_second(at): check(value) for at, value in table.items()}
    if len(points) < 2:
        raise ValueError(f"expected {what} at two seconds or more, as in {example}, found {table}")
    return dict(sorted(points.items()))


def _second(at: Any) -> float:
    """Read a second, which JSON has as text."""
    try:
        second = float(at)
    except (TypeError, ValueError):
        second = math.nan
    if isinstance(at, bool) or not 0 <= second < math.inf:
        raise ValueError(f"expected seconds from 0 on, found {at!r}")
    return second


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


Temperature = Annotated[float | dict[float, float], BeforeValidator(_temperature)]
Label = Annotated[str | dict[float, str], BeforeValidator(_label)]


class Sampling(Settings):
    """Which clips are made from every checkpoint."""

    seconds: float = Field(gt=0, description="Length of a clip.")
    temperatures: list[Temperature] = Field(
        min_length=1,
        description="1 is what was learned, lower is safer, 0 takes the likeliest. A table of "
        "seconds and temperatures, as {0: 1.0, 10: 0.8}, changes it along the clip.",
    )
    top_p: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Draw only from the likeliest codes that have this share of probability.",
    )
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        min_length=1, description="One clip each for every temperature."
    )
    labels: Literal["all"] | Annotated[list[Label], Field(min_length=1)] = Field(
        "all",
        description="Of a model that is told labels: those of which clips are made. A table of "
        "seconds and labels, as {0: jazz, 10: rock}, goes from one to the next.",
    )
    prime: Prime | None = Field(
        None, description="What every clip goes on from; without it clips begin from silence."
    )

    formats: list[Literal["mp3", "flac", "ogg"]] = Field(
        ["mp3"], description="That clips are written in, beside wav."
    )
    engine: Literal["auto", "kernel", "loop"] = Field(
        "auto",
        description="kernel: compiled for CPUs, for the families that have one. loop: for any "
        "family and device. auto: the kernel where there is one.",
    )
    precision: Literal["float32", "bfloat16", "int8"] = Field(
        "float32",
        description="Of the kernel's weights: fewer bits are faster, and cost a little quality.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        unequal(self.temperatures, self.seeds, self.formats)
        if self.labels != "all":
            unequal(self.labels)
        return self

    @model_validator(mode="after")
    def _rounded_by_the_kernel(self) -> Self:
        if self.engine == "loop" and self.precision != "float32":
            raise ValueError(
                f"expected precision float32 with engine loop, found {self.precision}; set engine "
                "to auto"
            )
        return self


# Keys of `sampling` and `prime` that came later: at these values nothing is said of them, as
# before, so that clips made before are not made anew.
LATER_OF_SAMPLING = {
    "top_p": 1.0,
    "engine": "auto",
    "precision": "float32",
    "formats": ["mp3"],
}
LATER_OF_PRIME = {"keep": False}
