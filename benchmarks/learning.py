"""What families learn in equal time on a CPU: bits on held-out music after so many minutes.

    python benchmarks/learning.py chunks-folder [--minutes 5] preset ...

`chunks-folder` is data/chunks/demo, say. Each preset is trained in a process of its own, one after
the other. How long a step takes is measured first; the schedule is stretched to the steps that fit.
Beside them stand what needs no training: FLAC, an adaptive linear predictor, counting values. To be
run on a machine that does nothing else.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from presets import Preset

from rawtone.audio import quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.bits import entropy_bits, flac_bits
from rawtone.evaluation.held_out import HeldOut
from rawtone.evaluation.linear_prediction import linear_prediction_bits
from rawtone.models import backend
from rawtone.settings import Quantizer, Training
from rawtone.training.batches import FROM_SILENCE
from rawtone.training.order import Order, order
from rawtone.training.schedules import learning_rate

WARM, TRIAL = 10, 60


def train_order(preset: Preset, chunks: Chunks) -> Order:
    """Return the batches that a preset learns from."""
    training, quantizer = preset.training, Quantizer(**preset.table["quantizer"])
    sizes = (training.batch_size, training.window)
    return order(chunks, "train", quantizer, preset.settings, sizes, training.seed, FROM_SILENCE)


def steps_in(trainer: Any, batches: Order, training: Training, seconds: float) -> int:
    """Return how many steps fit into a time; the trainer is as before."""
    first = trainer.state()
    for index in range(WARM + TRIAL):
        if index == WARM:
            started = time.perf_counter()
        trainer.update([batches.batch(index)] * training.accumulate, 0.0)
    trainer.restore(first)
    return max(int(seconds * TRIAL / (time.perf_counter() - started)), 1)


def learned(name: str, chunks: Chunks, minutes: float) -> dict[str, Any]:
    """Train a preset for so long, in this process, and measure it."""
    backend.start()
    from rawtone.training.trainer import Trainer

    preset = Preset.read(name)
    model = preset.build(channels=1 if chunks.pcm.ndim == 2 else 2)
    batches, trainer = train_order(preset, chunks), Trainer(model, preset.training)
    steps = steps_in(trainer, batches, preset.training, 60 * minutes)
    training = preset.training.model_copy(update={"steps": steps})
    k, started = training.accumulate, time.perf_counter()
    for step in range(steps):
        drawn = [batches.batch(step * k + index) for index in range(k)]
        trainer.update(drawn, learning_rate(training, step))
    seconds = time.perf_counter() - started
    return {"steps": steps, "seconds": seconds, "bits": _bits(trainer, preset, chunks)}


def _bits(trainer: Any, preset: Preset, chunks: Chunks) -> float | None:
    if not preset.settings.density:
        return None
    held_out = HeldOut(chunks, "validation", _config(preset))
    return float(trainer.validate(held_out.batches) / math.log(2))


def _config(preset: Preset) -> dict[str, Any]:
    return {"model": preset.table["model"], "quantizer": preset.table["quantizer"], "labels": []}


def baselines(preset: Preset, chunks: Chunks) -> dict[str, float]:
    """Return bits of what needs no training, on the same held-out codes."""
    codes = HeldOut(chunks, "validation", _config(preset)).codes
    codec = quantizers.make(**preset.table["quantizer"])
    return {
        "FLAC": flac_bits(codes, codec.levels, chunks.sample_rate),
        "adaptive linear prediction": linear_prediction_bits(codes, codec),
        "counting values (order 0)": entropy_bits(codes, codec.levels),
    }


def in_a_process(name: str, folder: Path, minutes: float) -> dict[str, Any]:
    """Return what `learned` returns in a new process, or why it failed."""
    command = [sys.executable, __file__, "--here", "--minutes", str(minutes), str(folder), name]
    told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode:
        return {"failed": (told.stderr.strip().splitlines() or ["killed"])[-1]}
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found


def line(name: str, found: dict[str, Any]) -> str:
    """Return a preset's row of the table."""
    if "failed" in found:
        return f"{name:28} failed: {found['failed']}"
    bits = "none (regression)" if found["bits"] is None else f"{found['bits']:.3f}"
    return f"{name:28} {bits:>18} {found['steps']:>9,} {found['seconds']:>9.0f}"


def main() -> None:
    """Print a line for each preset, then what they have to beat."""
    parser = argparse.ArgumentParser()
    parser.add_argument("chunks", type=Path)
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    chunks = Chunks.open(asked.chunks)
    if asked.here:
        print(json.dumps(learned(asked.presets[0], chunks, asked.minutes)))
        return
    print(f"{'':28} {'bits':>18} {'steps':>9} {'seconds':>9}")
    for name in asked.presets:
        print(line(name, in_a_process(name, asked.chunks, asked.minutes)), flush=True)
    codecs: dict[str, Preset] = {}
    for preset in map(Preset.read, asked.presets):
        codec = "{kind} {levels}".format(**preset.table["quantizer"])
        codecs.setdefault(codec, preset)
    for codec, preset in codecs.items():
        print(f"without training, {codec}:")
        for name, bits in baselines(preset, chunks).items():
            print(f"  {name:26} {bits:>18.3f}")
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
