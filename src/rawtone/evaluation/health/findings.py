"""What was found in a clip, and how it is said."""

from dataclasses import dataclass

RIGHT = "sounds right"
_WHOLE = 0.9


@dataclass(frozen=True)
class Finding:
    """Something a listener would complain about.

    Attributes:
        words: what it is and where, for a musician.
        from_seconds: where it begins.
        severity: 0 is no harm, 1 is a clip that nobody wants.
        kind: silence, clipping, offset, level, noise, hiss, tone, buzz, note, clicks or
            loop.
    """

    words: str
    from_seconds: float
    severity: float
    kind: str


@dataclass(frozen=True)
class Stretch:
    """A part of a clip, in seconds."""

    start: float
    stop: float
    whole: float

    @property
    def share(self) -> float:
        """How much of the clip it is."""
        return min(1.0, (self.stop - self.start) / self.whole)

    def words(self, what: str) -> str:
        """Say what is in the stretch, and where that is, unless it is nearly all of the clip."""
        if self.share >= _WHOLE:
            return what
        if self.whole - self.stop < 0.3:
            return f"{what} from {self.start:.1f} s on"
        if self.start < 0.3:
            return f"{what} until {self.stop:.1f} s"
        return f"{what} from {self.start:.1f} to {self.stop:.1f} s"


@dataclass(frozen=True)
class Health:
    """What was heard in a clip.

    Attributes:
        figures: every measure, as a column of clips.csv.
        verdict: what is wrong with it, the worst first; nothing if it sounds right.
    """

    figures: dict[str, str]
    verdict: tuple[Finding, ...]

    @property
    def row(self) -> dict[str, str]:
        """The figures as columns of clips.csv."""
        return dict(self.figures)

    @property
    def words(self) -> str:
        """The verdict in words, the worst first."""
        return "; ".join(finding.words for finding in self.verdict) or RIGHT

    @property
    def severity(self) -> float:
        """How bad it is in all, 0..1: each finding spoils a share of what others left whole."""
        whole = 1.0
        for finding in self.verdict:
            whole *= 1.0 - finding.severity
        return 1.0 - whole
