"""What the command line tells the person at the keyboard instead of a traceback."""

import difflib


class UserError(Exception):
    """Something the user can mend: one line that says what, where, and what to do about it.

    The command line prints it as `error: …` and exits with status 1, without a traceback.
    """


class Stopped(Exception):  # noqa: N818 - nobody's error
    """A signal asked for an end, and the work so far is saved.

    Args:
        message: what was saved and how to go on.
        status: the exit status, 128 + the signal's number.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def nearest(word: str, known: list[str]) -> str:
    """Return a hint for a word that is not among the known ones: the nearest, or all of them."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(sorted(known))}"
