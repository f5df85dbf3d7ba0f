"""What the lines of training logs look like: one table of patterns for each program.

A line is recognised only in full, so that one that was torn or garbled costs itself and nothing
else. The patterns follow the programs' own print statements: tensorflow-wavenet's `train.py`,
prism-samplernn's `callbacks.py` and README (two forms of its epoch line), and `Progbar` of Keras
1 to 3.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

RAWTONE = "rawtone"
WAVENET = "tensorflow-wavenet"
PRISM = "PRiSM SampleRNN"
KERAS = "Keras fit"
# What two programs write alike, and what the shell loop around any of them writes.
EITHER = ""

PROGRAMS = (RAWTONE, WAVENET, PRISM, KERAS)

_COUNT = r"[0-9]{1,9}"
_TOTAL = r"[0-9]{1,15}"
_STEP = rf"(?P<step>{_TOTAL})"
_NUMBER = r"[0-9]{1,320}(?:\.[0-9]{0,15})?"
_LOSS = rf"-?{_NUMBER}|nan|-?inf"
_SECONDS = rf"(?P<seconds>{_NUMBER})"
_CIRCUMSTANCES = r"run (?P<run>\w+), .+, [0-9]+ threads"
_REASON = r"(?P<reason>\w+|no word \(killed or crashed\))"

_EPOCH = rf"Epoch: (?P<epoch>{_COUNT})/{_COUNT}"
_MEANS = rf"Loss: (?P<loss>{_LOSS}), Accuracy: (?:{_LOSS})"
_HELD_OUT = rf"Val Loss: (?P<validation>{_LOSS}), Val Accuracy: (?:{_LOSS})"
_DURATION = (
    rf"(?:(?P<hours>{_COUNT}) hrs )?(?:(?P<minutes>{_COUNT}) min )?{_SECONDS} (?:sec|seconds)"
)

# Keras prints four digits, always: a number that was cut short is not believed.
_FOUR = r"-?[0-9]{1,320}\.[0-9]{4}(?:e[+-][0-9]{2,3})?|nan|-?inf"
_PACE = r"[0-9]{1,9}(?:us|ms|s)/(?:step|sample|epoch)"
_BAR = rf"(?P<at>{_COUNT})/(?P<of>{_COUNT})(?: \[[=>.]{{1,99}}\]| ━{{1,99}})?"
_METRICS = rf"(?: - \w+(?: \w+)*: (?:{_FOUR}))+"

_Table = tuple[tuple[str, re.Pattern[str]], ...]


def _table(*patterns: tuple[str, str]) -> _Table:
    return tuple((kind, re.compile(pattern)) for kind, pattern in patterns)


FORMATS: dict[str, _Table] = {
    EITHER: _table(
        ("step", rf"step {_STEP} - loss = (?P<loss>{_LOSS}), \({_SECONDS} sec/step\)"),
        # The shell appends it to whatever the dead program left of its last line.
        ("loop", r".*Restarting the service at .+"),
    ),
    RAWTONE: _table(
        ("step", rf"step {_STEP} - loss = (?P<loss>{_LOSS}) (?P<unit>nats)"),
        (
            "step",
            rf"step {_STEP} - loss = (?P<loss>{_LOSS}) (?P<unit>squared error)"
            rf"(?:, \({_SECONDS} sec/step\))?",
        ),
        (
            "validation",
            rf"validation at step {_STEP} - loss = (?P<validation>{_LOSS}), (?:{_LOSS}) bits",
        ),
        (
            "validation",
            rf"validation at step {_STEP} - loss = (?P<validation>{_LOSS}) (?P<unit>squared error)",
        ),
        ("checkpoint", rf"checkpoint at step {_STEP}(?: - .+ on disk)?"),
        ("start", rf"start at step {_STEP} of {_TOTAL}: {_CIRCUMSTANCES}"),
        ("resume", rf"resume at step {_STEP} of {_TOTAL}: after {_REASON}, {_CIRCUMSTANCES}"),
        ("roll back", rf"roll back to step {_STEP}: learning rate x {_NUMBER}(?:e-[0-9]{{1,3}})?"),
        ("end", rf"stop at step {_STEP}: (?P<reason>\w+)"),
        ("end", rf"(?P<reason>done) at step {_STEP}(?:: .+)?"),
        ("end", rf"(?P<reason>diverged) at step {_STEP}: loss = .+, batch = .*"),
    ),
    WAVENET: _table(
        ("restored", rf" *Global step was: {_STEP}"),
        ("begin with nothing", r".*Trying to restore saved .+ No checkpoint found\."),
        ("nothing", r" *No checkpoint found\."),
        ("begin", r".*Trying to restore saved checkpoints from .+"),
        ("new folder", r".*Using default logdir: .+"),
    ),
    PRISM: _table(
        (
            "step",
            rf"{_EPOCH}, Step: (?P<at>{_COUNT})/(?P<of>{_COUNT}), {_MEANS}, "
            rf"\({_SECONDS} sec/step\)",
        ),
        (
            "epoch",
            rf"{_EPOCH}, Total Steps: (?P<of>{_COUNT}), {_MEANS}, {_HELD_OUT} \({_DURATION}\)",
        ),
        ("epoch", rf"{_EPOCH}, {_MEANS}, {_HELD_OUT} \((?P<of>{_COUNT}) steps in {_DURATION}\)"),
    ),
    KERAS: _table(
        ("epoch", rf"Epoch (?P<epoch>{_COUNT})/(?P<epochs>{_COUNT})"),
        (
            "bar",
            rf" *{_BAR}(?: -)? (?P<elapsed>{_COUNT})s"
            rf"(?P<told>(?:(?: -)? {_PACE})*{_METRICS}(?: - {_PACE})*) *",
        ),
        # Also of evaluate and predict, and torn: it says that the bars of an epoch are over.
        ("progress", r" *[0-9]+/(?:[0-9]+|Unknown) .*"),
    ),
}

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINE_END = re.compile(r"\r+\n")
_PIECE = re.compile(r"([^\r\n\x08]+)([\r\n\x08]?)")


@dataclass(frozen=True)
class Line:
    """A line that some program wrote: whose it is, of which kind, and what it says.

    `left` tells whether a line feed followed it, so that nothing was written over it.
    """

    program: str
    kind: str
    says: dict[str, str | None]
    left: bool

    def __getitem__(self, name: str) -> str:
        """Return what a part of the line says, "" where it may be left out and is."""
        return self.says.get(name) or ""


def lines(text: str) -> Iterator[Line]:
    """Find the lines that a training program wrote.

    Colours are taken off; what was overwritten on a screen, by carriage returns or backspaces,
    counts as lines of its own.

    Args:
        text: a log, with whatever else is in it.

    Yields:
        Each line that is one of FORMATS from its beginning to its end, in order.
    """
    plain = _LINE_END.sub("\n", _ESCAPE.sub("", text))
    for piece in _PIECE.finditer(plain):
        for program, kind, pattern in _ALL:
            found = pattern.fullmatch(piece[1])
            if found:
                yield Line(program, kind, found.groupdict(), left=piece[2] == "\n")
                break


_ALL = [(program, kind, pattern) for program, rows in FORMATS.items() for kind, pattern in rows]
