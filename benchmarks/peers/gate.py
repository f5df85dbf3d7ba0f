"""Lets a training go on by as many steps as its standard input says, and tells what each took.

Imported by a peer's Python, which may be an old one.
"""

import json
import os
import sys
import time

_told = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the program itself prints goes to its log
_left = 0
_took = None
_began = (0.0, 0.0)


def _now():
    times = os.times()
    return time.perf_counter(), times[0] + times[1]


def before():
    """Wait, before a step, until one is asked for."""
    global _left, _took, _began
    if not _left:
        _told.write("ready\n" if _took is None else json.dumps(_took) + "\n")
        _told.flush()
        _took = []
        _left = int(sys.stdin.readline() or 0)
        if not _left:
            os._exit(0)
    _began = _now()


def after():
    """Note the seconds of a step, by the clock and of all cores."""
    global _left
    clock, cores = _now()
    _took.append([clock - _began[0], cores - _began[1]])
    _left -= 1
