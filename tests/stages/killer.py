"""Trains in the project that it is started in, and kills the training again and again.

    python killer.py <experiment> <kills> <seed>

A training is a fork of this process, which has imported the tensor library but not used it, so that
a hundred of them take minutes and not an hour. For the same reason XLA optimizes nothing here: each
start compiles anew, and of its steps only a few follow. Prints, as JSON, how often it killed at
each kind of moment.
"""

import contextlib
import glob
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from rawtone import cli
from rawtone.models import backend

RUNS, RESULTS = Path("runs"), Path("results")
GLANCE = 0.0005  # seconds between two looks; what is being written is there for longer


def start(experiment: str) -> int:
    """Start a training; return the number of its process."""
    child = os.fork()
    if child == 0:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 2)
        os._exit(cli.main(["train", experiment]))
    return child


def ended(child: int) -> bool:
    """Tell whether a process ended by itself; it has to have ended well."""
    number, status = os.waitpid(child, os.WNOHANG)
    if number and status:
        raise SystemExit(f"the training failed with status {status}")
    return bool(number)


def steps_logged() -> int:
    """Count the steps in the log, those that were repeated, too."""
    return sum(log.read_text().count("sec/step") for log in RUNS.glob("*/train.log"))


def anywhere(chance: random.Random) -> Callable[[], bool]:
    """Return a condition that holds after a random time: importing, compiling, training."""
    moment = time.monotonic() + chance.uniform(0, 3)
    return lambda: time.monotonic() > moment


def in_a_step(chance: random.Random) -> Callable[[], bool]:
    """Return a condition that holds some steps after training began."""
    before, more = steps_logged(), chance.randint(1, 40)
    return lambda: steps_logged() >= before + more


def while_writing(pattern: str, chance: random.Random) -> Callable[[], bool]:
    """Return a condition that holds when the first, second, … such file has just appeared."""
    count, before, seen = chance.randint(1, 4), set(files(pattern)), set[str]()

    def appeared() -> bool:
        seen.update(file for file in files(pattern) if file not in before)
        return len(seen) >= count

    return appeared


def files(pattern: str) -> Iterator[str]:
    """Name the files there are, those that were made anew by a new name."""
    for path in glob.iglob(pattern):  # noqa: PTH207 - unlike Path.glob, where folders go meanwhile
        with contextlib.suppress(FileNotFoundError):
            yield f"{path} {Path(path).stat().st_ctime_ns}"


def condition(kind: str, experiment: str, chance: random.Random) -> Callable[[], bool]:
    """Return the condition of a kind of moment."""
    match kind:
        case "anywhere":
            return anywhere(chance)
        case "step":
            return in_a_step(chance)
        case "checkpoint":
            return while_writing("runs/*/checkpoints/.step-*.new", chance)
        case "weights":
            return while_writing("runs/*/weights/.step-*", chance)
        case _:
            return while_writing(f"{RESULTS}/{experiment}/checkpoints/*", chance)


def kill_once(kind: str, experiment: str, chance: random.Random) -> bool:
    """Start a training and kill it; return whether it lived until its moment came."""
    there = condition(kind, experiment, chance)
    child = start(experiment)
    while not ended(child):
        if there():
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True
        time.sleep(GLANCE)
    return False


def main(experiment: str, kills: int, seed: int) -> None:
    """Kill a training so many times, then let it end."""
    os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
    backend.start()
    chance, moments = random.Random(seed), Counter[str]()
    kinds = ["anywhere", "step", "step", "checkpoint", "weights"]
    while moments.total() < kills:
        at_the_end = moments.total() >= kills - kills // 10
        kind = "publishing" if at_the_end else chance.choice(kinds)
        if kill_once(kind, experiment, chance):
            moments[kind] += 1
    child = start(experiment)
    while not ended(child):
        time.sleep(0.01)
    print(json.dumps(moments))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
