"""Train beside another program, in turns, and say how many times as fast we are.

    python benchmarks/side_by_side.py preset [--rounds 5] [--steps 4] -- command of the peer …

The peer's command is one of the scripts in benchmarks/peers with its own Python, as told in
docs/performance.md. Both programs are started and make their first two steps; then each makes a
block of steps while the other waits. Printed is the median of the rounds' ratios, by the clock and
by the seconds of all cores; the latter still mean something where the machine is not idle.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

Times = list[list[float]]
WARM = 2


class Program:
    """A training that makes steps when it is told to.

    Args:
        command: of a script that imports gate.
    """

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self._heard() != "ready":
            raise SystemExit(f"it ended before its first step: {' '.join(command)}")
        self.go(WARM)

    def _heard(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def go(self, steps: int) -> Times:
        """Make steps; return seconds of each by the clock and of all cores."""
        assert self.process.stdin
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        times: Times = json.loads(self._heard())
        return times


def medians(times: Times) -> list[float]:
    """Return the median seconds by the clock and of all cores."""
    return [statistics.median(column) for column in zip(*times, strict=True)]


def main() -> None:
    """Print each round and the median of the ratios."""
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser()
    parser.add_argument("preset")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    asked = parser.parse_args(sys.argv[1:cut])
    script = Path(__file__).parent / "peers" / "ours.py"
    ours, peer = Program([sys.executable, str(script), asked.preset]), Program(sys.argv[cut + 1 :])
    ratios = []
    for index in range(asked.rounds):
        turns = (ours, peer) if index % 2 else (peer, ours)
        took = {id(program): medians(program.go(asked.steps)) for program in turns}
        mine, theirs = took[id(ours)], took[id(peer)]
        ratios.append([b / a for a, b in zip(mine, theirs, strict=True)])
        print(
            f"ours {mine[0]:.3f} s ({mine[1]:.3f} of all cores), peer {theirs[0]:.3f} s "
            f"({theirs[1]:.3f}): {ratios[-1][0]:.2f} ({ratios[-1][1]:.2f}) times as fast",
            flush=True,
        )
    clock, cores = medians(ratios)
    load = os.getloadavg()[0]
    print(f"median: {clock:.2f} by the clock, {cores:.2f} by all cores; load {load:.1f}")
    for program in (ours, peer):
        program.process.kill()


if __name__ == "__main__":
    main()
