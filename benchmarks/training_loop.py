"""What it costs that training survives anything: the loop against nothing but its steps.

    python benchmarks/training_loop.py [rounds]

Both train the demo's model on the demo's batch size and window for one checkpoint's worth of steps
and make the same validations, in turns, in one process, after both were compiled. The bare way
draws batches, updates and validates. The loop adds what it is for: the log, the state and the
published weights on disk, checks of the loss, signals, and the preview of what training takes.
"""

import math
import statistics
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import numpy as np
import yaml

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.settings import Training
from rawtone.training.batches import Excerpts, Windows
from rawtone.training.schedules import learning_rate

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402
from rawtone.training.loop import Loop  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

PRESET = "wavenet-demo"


def windows(training: Training, context: int) -> Windows:
    """Return windows over a minute of noise at 8 kHz: what is heard costs nothing more or less."""
    codec = quantizers.make("mu-law", 256)
    pcm = np.random.default_rng(0).integers(-3000, 3000, (8, 64000), np.int16)
    rows, lengths = np.arange(8), np.full(8, 64000)
    audio = (pcm, rows, lengths, rows.astype(np.int32), codec.table(), codec.silence)
    sizes = (context, 1, training.window, training.batch_size)
    return Windows(Excerpts(*audio, *sizes, training.seed))


def bare(trainer: Trainer, training: Training, train: Windows) -> None:
    """Train and validate, and keep nothing."""
    for step in range(training.steps):
        trainer.update([train.batch(step)], learning_rate(training, step))
        if (step + 1) % training.validate_every == 0:
            trainer.validate(train.batch(i) for i in range(training.validation_batches))


def whole(trainer: Trainer, training: Training, train: Windows) -> None:
    """Train as the stage does."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        Loop(
            Path(folder),
            "benchmark",
            trainer,
            training,
            train,
            train,
            machinery=backend.facts(),
            uniform_loss=math.log(256),
            place=lambda chunk, sample: f"{chunk} at {sample}",
            require_room=lambda: 0,
        ).run()


def main(rounds: int) -> None:
    """Print seconds of each round and what the loop costs."""
    text = resources.files("rawtone.presets").joinpath(f"{PRESET}.yaml").read_text()
    table = yaml.safe_load(text)
    steps = table["training"]["checkpoint_every"]
    training = Training(**table["training"] | {"steps": steps})
    model = build(WaveNet(**table["model"]), Audio(quantizers.make("mu-law", 256)))
    trainer, train = Trainer(model, training), windows(training, model.settings.context)
    first = trainer.state()
    bare(trainer, training.model_copy(update={"steps": 300}), train)  # compiles
    ratios = []
    print(f"{PRESET}: {steps} steps with validations, on {backend.device()}")
    for index in range(rounds):
        seconds = {}
        ways = (bare, whole) if index % 2 else (whole, bare)
        for way in ways:
            trainer.restore(first)
            started = time.perf_counter()
            way(trainer, training, train)
            seconds[way] = time.perf_counter() - started
        ratios.append(seconds[whole] / seconds[bare])
        print(f"bare {seconds[bare]:6.2f} s, whole {seconds[whole]:6.2f} s: {ratios[-1]:.4f}")
    print(f"the loop costs {100 * (statistics.median(ratios) - 1):.1f} % (median of {rounds})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
