"""How many clips the ear judges rightly: real excerpts, and excerpts with planted defects.

The ear learns from every other chunk (8 s, overlap 1 s) of every recording in a folder and judges
excerpts of 5 to 8 s from the chunks between, at 8 and 16 kHz, as they are and through 8-bit mu-law.
Half of them are spoiled. A real excerpt is told rightly if it "sounds right"; a spoiled one if the
defect is named for what it is, and where it begins from a point on, within 0.2 s (a table of its
own). Then the ear learns from one recording only and judges the others.

    python benchmarks/health.py FOLDER [--count 200] [--seeds 2] [--alone] [--stop NAME=SECONDS]
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from defects import DEFECTS, FAINT, Audio, Defect, Place, as_pcm
from numpy.typing import NDArray

from rawtone.audio import ffmpeg, levels, quantizers
from rawtone.corpus.chunks import Excerpt, grid
from rawtone.evaluation.health.ear import Ear
from rawtone.evaluation.health.findings import RIGHT

CHUNK_SECONDS, OVERLAP_SECONDS, LEAST_SECONDS = 8, 1, 5
TRIMMED_DBFS = -50.0
SUFFIXES = {".ogg", ".wav", ".flac", ".mp3", ".m4a"}
Pcm = NDArray[np.int16]


@dataclass(frozen=True)
class Case:
    """How audio reaches the ear: samples a second, and whether through 8-bit mu-law."""

    rate: int
    mu_law: bool

    def through(self, pcm: Pcm) -> Pcm:
        """Return int16 [samples] as a network of this case would say them."""
        if not self.mu_law:
            return pcm
        codec = quantizers.make("mu-law", 256)
        return as_pcm(codec.decode(codec.encode(pcm)).astype(np.float64))

    def __str__(self) -> str:
        return f"{self.rate // 1000} kHz, {'8-bit mu-law' if self.mu_law else '16 bits'}"


CASES = [Case(rate, mu_law) for rate in (8000, 16000) for mu_law in (False, True)]


@dataclass
class Tally:
    """How many clips of each sort were judged, and how."""

    defects: dict[str, Defect]
    told: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    placed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    judged: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wrong: list[str] = field(default_factory=list)

    def share(self, sorts: set[str]) -> str:
        """Return how many of some sorts were told rightly, for a reader."""
        told, judged = (sum(t[s] for s in sorts) for t in (self.told, self.judged))
        return f"{told} of {judged} ({told / max(judged, 1):.1%})"


def read(path: Path, rate: int, seconds: float | None) -> Pcm:
    """Decode a recording to mono, some seconds of it, and take the silence from its ends."""
    filters = ["-ac", "1", "-ar", str(rate), "-f", "s16le", "pipe:1"]
    raw = ffmpeg.run(["-i", str(path), *filters])
    pcm = np.frombuffer(raw, "<i2").astype(np.int16)[: round(seconds * rate) if seconds else None]
    first, stop = levels.sounding([pcm[:, np.newaxis]], rate, TRIMMED_DBFS)
    return pcm[first:stop]


def chunks(recording: Pcm, rate: int) -> list[Pcm]:
    """Cut a recording as the stage does."""
    excerpts = grid(Excerpt(0, len(recording)), CHUNK_SECONDS * rate, OVERLAP_SECONDS * rate)
    return [recording[e.start : e.stop] for e in excerpts if e.length >= 3 * rate]


def drawn(held_out: list[Pcm], rate: int, count: int, seed: int) -> list[Audio]:
    """Draw excerpts of 5 to 8 s from chunks that are not shorter, those in turn."""
    random, music = np.random.default_rng(seed), []
    long = [chunk for chunk in held_out if len(chunk) >= LEAST_SECONDS * rate]
    for index in range(count):
        chunk = long[index % len(long)]
        size = min(len(chunk), round(random.uniform(LEAST_SECONDS, CHUNK_SECONDS) * rate))
        start = int(random.integers(0, len(chunk) - size + 1))
        music.append(chunk[start : start + size] / 32768.0)
    return music


def judge(ear: Ear, case: Case, music: list[Audio], seed: int, tally: Tally) -> None:
    """Judge real excerpts, and each of them spoiled, the defects in turn."""
    names = list(tally.defects)
    for index, excerpt in enumerate(music):
        health = ear.hear(case.through(as_pcm(excerpt)), case.rate)
        tally.judged["real"] += 1
        tally.told["real"] += health.words == RIGHT
        if health.words != RIGHT:
            tally.wrong.append(f"real: {health.words}")
        name = names[(index + seed) % len(names)]
        planted = tally.defects[name](
            Place(excerpt, case.rate, np.random.default_rng((seed, index)))
        )
        health = ear.hear(case.through(as_pcm(planted.audio)), case.rate)
        told = [f for f in health.verdict if f.kind in planted.kinds]
        near = [f for f in told if abs(f.from_seconds - planted.from_seconds) <= 0.2]
        tally.judged[name] += 1
        tally.told[name] += bool(told)
        tally.placed[name] += bool(near)
        if not told or not near:
            tally.wrong.append(f"{name} from {planted.from_seconds:.2f} s: {health.words}")


def learnt(tracks: list[list[Pcm]], case: Case) -> Ear:
    """Return an ear for a case that knows every other chunk of some recordings."""
    return Ear.of((case.through(c) for track in tracks for c in track[::2]), case.rate)


def show(title: str, tally: Tally, wrong: bool) -> None:
    """Print a table, and what was told wrongly."""
    print(f"\n{title}\n\n| clips | told rightly | begins within 0.2 s |\n|---|---|---|")
    for name in ("real", *tally.defects):
        placed = f"{tally.placed[name]} of {tally.told[name]}" if name != "real" else ""
        print(f"| {name} | {tally.share({name})} | {placed} |")
    everything = set(tally.judged)
    print(f"| all spoiled | {tally.share(everything - {'real'})} | |")
    print(f"| all | {tally.share(everything)} | |", flush=True)
    if wrong:
        print("\n".join(tally.wrong))


def main() -> None:
    """Print the tables for a folder of recordings."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200, help="real excerpts, in all cases")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="learn from one recording, too")
    parser.add_argument("--wrong", action="store_true", help="list what was told wrongly")
    parser.add_argument(
        "--stop", nargs="*", default=[], metavar="NAME=SECONDS", help="no music after"
    )
    asked = parser.parse_args()
    stops = {name: float(seconds) for name, _, seconds in (s.partition("=") for s in asked.stop)}
    paths = sorted(p for p in asked.folder.iterdir() if p.suffix in SUFFIXES)
    rates = {case.rate for case in CASES}
    heard = {r: [chunks(read(p, r, stops.get(p.stem)), r) for p in paths] for r in rates}
    each = asked.count // len(CASES)
    for title, defects in (("", DEFECTS), ("; faint defects", FAINT)):
        tally = Tally(defects)
        for case in CASES:
            tracks = heard[case.rate]
            ear, held_out = learnt(tracks, case), [c for track in tracks for c in track[1::2]]
            for seed in range(asked.seeds):
                judge(ear, case, drawn(held_out, case.rate, each, seed), seed, tally)
        show(f"The ear knows all recordings{title}", tally, asked.wrong)
    for index, path in enumerate(paths if asked.alone else []):
        tally = Tally(DEFECTS)
        for case in CASES:
            tracks = heard[case.rate]
            others = [c for other, track in enumerate(tracks) if other != index for c in track]
            music = drawn(others, case.rate, each // 2, 0)
            judge(learnt([tracks[index]], case), case, music, 0, tally)
        show(f"The ear knows {path.stem} only", tally, asked.wrong)


if __name__ == "__main__":
    main()
