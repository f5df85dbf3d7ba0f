"""Run ibab/tensorflow-wavenet's train.py, unchanged, step by step as it is told.

python benchmarks/peers/tensorflow_wavenet.py its-folder its-arguments…

With TensorFlow 1 it runs as it is; with TensorFlow 2 by its compatibility module, which lacks one
initializer.
"""

import sys
import types

import gate
import tensorflow

if tensorflow.__version__ >= "2":
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    layers = types.SimpleNamespace(xavier_initializer_conv2d=tf.glorot_uniform_initializer)
    tf.contrib = types.SimpleNamespace(layers=layers)
    sys.modules["tensorflow"] = tf
else:
    tf = tensorflow


class Session(tf.Session):
    """Waits before every training step: the only call with three things to fetch."""

    def run(self, fetches, *arguments, **options):
        """Run, and take the time if it is a step."""
        if not (isinstance(fetches, list) and len(fetches) == 3):
            return super().run(fetches, *arguments, **options)
        gate.before()
        found = super().run(fetches, *arguments, **options)
        gate.after()
        return found


tf.Session = Session
sys.path.insert(0, sys.argv.pop(1))
import train  # noqa: E402

train.main()
