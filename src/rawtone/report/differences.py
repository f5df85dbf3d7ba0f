"""Settings of experiments side by side, and those that differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SETTINGS = ("sample_rate", "channels", "model", "quantizer", "training")
_ABSENT = "–"


@dataclass(frozen=True)
class Setting:
    """A key and its value in each experiment."""

    path: str
    values: list[str]

    @property
    def differs(self) -> bool:
        """Tell whether the experiments disagree."""
        return len(set(self.values)) > 1


def settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that decided a training, by path.

    Args:
        config: as config.json has it; empty before training.
    """
    return {path: value for key in _SETTINGS for path, value in flat(key, config.get(key)) if value}


def side_by_side(all_settings: Sequence[Mapping[str, str]]) -> list[Setting]:
    """Put settings of several experiments into one table, in the order of their keys.

    Args:
        all_settings: of each experiment, by path.

    Returns:
        A line for each key that any experiment has.
    """
    paths = list(dict.fromkeys(path for table in all_settings for path in table))
    return [Setting(path, [t.get(path, _ABSENT) for t in all_settings]) for path in paths]


def flat(path: str, value: Any) -> list[tuple[str, str]]:
    """Write a nested table as lines of path and value; what is None is left out."""
    if isinstance(value, Mapping):
        return [
            line
            for key, inner in value.items()
            for line in flat(f"{path}.{key}" if path else str(key), inner)
        ]
    if value is None:
        return []
    if isinstance(value, list):
        return [(path, ", ".join(map(str, value)))]
    return [(path, str(value).lower() if isinstance(value, bool) else str(value))]
