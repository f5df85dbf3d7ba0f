"""Run rncm-prism/prism-samplernn's train.py, unchanged, step by step as it is told.

python benchmarks/peers/prism_samplernn.py its-folder its-arguments…
"""

import sys

import gate

sys.path.insert(0, sys.argv.pop(1))
import train

steps = train.TrainingStepCallback
begin, end = steps.on_train_batch_begin, steps.on_train_batch_end


def on_begin(self, batch, logs):
    """Wait, then reset states as it does."""
    gate.before()
    begin(self, batch, logs)


def on_end(self, batch, logs):
    """Take the time before it prints."""
    gate.after()
    end(self, batch, logs)


steps.on_train_batch_begin, steps.on_train_batch_end = on_begin, on_end
train.main()
