"""Whether figures of sets of clips order checkpoints of known quality: music, ever more spoiled.

    python benchmarks/sets.py folder-of-recordings [--rate 16000] [--seconds 4]

The recordings are cut into pieces: of every four, two are what a model would have learned from, one
is held out, and one is spoiled by degree and stands for a checkpoint's clips. For each way to spoil
and each degree the table has the figures of `sets` in evaluation.json, and whether the distances
rise with the degree from where they leave the null. (Of pieces that lie so near to each other the
null is narrow: where whole tracks are held out, they differ more.)
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rawtone.audio import ffmpeg, pcm, quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.features import Features
from rawtone.evaluation.sets import FIGURES

Audio = NDArray[np.float64]
Spoil = Callable[[list[Audio], float, int], list[Audio]]


def noise(clips: list[Audio], decibels: float, _rate: int) -> list[Audio]:
    """Add white noise, so many dB below each clip's level."""
    random = np.random.default_rng(0)
    return [
        clip + random.normal(size=clip.shape) * clip.std() * 10 ** (decibels / 20) for clip in clips
    ]


def muffle(clips: list[Audio], hertz: float, rate: int) -> list[Audio]:
    """Take away what is above a frequency."""
    spectra = [np.fft.rfft(clip) for clip in clips]
    for spectrum in spectra:
        spectrum[round(2 * hertz / rate * len(spectrum)) :] = 0
    return [np.fft.irfft(s, len(clip)) for s, clip in zip(spectra, clips, strict=True)]


def loop(clips: list[Audio], seconds: float, rate: int) -> list[Audio]:
    """Repeat the first moments of each clip."""
    return [np.resize(clip[: round(seconds * rate)], len(clip)) for clip in clips]


def collapse(clips: list[Audio], share: float, _rate: int) -> list[Audio]:
    """Put the first clip in place of others."""
    same = round(share * (len(clips) - 1))
    return [*clips[: len(clips) - same], *[clips[0]] * same]


def silence(clips: list[Audio], share: float, _rate: int) -> list[Audio]:
    """Let clips end early."""
    return [np.where(np.arange(len(clip)) < (1 - share) * len(clip), clip, 0) for clip in clips]


def detune(clips: list[Audio], semitones: float, _rate: int) -> list[Audio]:
    """Play clips faster, and so higher; what lacks at the end is played again."""
    speed = 2 ** (semitones / 12)
    return [
        np.interp(np.arange(len(clip)) * speed % (len(clip) - 1), np.arange(len(clip)), clip)
        for clip in clips
    ]


WAYS: dict[str, tuple[Spoil, tuple[float, ...]]] = {
    "noise, dB": (noise, (-60, -50, -40, -30, -20, -10, 0, 20)),
    "muffled above, Hz": (muffle, (6000, 4000, 3000, 2000, 1000, 500)),
    "loop of, s": (loop, (2, 1, 0.5, 0.25, 0.1, 0.03)),
    "the same clip, share": (collapse, (0.25, 0.5, 0.75, 1)),
    "silent, share": (silence, (0.25, 0.5, 0.75, 1)),
    "higher, semitones": (detune, (0.25, 0.5, 1)),
}


def pieces(folder: Path, rate: int, seconds: float) -> list[NDArray[np.int16]]:
    """Decode all recordings and cut them: int16 [samples] each."""
    found, size = [], round(seconds * rate)
    with tempfile.TemporaryDirectory() as scratch:
        wav = Path(scratch) / "decoded.wav"
        for file in sorted(folder.iterdir()):
            try:
                ffmpeg.decode(file, wav, rate, 1)
            except ffmpeg.FfmpegError:
                continue
            samples = pcm.read(wav)
            found += list(samples[: len(samples) // size * size].reshape(-1, size))
    return found


def corpus(cut: Sequence[NDArray[np.int16]], rate: int) -> Chunks:
    """Return what a model would have: of every four pieces the third is held out."""
    kept = [(piece, "validation" if place % 4 == 2 else "train")
            for place, piece in enumerate(cut) if place % 4 != 3]  # fmt: skip
    return Chunks(
        pcm=np.stack([piece for piece, _ in kept]),
        lengths=np.array([len(piece) for piece, _ in kept]),
        starts=np.zeros(len(kept), np.int64),
        tracks=tuple(str(place) for place in range(len(kept))),
        labels=("",) * len(kept),
        splits=tuple(split for _, split in kept),
        sample_rate=rate,
        overlap=0,
    )


def rising(distances: Sequence[float], most: float) -> bool:
    """Tell whether distances rise from the first that is beyond the null on."""
    told = [distance for distance in distances if distance > most]
    return len(told) > 0 and list(distances[-len(told) :]) == sorted(told)


def main() -> None:
    """Print a table for each way to spoil clips."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=int, default=16_000)
    parser.add_argument("--seconds", type=float, default=4.0)
    chosen = parser.parse_args()
    cut, codec = pieces(chosen.folder, chosen.rate, chosen.seconds), quantizers.make("mu-law", 256)
    if len(cut) < 8:
        sys.exit(f"{chosen.folder}: expected eight pieces or more, found {len(cut)}")
    features = Features.of(corpus(cut, chosen.rate), codec)
    clips = [piece / 32768 for piece in cut[3::4]]

    def measured(audio: list[Audio]) -> dict[str, float]:
        made = [codec.decode(codec.encode(clip)) for clip in audio]  # as a model makes them
        whole = [np.round(clip * 32767).astype(np.int16) for clip in made]
        return features.compare([features.hear(clip, chosen.rate) for clip in whole])

    real = measured(clips)
    null = features.null(int(real["windows"]))
    sizes = {name: count for name, count in null.items() if isinstance(count, int)}
    print(f"{real['clips']} clips, {real['windows']} windows; null: {sizes}\n")
    header = f"{'':24}" + "".join(f"{name.removesuffix('_distance'):>11}" for name in FIGURES)
    print(header)
    for name in ("mean", "low", "high"):
        _print(f"null, {name}", {figure: null[figure][name] for figure in FIGURES})
    _print("not spoiled", real)
    for way, (spoil, degrees) in WAYS.items():
        print()
        rows = [measured(spoil(clips, degree, chosen.rate)) for degree in degrees]
        for degree, row in zip(degrees, rows, strict=True):
            _print(f"{way}: {degree:g}", row)
        for figure in FIGURES[:2]:
            most = null[figure]["high"]
            ordered = rising([row[figure] for row in rows], most)
            first = next((d for d, r in zip(degrees, rows, strict=True) if r[figure] > most), None)
            print(f"  {figure}: {'rises' if ordered else 'DOES NOT RISE'}, told from {first}")


def _print(name: str, row: dict[str, float]) -> None:
    print(f"{name:24}" + "".join(f"{row[figure]:11.4g}" for figure in FIGURES))


if __name__ == "__main__":
    main()
