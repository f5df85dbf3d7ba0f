"""How fast clips are made: both engines side by side, against real time and the machine's peaks.

    python benchmarks/generation.py [--seconds 5] [--streams 1 16 64] [preset ...]
    python benchmarks/generation.py --memory

Claims: on a CPU a kernel makes one stream at least twice as fast as the compiled loop, and many
clearly faster; one stream of a WaveNet of 20 layers, 1,000 times as fast as a `predict` of the
whole window for each sample. Ratios to real time are to 16 kHz, of all streams together.

Names are those of presets, and of SIZES in presets.py. One stream has one core, more have all. For
each, a process of its own makes blocks with each engine in turns, for so many seconds each, after
a first block that compiles; the median counts. Operations are those of matrix products; bytes are
those of the matrices, read once for each sample of a stream or of 16 side by side. All figures
come from one run; only their ratios mean anything.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psutil
from peaks import line as line_of_peaks
from presets import Preset

from rawtone.models import backend

REAL_TIME = 16_000
PRESETS = (
    "wavenet-20-layers",
    "wavenet-default",
    "samplernn-1-layer",
    "samplernn-prism",
    "lstm-256-64",
    "lpc-lru-demo",
)
# Some loops make a hundred samples a second: a block must not take minutes.
BLOCKS = {"samplernn-prism": 256}
PRECISIONS = ("float32", "bfloat16", "int8")
# Of packed weights, those that are multiplied; others are looked up or added.
MATRICES = {
    *("past", "now", "dense", "skip", "post", "out"),
    *("below", "recurrent", "candidate", "entry", "tell", "hidden", "last", "matrix"),
    *("hear", "enter", "gates", "leave"),
}


def work(weights: Any, name: str = "") -> Any:
    """Return multiply-adds of a sample of one stream, and bytes of the weights read for it."""
    if hasattr(weights, "_asdict"):
        if hasattr(weights, "scales"):  # 8 bits
            return work(weights.data, name)
        parts = [work(part, field) for field, part in weights._asdict().items()]
        # what is done once a frame
        return np.sum(parts, axis=0) / (weights.size if hasattr(weights, "tell") else 1)
    if isinstance(weights, tuple):
        return np.sum([work(part, name) for part in weights] + [np.zeros(2)], axis=0)
    if name in MATRICES:
        return np.array([weights.size, weights.nbytes], float)
    return np.zeros(2)


class Maker:
    """Makes blocks of streams with an engine, and tells how long each takes.

    A kernel's streams are spread over threads, as those of a grid are.

    Args:
        engine: that makes them.
        streams: how many of each job.
        block: samples of a block.
    """

    def __init__(self, engine: Any, streams: list[int], block: int) -> None:
        from rawtone.generation.streams import Stream
        from rawtone.models.backend import cores

        self.engine, self.made, self.seconds = engine, 0, []
        engine.block = engine.steps = block
        self.jobs = [[Stream(seed, 1.0) for seed in range(count)] for count in streams]
        self.states = [engine.start(job, None) for job in self.jobs]
        self.pool = ThreadPoolExecutor(min(len(self.jobs), cores()))
        self.next()
        self.seconds = []

    def next(self) -> None:
        """Make another block."""
        started = time.perf_counter()
        begins = [self.made] * len(self.jobs)
        found = list(self.pool.map(self.engine.make, self.states, self.jobs, begins))
        self.states = [state for _, state in found]
        self.seconds.append(time.perf_counter() - started)
        self.made += self.engine.block

    @property
    def rate(self) -> float:
        """Samples a second, of all streams."""
        streams = sum(map(len, self.jobs))
        return streams * self.engine.block / statistics.median(self.seconds)

    @property
    def reads(self) -> float:
        """How often weights are read for a sample of one stream."""
        return len(self.jobs) / sum(map(len, self.jobs))


def naive(model: Any, samples: int) -> float:
    """Return samples a second of one stream, each predicted from its whole window by Keras."""
    window = np.full((1, model.settings.context), 128, dtype="int32")
    model.predict(window, verbose=0)  # compiles
    started = time.perf_counter()
    for _ in range(samples):
        features = model.predict(window, verbose=0)[0]
        window = np.roll(window, -1)
        window[0, -1] = features[0, 0].argmax()
    return samples / (time.perf_counter() - started)


def measured(name: str, streams: int, seconds: float) -> dict[str, Any]:
    """Measure everything about a preset and a number of streams, in this process."""
    if streams == 1:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    backend.start()
    from rawtone.generation import engines
    from rawtone.generation.kernel import cost_of_group
    from rawtone.generation.loop import Loop
    from rawtone.generation.spread import spread
    from rawtone.models.backend import cores

    preset = Preset.read(name)
    model, block = preset.build(), BLOCKS.get(name, 2000)
    kernels = engines.kernel_of(model) is not None and engines.on_a_cpu()
    wanted = [("loop", "float32")] + [("kernel", p) for p in PRECISIONS if kernels]
    found: dict[str, Any] = {"device": backend.device(), "rows": {}}
    makers: dict[str, Maker] = {}
    for engine, precision in wanted:
        made, jobs = Loop(model, REAL_TIME, streams), [streams]
        if engine == "kernel":
            made = engines.make(model, REAL_TIME, engine, precision)
            group = cost_of_group(int(model.count_params()), precision)
            (jobs,) = spread([streams], cores(), group)
        makers[f"{engine} {precision}"] = Maker(made, jobs, block)
    began = time.perf_counter()
    while time.perf_counter() - began < seconds * len(makers):
        for maker in makers.values():
            spent = time.perf_counter()
            while time.perf_counter() - spent < seconds / 5:
                maker.next()
    for row, maker in makers.items():
        packed = getattr(getattr(maker.engine, "kernel", None), "weights", None)
        count, read = work(packed) if packed is not None else (0.0, 0.0)
        found["rows"][row] = [maker.rate, 2 * count * maker.rate, read * maker.rate * maker.reads]
    if streams == 1 and name.startswith("wavenet"):
        found["naive"] = naive(model, 30)
    return found


def memory() -> None:
    """Print what memory a process takes while it makes ten minutes of a stream."""
    backend.start()
    from rawtone.generation import engines
    from rawtone.generation.engine import generate
    from rawtone.generation.streams import Stream

    model = Preset.read("wavenet-20-layers").build()
    engine = engines.make(model, REAL_TIME)
    taken = []
    for part in generate(engine, [Stream(0, 1.0)], 600 * REAL_TIME):
        if part.end % (60 * REAL_TIME) == 0:
            taken.append(psutil.Process().memory_info().rss / 2**20)
    print("MiB after each minute of audio:", " ".join(f"{each:.0f}" for each in taken))


def in_a_process(*words: object) -> Any:
    """Return what a new process with such arguments measures."""
    command = [sys.executable, __file__, *map(str, words)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(said.splitlines()[-1])


def table(name: str, streams: int, found: dict[str, Any], tell: Callable[[str], None]) -> None:
    """Print the rows of a preset and a number of streams."""
    loop = found["rows"]["loop float32"][0]
    if len(found["rows"]) == 1:
        tell(f"{name:18} {streams:5} no kernel on {found['device']}")
    for row, (rate, operations, read) in found["rows"].items():
        rest = f"{operations / 1e9:6.0f} GFLOP/s {read / 1e9:6.1f} GB/s" if operations else ""
        tell(
            f"{name:18} {streams:5} {row:16} {rate:11,.0f} samples/s {rate / REAL_TIME:7.2f} x "
            f"real time {rate / loop:6.2f} x the loop {rest}"
        )
    if "naive" in found:
        best = max(rate for rate, *_ in found["rows"].values())
        tell(
            f"{name:18} {streams:5} predict, naive   {found['naive']:11,.1f} samples/s; "
            f"the best is {best / found['naive']:,.0f} times as fast"
        )


def main() -> None:
    """Print peaks, and then a line for each preset, number of streams, engine and precision."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", nargs="*", default=PRESETS)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory:
        memory()
        return
    if asked.measure:
        name, streams = asked.measure
        print(json.dumps(measured(name, int(streams), asked.seconds)))
        return
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        print(line_of_peaks(threads), flush=True)
    for name in asked.preset:
        for streams in asked.streams:
            words = ("--measure", name, streams, "--seconds", asked.seconds)
            table(name, streams, in_a_process(*words), lambda said: print(said, flush=True))


if __name__ == "__main__":
    main()
