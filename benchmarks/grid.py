"""How fast a grid of clips is made: all threads on whichever checkpoint comes next, or in turns.

    python benchmarks/grid.py [--checkpoints 8] [--clips 1] [--seconds 10] [--rounds 3] [preset ...]

Claim: of 8 checkpoints with one clip each, two threads make the clips of several checkpoints at
once more than one and a half times as fast as those of one checkpoint after the other. Run it on a
machine that does nothing else.

Checkpoints have random weights. Both ways go through all that the stage does, from the files of
weights to tagged wav and mp3 files, in turns, after a first clip that compiles. The wavs have to
be the same bytes.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from presets import Preset

from rawtone.files import sha256
from rawtone.models import backend

SAMPLE_RATE = 16_000


def config_of(preset: Preset) -> dict[str, Any]:
    """Return what config.json of a training would say, as far as clips need it."""
    told = {key: preset.table[key] for key in ("model", "quantizer")}
    return told | {"sample_rate": SAMPLE_RATE, "channels": 1}


def checkpoints(folder: Path, model: Any, number: int) -> Iterator[Path]:
    """Write so many checkpoints of random weights."""
    from rawtone.training.checkpoints import write_arrays

    for step in range(number):
        random = np.random.default_rng(step)
        arrays = {
            variable.path: np.asarray(variable.value)
            + 0.02 * random.normal(size=variable.shape).astype(np.float32)
            for variable in model.weights
        }
        path = folder / f"step-{step:08d}.npz"
        write_arrays(path, arrays)
        yield path


def made(folder: Path, maker: Any, weights: list[Path], asked: Any, threads: int) -> float:
    """Make a grid in a folder; return how many seconds it took."""
    from rawtone.generation.filling import Asked, Filling, OfCheckpoint
    from rawtone.generation.kept import Kept
    from rawtone.generation.making import Making
    from rawtone.generation.progress import Progress
    from rawtone.generation.streams import Stream

    samples = round(asked.seconds * SAMPLE_RATE)
    wanted = [
        OfCheckpoint(
            path,
            {f"{path.stem}-{seed}": Asked(Stream(seed, 1.0), {}) for seed in range(asked.clips)},
        )
        for path in weights
    ]
    progress = Progress(len(weights) * asked.clips * samples, SAMPLE_RATE)
    folder.mkdir()
    making = Making(maker, samples, None, progress)
    started = time.perf_counter()
    Filling(Kept(folder, ["mp3"]), making, lambda _: None).make(wanted, threads)
    return time.perf_counter() - started


def measure(name: str, asked: Any) -> None:
    """Print the seconds of each round and the median of their ratios."""
    from rawtone.generation.maker import Maker
    from rawtone.models.backend import cores

    maker = Maker(config_of(Preset.read(name)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        weights = list(checkpoints(folder, maker.model, asked.checkpoints))
        warm = argparse.Namespace(seconds=0.5, clips=asked.clips)
        made(folder / "warm", maker, weights[:1], warm, 0)
        ratios = []
        for turn in range(asked.rounds):
            ways = {0: folder / f"{turn}-in-turns", cores(): folder / f"{turn}-together"}
            seconds = [
                made(place, maker, weights, asked, threads) for threads, place in ways.items()
            ]
            one, other = (sorted(map(sha256, place.glob("*.wav"))) for place in ways.values())
            assert one == other, "the files differ"
            ratios.append(seconds[0] / seconds[1])
            print(f"{name:18} {seconds[0]:7.2f} s in turns, {seconds[1]:7.2f} s together")
        print(f"{name:18} {statistics.median(ratios):.2f} times as fast", flush=True)


def main() -> None:
    """Measure presets, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", nargs="*", default=["wavenet-20-layers", "samplernn-1-layer"])
    parser.add_argument("--checkpoints", type=int, default=8)
    parser.add_argument("--clips", type=int, default=1, help="of each checkpoint")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    backend.start()
    for name in asked.preset:
        measure(name, asked)


if __name__ == "__main__":
    main()
