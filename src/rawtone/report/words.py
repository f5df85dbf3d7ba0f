"""Figures in the words of the page."""

import math
from collections.abc import Mapping
from typing import Any

_NOTE_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_MOSTLY = 0.5


def number(value: Any, digits: int = 2) -> str:
    """Write a figure with fixed digits.

    Args:
        value: a number, its text, or nothing.
        digits: digits after the point.

    Returns:
        The figure, or an en dash where there is none.
    """
    figure = known(value)
    return "–" if figure is None else f"{figure:.{digits}f}".replace("-", "−")


def known(value: Any) -> float | None:
    """Read a figure that may be absent.

    Args:
        value: a number, its text, or nothing.

    Returns:
        The finite number, or None.
    """
    try:
        figure = float(value)
    except (TypeError, ValueError):
        return None
    return figure if math.isfinite(figure) else None


def counted(count: int, thing: str, things: str | None = None) -> str:
    """Write a count with its noun in the right number, as in "1 track", "2,000 tracks"."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def duration(seconds: Any) -> str:
    """Write a length of time as people say it: seconds, minutes or hours."""
    length = known(seconds)
    if length is None:
        return "–"
    if length < 60:
        return f"{length:.2g} s" if length < 10 else f"{length:.0f} s"
    if length < 5400:
        return f"{length / 60:.1f} min"
    return f"{length / 3600:.1f} h"


def clock(seconds: Any) -> str:
    """Write a moment as players show it, as in 1:12."""
    moment = known(seconds)
    if moment is None:
        return "–"
    return f"{int(moment) // 60}:{int(moment) % 60:02d}"


def note_name(midi: int) -> str:
    """Name a MIDI note number; 60 is C4, the middle C."""
    return f"{_NOTE_NAMES[midi % 12]}{midi // 12 - 1}"


def temperature(value: Any) -> float | str:
    """Read a temperature as clips.json and tables have it: a number, or a schedule in words."""
    figure = known(value)
    return str(value) if figure is None else figure


def temperature_order(value: float | str) -> tuple[bool, float, str]:
    """Return what temperatures are sorted by: schedules come after numbers."""
    return (True, 0.0, value) if isinstance(value, str) else (False, value, "")


def temperature_figure(value: float | str) -> str:
    """Write a temperature, or a schedule in words."""
    return value if isinstance(value, str) else f"{value:g}"


def temperature_words(temperature: float | str) -> str:
    """Say what a sampling temperature does."""
    if isinstance(temperature, str):
        return "changes along the clip"
    if temperature == 0:
        return "always the likeliest"
    if temperature < 1:
        return "safer"
    return "as learned" if temperature == 1 else "wilder"


def origin_words(origin: Mapping[str, Any] | None) -> str:
    """Tell from which weights a training began, down the chain.

    Args:
        origin: as config.json has it; None where chance decided the first weights.

    Returns:
        Such as "band, step 40 (run abc)"; empty where there is no origin.
    """
    chain = []
    while origin:
        chain.append(f"{origin['experiment']}, step {origin['step']:,} (run {origin['run']})")
        origin = origin.get("origin")
    return ", which began from ".join(chain)


def melody_words(row: Mapping[str, str]) -> str:
    """Tell what a clip sounds like.

    Args:
        row: its row of melody.csv.

    Returns:
        A short description; empty where nothing is known.
    """
    silent = known(row.get("silent_fraction"))
    if silent is not None and silent > _MOSTLY:
        return f"silent for {silent:.0%} of the time"
    parts = (_tuning(row), _notes(row), _onsets(row), _sound(row))
    return " · ".join(part for part in parts if part)


def _tuning(row: Mapping[str, str]) -> str:
    voiced, in_tune = known(row.get("voiced")), known(row.get("in_tune"))
    if voiced is not None and voiced < _MOSTLY:
        return f"a clear pitch only {voiced:.0%} of the time"
    return "" if in_tune is None else f"{in_tune:.0%} in tune"


def _notes(row: Mapping[str, str]) -> str:
    if "notes" not in row:
        return ""
    numbers = [int(part) for part in row["notes"].split() if part.isdecimal()]
    return " ".join(note_name(midi) for midi in numbers) or "no clear notes"


def _onsets(row: Mapping[str, str]) -> str:
    onsets = known(row.get("onsets_per_second"))
    return "" if onsets is None else f"{onsets:.1f} attacks a second"


def _sound(row: Mapping[str, str]) -> str:
    distance = known(row.get("spectrum_db"))
    return "" if distance is None else f"its sound is {distance:.0f} dB from the recordings'"
