"""Which recordings of a corpus are used: by what is known of them, by name, and by a draw."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rawtone.corpus import labels

LEFT_OUT = "left out: "

Track = Mapping[str, str]


@dataclass(frozen=True)
class Selection:
    """What is asked for; the fields are the keys `select` of a corpus in params.yaml."""

    include: Mapping[str, Sequence[str | int]]
    exclude: Mapping[str, Sequence[str | int]]
    leave_out: Sequence[str]
    min_seconds: float
    max_seconds: float | None
    max_hours: float | None
    each_seconds: float | None
    seed: int

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Read the table `select`; a key that it lacks asks for nothing."""
        return cls(
            include=table.get("include", {}),
            exclude=table.get("exclude", {}),
            leave_out=table.get("leave_out", []),
            min_seconds=table.get("min_seconds", 0.0),
            max_seconds=table.get("max_seconds"),
            max_hours=table.get("max_hours"),
            each_seconds=table.get("each_seconds"),
            seed=table.get("seed", 0),
        )

    @property
    def goes_by_tags(self) -> bool:
        """Whether tags decide what is wanted."""
        return bool(self.include or self.exclude)

    def against(self, track: Track) -> str:
        """Return why a track is not wanted, as far as its name and tags tell; empty if it is.

        Args:
            track: Its row in the table of tracks.
        """
        if track["id"] in self.leave_out or track["path"] in self.leave_out:
            return f"{LEFT_OUT}named in select.leave_out"
        for column, wanted in self.include.items():
            value = labels.of_track(track, column)
            if not _among(value, wanted):
                return f"{LEFT_OUT}{column} is {value or 'not known'}"
        for column, unwanted in self.exclude.items():
            value = labels.of_track(track, column)
            if _among(value, unwanted):
                return f"{LEFT_OUT}{column} is {value}"
        return ""

    def against_length(self, seconds: float) -> str:
        """Return why a track of this length is not wanted; empty if it is."""
        if seconds < self.min_seconds:
            return f"{LEFT_OUT}shorter than {self.min_seconds:g} s"
        if self.max_seconds is not None and seconds > self.max_seconds:
            return f"{LEFT_OUT}longer than {self.max_seconds:g} s"
        return ""

    def used_seconds(self, seconds: float) -> float:
        """Return how much of a track of this length is used."""
        return seconds if self.each_seconds is None else min(seconds, self.each_seconds)

    def order(self, tracks: Sequence[dict[str, str]]) -> list[dict[str, str]]:
        """Return tracks in the order of the draw, which is that of ids if there is none.

        A track's place depends on its id and the seed alone. So fewer hours are the beginning of
        more, and a track that comes or goes leaves the order of the others as it was.

        Args:
            tracks: Rows with an id and a path.
        """
        if self.max_hours is None:
            return sorted(tracks, key=lambda row: (row["id"], row["path"]))
        return sorted(tracks, key=lambda row: (self._place(row["id"]), row["path"]))

    def _place(self, track: str) -> str:
        return hashlib.sha256(f"{self.seed} {track}".encode()).hexdigest()


class Drawing:
    """The filling of `max_hours` with tracks, in the order of the draw.

    It ends with the first track that does not fit. To pass that over and take a shorter one would
    let more hours lack what fewer have.

    Attributes:
        reason: Why a track that comes when all is full is not used.
        full: Whether one did not fit.
    """

    def __init__(self, selection: Selection) -> None:
        """Begin with nothing."""
        self._selection = selection
        self._room = math.inf if selection.max_hours is None else selection.max_hours * 3600
        self.reason = f"{LEFT_OUT}{self._room / 3600:g} h are full"
        self.full = False

    def against(self, seconds: float) -> str:
        """Take a track of this length in, or return why not."""
        used = self._selection.used_seconds(seconds)
        self.full = self.full or used > self._room
        if self.full:
            return self.reason
        self._room -= used
        return ""


def _among(value: str, listed: Sequence[str | int]) -> bool:
    return value.casefold() in {str(each).casefold() for each in listed}
