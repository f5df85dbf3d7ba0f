"""How fast families train, and what share of the machine's arithmetic that is.

    python benchmarks/training.py [--seconds 20] [preset ...]

Names are those of presets, and of SIZES in presets.py. Each is trained in a process of its
own on batches of noise at its own batch size and window, after its first steps. Operations are
those of matrix products and convolutions, counted in a forward pass, times three for training. The
peak is that of the product of two matrices of 2048 x 2048, measured before each preset. All figures
come from one run; only their ratios mean anything.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from presets import Preset

from rawtone.models import backend

DEFAULT = (
    "wavenet-20-layers",
    "wavenet-default",
    "samplernn-small",
    "samplernn-prism",
    "samplernn-dadabots",
    "wav-nn-lstm",
    "wav-nn-conv-lstm",
    "niisan-article",
    "niisan-half-spectrum",
    "lpc-lru-demo",
)
WARM = 2


def peak() -> float:
    """Return the best of some matrix products, in operations a second."""
    import tensorflow as tf

    n = 2048
    a = tf.random.stateless_normal((n, n), (0, 0))
    product = tf.function(lambda x: tf.matmul(x, a))
    seconds = []
    for _ in range(12):
        started = time.perf_counter()
        product(a).numpy()
        seconds.append(time.perf_counter() - started)
    return 2 * n**3 / min(seconds)


def operations(model: Any, preset: Preset) -> int:
    """Count the operations of matrix products in training on one window."""
    from tensorflow.python.framework import op_callbacks

    total = 0

    def count(kind: str, inputs: Any, attributes: Any, outputs: Any, *_: Any, **__: Any) -> None:
        nonlocal total
        if kind in ("MatMul", "BatchMatMulV2", "BatchMatMulV3"):
            pairs = dict(zip(attributes[::2], attributes[1::2], strict=True))
            flipped = pairs.get("transpose_a") or pairs.get("adj_x")
            total += 2 * math.prod(outputs[0].shape) * inputs[0].shape[-2 if flipped else -1]
        elif kind == "Conv2D":
            total += 2 * math.prod(outputs[0].shape) * math.prod(inputs[1].shape[:3])

    batch = preset.noise(1, preset.training.window)
    op_callbacks.add_op_callback(count)
    try:
        model(batch.codes, model.initial_carry(1), batch.labels)
    finally:
        op_callbacks.remove_op_callback(count)
    return 3 * total


def measured(name: str, seconds: float) -> dict[str, Any]:
    """Train in this process and return what is told of it."""
    backend.start()
    from rawtone.training.trainer import Trainer

    preset = Preset.read(name)
    training, model = preset.training, preset.build()
    work = operations(model, preset) * training.batch_size
    fastest = peak()
    trainer = Trainer(model, training)
    batch = preset.noise(training.batch_size, training.window)
    for _ in range(WARM):
        trainer.update([batch] * training.accumulate, training.learning_rate)
    took: list[float] = []
    while sum(took) < seconds or len(took) < 3:
        started = time.perf_counter()
        trainer.update([batch] * training.accumulate, training.learning_rate)
        took.append(time.perf_counter() - started)
    step = statistics.median(took) / training.accumulate
    return {
        "parameters": sum(math.prod(v.shape) for v in model.weights),
        "batch": f"{training.batch_size} x {training.window:,}",
        "step": step,
        "samples": training.batch_size * training.window / step,
        "work": work / step,
        "share": work / step / fastest,
    }


def in_a_process(name: str, seconds: float) -> dict[str, Any]:
    """Return what `measured` returns in a new process, or why it failed."""
    command = [sys.executable, __file__, "--here", "--seconds", str(seconds), name]
    told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode:
        return {"failed": (told.stderr.strip().splitlines() or ["killed"])[-1]}
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print a line for each preset."""
    parser = argparse.ArgumentParser()
    parser.add_argument("presets", nargs="*", default=DEFAULT)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here:
        print(json.dumps(measured(asked.presets[0], asked.seconds)))
        return
    heads = ("parameters", "batch x window", "s/step", "samples/s", "GFLOP/s", "of peak")
    print(f"{'preset':24}" + "".join(f"{head:>16}" for head in heads))
    for name in asked.presets:
        found = in_a_process(name, asked.seconds)
        if "failed" in found:
            print(f"{name:24} failed: {found['failed']}", flush=True)
            continue
        cells = (
            f"{found['parameters']:,}",
            found["batch"],
            f"{found['step']:.3f}",
            f"{found['samples']:,.0f}",
            f"{found['work'] / 1e9:.1f}",
            f"{100 * found['share']:.0f} %",
        )
        print(f"{name:24}" + "".join(f"{cell:>16}" for cell in cells), flush=True)
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
