"""What it costs that training gives the same bytes again, and whether it does.

Claims, for the demo's model and batch on a CPU: XLA, as rawtone runs it, gives the same weights
from process to process, and takes no longer than TensorFlow's deterministic mode, which Keras runs
without XLA. Another number of threads is measured, too: its weights need not be the same.
Every measurement is a process of its own; the ways take turns. All figures come from one run; only
their ratios mean anything.

    python benchmarks/determinism.py
"""

import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from importlib import resources
from typing import Any

import numpy as np
import yaml

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.settings import Training

WAYS = {
    "XLA (rawtone's way)": "xla",
    "graph, enable_op_determinism": "deterministic-graph",
    "graph, nothing said": "graph",
}
WARM, STEPS, TURNS = 3, 20, 4


def trained(way: str, threads: int) -> dict[str, Any]:
    """Train in this process; return seconds a step (the median) and a digest of the weights."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    backend.start()
    import tensorflow

    from rawtone.models.families import build
    from rawtone.models.family import Audio
    from rawtone.training.batches import Batch
    from rawtone.training.trainer import Trainer

    if way == "deterministic-graph":
        tensorflow.config.experimental.enable_op_determinism()
    preset = yaml.safe_load((resources.files("rawtone.presets") / "wavenet-demo.yaml").read_text())
    training, codec = Training(**preset["training"]), quantizers.make(**preset["quantizer"])
    model = build(WaveNet(**preset["model"]), Audio(codec), training.seed)
    trainer = Trainer(model, training)
    if way != "xla":
        trainer.learner.jit_compile = False
    random = np.random.default_rng(0)
    seconds = []
    for _ in range(WARM + STEPS):
        samples = model.settings.context + training.window
        codes = random.integers(codec.levels, size=(training.batch_size, samples), dtype=np.int32)
        targets = codes[:, -training.window :]
        lanes = np.zeros(training.batch_size, np.int32)
        weights = np.ones(targets.shape, np.float32)
        batch = Batch(codes[:, :-1], targets, weights, lanes, lanes == 0)
        started = time.perf_counter()
        trainer.update([batch], training.learning_rate)
        seconds.append(time.perf_counter() - started)
    assert trainer.learner.jit_compile is (way == "xla")
    digest = hashlib.sha256()
    for _, array in sorted(trainer.weights().items()):
        digest.update(array.tobytes())
    return {"seconds": statistics.median(seconds[WARM:]), "weights": digest.hexdigest()[:12]}


def in_a_process(way: str, threads: int) -> dict[str, Any]:
    """Return what `trained` returns in a new process."""
    command = [sys.executable, __file__, way, str(threads)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, Any] = json.loads(said)
    return result


def main() -> None:
    """Print a line for each way and number of threads: speed, spread, ratio, weights."""
    most = len(os.sched_getaffinity(0))
    cases = [(name, threads) for name in WAYS for threads in sorted({1, most}, reverse=True)]
    found: dict[tuple[str, int], list[dict[str, Any]]] = {case: [] for case in cases}
    for _ in range(TURNS):
        for name, threads in cases:
            found[name, threads].append(in_a_process(WAYS[name], threads))
    print(f"ms a step: median (least to most) of {TURNS} processes, {STEPS} steps each")
    reference = statistics.median(run["seconds"] for run in found[cases[0]])
    for (name, threads), runs in found.items():
        took = [run["seconds"] for run in runs]
        median, weights = statistics.median(took), sorted({run["weights"] for run in runs})
        print(
            f"{name:30} threads: {threads} {1000 * median:7.1f} "
            f"({1000 * min(took):.1f} to {1000 * max(took):.1f}), x {median / reference:.2f}; "
            f"weights after {WARM + STEPS} steps: {' '.join(weights)}"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(trained(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
