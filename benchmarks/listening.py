"""Whether the ranking orders clips of known quality, and how fast many clips are heard.

    python benchmarks/listening.py data/chunks/mine
    python benchmarks/listening.py data/chunks/mine --clips 1000

Clips are made of the held-out chunks of a corpus, mixed with white noise by degree: 0 is the
recording itself, 1 is noise of the same power. Prints a table; with --clips also the time for so
many clips of 10 s at the corpus's rate, and the memory of all processes as it goes.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from numpy.typing import NDArray

from rawtone.audio import pcm, quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.curation import Heard as Known
from rawtone.evaluation.curation import ranked
from rawtone.evaluation.ears import Ears, Heard, Sound
from rawtone.evaluation.hearing import each
from rawtone.evaluation.listening import Listener
from rawtone.models.backend import cores

DEGREES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
SECONDS, EACH = 10, 12
CODEC = quantizers.make("mu-law", 256)


def mixed(chunks: Chunks, row: int, degree: float, seed: int) -> NDArray[np.int16]:
    """Return a held-out chunk, repeated to ten seconds, with noise of a share of its power."""
    audio = chunks.pcm[row, : chunks.lengths[row]].astype(np.float64)
    random = np.random.default_rng(seed)  # no two clips begin at the same place
    turned = np.roll(audio, random.integers(len(audio)), axis=0)
    whole = np.resize(turned, (SECONDS * chunks.sample_rate, *audio.shape[1:]))
    noise = random.normal(size=whole.shape) * whole.std()
    made = np.sqrt(1 - degree) * whole + np.sqrt(degree) * noise
    codes = CODEC.encode(np.clip(np.rint(made), -32768, 32767).astype(np.int16))
    return np.rint(CODEC.decode(codes) * 32767).astype(np.int16)


def write(folder: Path, chunks: Chunks, degrees: Sequence[float]) -> list[Sound]:
    """Write a clip of each degree, chunk after chunk."""
    rows = np.concatenate([chunks.rows("validation"), chunks.rows("test")])
    sounds = []
    for index, degree in enumerate(degrees):
        wav = folder / f"{index:05d}.wav"
        row = int(rows[index % len(rows)])
        pcm.write(wav, mixed(chunks, row, degree, index), chunks.sample_rate)
        sounds.append(Sound(wav, 0))
    return sounds


def known(index: int, heard: Heard) -> Known:
    """Return what the ranking is told of a clip."""
    health = heard.health
    words = health.words if health.verdict else ""
    copy = "a copy" if heard.is_copy else ""
    name = f"{index:05d}"
    return Known(name, words, health.severity, heard.strangeness, copy, name, heard.features)


def order(ears: Ears, chunks: Chunks, folder: Path) -> None:
    """Print how clips of each degree are ranked."""
    degrees = [degree for degree in DEGREES for _ in range(EACH)]
    heard = [ears.hear(sound) for sound in write(folder, chunks, degrees)]
    places = ranked([known(index, one) for index, one in enumerate(heard)])
    print(
        f"{'noise':>6} {'median score':>13} {'median rank':>12} {'without defect':>15}  first words"
    )
    for place, degree in enumerate(DEGREES):
        own = slice(place * EACH, (place + 1) * EACH)
        score = median(one.score for one in places[own])
        rank = median(one.rank for one in places[own])
        sound = sum(not one.health.verdict for one in heard[own])
        words = heard[own][0].health.words
        print(f"{degree:6.2f} {score:13.3f} {rank:12.1f} {sound:9d} of {EACH}  {words}")


def speed(ears: Ears, chunks: Chunks, folder: Path, clips: int) -> None:
    """Print how long many clips take, and the memory while they are heard."""
    degrees = np.random.default_rng(0).choice(DEGREES, clips).tolist()
    sounds = write(folder, chunks, degrees)
    begun, told = time.monotonic(), []
    for count, _ in enumerate(each(ears.hear, sounds), 1):
        if count % (clips // 5) == 0:
            family = [psutil.Process(), *psutil.Process().children(recursive=True)]
            told.append(round(sum(one.memory_info().rss for one in family) / 2**20))
    seconds = time.monotonic() - begun
    print(f"{clips} clips of {SECONDS} s on {cores()} cores: {seconds:.0f} s")
    print(f"MiB of all processes after each fifth of the clips: {told}")


def main() -> None:
    """Parse, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chunks", type=Path, help="what the stage chunk wrote")
    parser.add_argument("--clips", type=int, help="hear so many, and tell time and memory")
    asked = parser.parse_args()
    chunks = Chunks.open(asked.chunks)
    begun = time.monotonic()
    ears = Ears.of(chunks, CODEC, Listener(chunks, CODEC))
    print(f"getting to know {asked.chunks}: {time.monotonic() - begun:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        if asked.clips:
            speed(ears, chunks, Path(folder), asked.clips)
        else:
            order(ears, chunks, Path(folder))


if __name__ == "__main__":
    main()
