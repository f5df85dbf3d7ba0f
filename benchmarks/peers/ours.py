"""Train a preset on noise, step by step as it is told.

python benchmarks/peers/ours.py preset
"""

import sys
from pathlib import Path

import gate

sys.path.append(str(Path(__file__).parents[1]))

from presets import Preset

from rawtone.models import backend

backend.start()

from rawtone.training.trainer import Trainer  # noqa: E402

preset = Preset.read(sys.argv[1])
training = preset.training
trainer = Trainer(preset.build(), training)
batch = preset.noise(training.batch_size, training.window)
while True:
    gate.before()
    trainer.update([batch], training.learning_rate)
    gate.after()
