"""The table of how well checkpoints predict, beside what they must beat, in the page's words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rawtone.report.words import known, number

SPLITS = ("train", "validation", "test")
ABSENT = "–"
UNIFORM_BITS = 8.0
_UNBEATEN = "Less is better; what it must beat stands below it."


@dataclass(frozen=True)
class Score:
    """What predictions are measured in, and how the page speaks of it."""

    unit: str
    meaning: str
    table: str
    curve: str
    column: str
    gap: str


BITS = Score(
    unit="bits per sample",
    meaning="Bits needed to guess the next sample of recordings it never heard: less is better.",
    table="Bits per sample that are needed to guess each next sample of recordings the network has "
    f"not learned from. {_UNBEATEN}",
    curve="Loss in bits per sample over steps",
    column="bits",
    gap="gap_bits",
)
SQUARED_ERROR = Score(
    unit="squared error",
    meaning="Squared error of guessing the next sample of recordings it never heard, where full "
    "scale is 1: less is better. It names one value and no probabilities, so it has no bits.",
    table="Squared error, where full scale is 1, of guessing each next sample of recordings the "
    f"network has not learned from. {_UNBEATEN}",
    curve="Squared error over steps",
    column="loss",
    gap="gap_loss",
)


@dataclass(frozen=True)
class Guess:
    """One line of the table: a checkpoint, or something to compare with."""

    name: str
    figures: Mapping[str, str]
    share: float
    kind: str
    explanation: str = ""
    intervals: Mapping[str, str] = field(default_factory=dict)


def score(config: Mapping[str, Any]) -> Score:
    """Return what the predictions of an experiment are measured in.

    Args:
        config: as it was published; empty before that.
    """
    output = config.get("model", {}).get("output", {})
    return SQUARED_ERROR if output.get("kind") == "regression" else BITS


def figure(score: Score, value: Any) -> str:
    """Write a figure of a score, an en dash where there is none."""
    if score is BITS:
        return number(value)
    error = known(value)
    return "–" if error is None else f"{error:.3g}"


def guesses(
    score: Score, rows: Sequence[Mapping[str, str]], evaluation: Mapping[str, Any]
) -> list[Guess]:
    """Return the checkpoints by step, and below them what they must beat.

    Args:
        score: what they are measured in.
        rows: of bits.csv.
        evaluation: as evaluation.json has it.
    """
    by_step: dict[int, dict[str, str]] = {}
    intervals: dict[int, dict[str, str]] = {}
    for row in rows:
        step = int(row["step"])
        by_step.setdefault(step, {})[row["split"]] = row[score.column]
        intervals.setdefault(step, {})[row["split"]] = _interval(score, row)
    if not by_step:
        return []
    best = evaluation.get("best_step")
    baselines = _of_bits(evaluation) if score is BITS else _of_errors(evaluation)
    line = _against(score, (known(baselines[-1][1].get("validation")) or 0.0) or 1.0)
    steps = [
        line(f"step {step:,}", figures, "best" if step == best else "step", "", intervals[step])
        for step, figures in sorted(by_step.items())
    ]
    below = [line(name, figures, "baseline", words, {}) for name, figures, words in baselines]
    return steps + [guess for guess in below if _is_known(guess)]


def splits(lines: Sequence[Guess]) -> list[str]:
    """Return which parts of the corpus were measured, in the order of the table."""
    return [s for s in SPLITS if any(line.figures.get(s, ABSENT) != ABSENT for line in lines)]


def gap_words(score: Score, evaluation: Mapping[str, Any]) -> str:
    """Tell how much worse it does on music it has not learned from; empty where not measured."""
    gap = known(evaluation.get(score.gap))
    if gap is None:
        return ""
    than = "on the validation recordings than on those it learned from"
    more = "more" if gap >= 0 else "less"
    return f"The best checkpoint: {figure(score, abs(gap))} {score.unit} {more} {than}."


def _interval(score: Score, row: Mapping[str, str]) -> str:
    """Write the 95 % interval over tracks; empty where too few tracks tell."""
    low, high = (known(row.get(end)) for end in ("low", "high"))
    if low is None or high is None:
        return ""
    return f"{figure(score, low)} to {figure(score, high)}"


def _is_known(guess: Guess) -> bool:
    return any(text != ABSENT for text in guess.figures.values())


def headline(lines: Sequence[Guess]) -> list[Guess]:
    """Take the best checkpoint and what it must beat; nothing before both are known."""
    chosen = [line for line in lines if line.kind != "step"]
    return chosen if any(line.kind == "best" for line in chosen) else []


_Baseline = tuple[str, Mapping[str, Any], str]


def _of_bits(evaluation: Mapping[str, Any]) -> list[_Baseline]:
    uniform = evaluation.get("uniform_bits", UNIFORM_BITS)
    return [
        (
            "FLAC",
            evaluation.get("flac_bits", {}),
            "the same recordings, packed without loss by FLAC",
        ),
        (
            "Linear prediction",
            evaluation.get("linear_prediction_bits", {}),
            "follows the sound from sample to sample, and learned nothing beforehand",
        ),
        (
            "Counting pairs",
            evaluation.get("order_1_bits", {}),
            "knows how often each value follows each other (order-1 entropy)",
        ),
        (
            "Counting values",
            evaluation.get("entropy_bits", {}),
            "knows how often each value occurs, and nothing of order (order-0 entropy)",
        ),
        (
            "Knows nothing",
            {"validation": uniform, "test": uniform},
            "every value equally likely",
        ),
    ]


def _of_errors(evaluation: Mapping[str, Any]) -> list[_Baseline]:
    return [
        (
            "Repetition",
            evaluation.get("repetition_loss", {}),
            "guesses that every sample is the one before again",
        ),
        ("Silence", evaluation.get("silence_loss", {}), "guesses silence, always"),
    ]


def _against(score: Score, most: float) -> Callable[..., Guess]:
    def line(
        name: str,
        figures: Mapping[str, Any],
        kind: str,
        explanation: str,
        intervals: Mapping[str, str],
    ) -> Guess:
        share = min((known(figures.get("validation")) or known(figures.get("test")) or 0) / most, 1)
        texts = {split: figure(score, figures.get(split)) for split in SPLITS}
        return Guess(name, texts, round(share, 4), kind, explanation, intervals)

    return line
