"""How fast clips are made, against real time and against predicting from the whole window.

Claims: the compiled loop with carried state is faster than real time at 16 kHz in aggregate, and
hundreds of times faster than a `predict` of the whole window for each sample, for a WaveNet of 20
layers, 32/32/128 channels. All figures come from one run; only their ratios mean anything.

    python benchmarks/generation.py
"""

import time

import numpy as np

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend

backend.start()

from rawtone.generation.engine import generate  # noqa: E402
from rawtone.generation.loop import BLOCK, LANES, Loop  # noqa: E402
from rawtone.generation.streams import Stream  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402

REAL_TIME = 16_000
SMALL = WaveNet(
    family="wavenet",
    dilations=[2**i for i in range(10)] * 2,
    filter_width=2,
    residual_channels=32,
    dilation_channels=32,
    skip_channels=128,
    biases=True,
)


def naive(model: object, samples: int) -> float:
    """Return samples a second of one stream, each predicted from its whole window by Keras."""
    window = np.full((1, SMALL.context), 128, dtype="int32")
    model.predict(window, verbose=0)  # compiles
    started = time.perf_counter()
    for _ in range(samples):
        logits, _ = model.predict(window, verbose=0)
        window = np.roll(window, -1)
        window[0, -1] = logits[0, 0].argmax()
    return samples / (time.perf_counter() - started)


def compiled_loop(model: object, blocks: int) -> float:
    """Return samples a second over all streams of the compiled loop."""
    loop = Loop(model, REAL_TIME)
    streams = [Stream(seed, 1.0) for seed in range(LANES)]
    made = generate(loop, streams, (blocks + 1) * BLOCK)
    next(made)  # compiles
    started = time.perf_counter()
    samples = sum(part.codes.size for part in made)
    return samples / (time.perf_counter() - started)


def main() -> None:
    """Print both and their ratio."""
    model = build(SMALL, Audio(quantizers.make("mu-law", 256)))
    slow, fast = naive(model, samples=40), compiled_loop(model, blocks=10)
    print(f"whole window, 1 stream:            {slow:12,.1f} samples/s")
    print(f"compiled loop, {LANES} streams:         {fast:12,.1f} samples/s")
    print(f"the loop is {fast / slow:,.0f} times as fast, {fast / REAL_TIME:.1f} times real time")


if __name__ == "__main__":
    main()
