"""Whether copies of training recordings are found in clips, where, and what else is called a copy.

    python benchmarks/copies.py folder of recordings … [--draws 3] [--hours 1] [--clips results/x …]

Every recording in turn is held out and the others are trained on. The first half of the one held
out sets the limits; its second half is what excerpts of the others are mixed with, at 6 to 12 dB
below it, before the mix is encoded. Found is an excerpt that is called a copy from where it was
taken, within 50 ms; in music that repeats itself, from where the same is heard. False alarms are
counted on what no copy is in: the second halves, and all recordings backwards. `--hours` fills the
training split up with the recordings backwards and faster; then nothing is judged backwards.
"""

import argparse
import itertools
import json
import math
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rawtone.audio import ffmpeg, pcm
from rawtone.audio.quantizers import make
from rawtone.corpus.chunks import Chunks, Excerpt, grid
from rawtone.evaluation.copies.finder import Copies, Copy

RATE, CLIP_SECONDS, NEAR_SECONDS = 16_000, 10, 0.05
CHUNK, OVERLAP = 8 * RATE, RATE
SECONDS, LEVELS_DB = (2.0, 3.0, 5.0), (-6.0, -9.0, -12.0)
FILES = {
    "mp3, 32 kbit/s": (".mp3", ["-codec:a", "libmp3lame", "-b:a", "32k"]),
    "ogg vorbis, q -1": (".ogg", ["-codec:a", "libvorbis", "-q:a", "-1"]),
    "resampled, 11,025 Hz": (".wav", ["-ar", "11025"]),
    "resampled, 8,000 Hz": (".wav", ["-ar", "8000"]),
}
CODECS = ("16 bits", "8-bit mu-law", *FILES)
SAME = 0.6  # correlation of waveforms at which two places of a recording count as one

Pcm = NDArray[np.int16]
Recordings = dict[str, Pcm]


@dataclass(frozen=True)
class Case:
    """An excerpt in a clip.

    Attributes:
        condition: seconds, dB below the rest of the clip, codec.
        track: where it is from.
        start: its first sample in the track.
        at: its first sample in the clip.
        clip: int16 [samples].
    """

    condition: tuple[float, float, str]
    track: str
    start: int
    at: int
    clip: Pcm


def decoded(path: Path, folder: Path) -> Pcm:
    """Return a recording, mono."""
    ffmpeg.decode(path, folder / "decoded.wav", RATE, 1)
    return pcm.read(folder / "decoded.wav")


def encoded(clip: Pcm, codec: str, folder: Path) -> Pcm:
    """Return a clip after it was encoded and decoded."""
    if codec == "8-bit mu-law":
        quantizer = make(kind="mu-law", levels=256)
        return np.rint(quantizer.decode(quantizer.encode(clip)) * 32767).astype(np.int16)
    if codec in FILES:
        ending, how = FILES[codec]
        pcm.write(folder / "clip.wav", clip, RATE)
        coded = folder / f"coded{ending}"
        ffmpeg.run(["-i", f"file:{folder / 'clip.wav'}", *how, "-y", f"file:{coded}"])
        return decoded(coded, folder)[: len(clip)]
    return clip


def corpus(train: Recordings, held_out: Recordings) -> Chunks:
    """Cut recordings into chunks, as the stage chunk does."""
    rows = [
        (split, track, audio, excerpt)
        for split, tracks in (("train", train), ("validation", held_out))
        for track, audio in tracks.items()
        for excerpt in grid(Excerpt(0, len(audio)), CHUNK, OVERLAP)
    ]
    table = np.zeros((len(rows), CHUNK), np.int16)
    for row, (_, _, audio, excerpt) in enumerate(rows):
        table[row, : excerpt.length] = audio[excerpt.start : excerpt.stop]
    splits, tracks, _, excerpts = zip(*rows, strict=True)
    return Chunks(
        table,
        np.array([excerpt.length for excerpt in excerpts], np.int64),
        np.array([excerpt.start for excerpt in excerpts], np.int64),
        tracks,
        ("",) * len(rows),
        splits,
        RATE,
        OVERLAP,
    )


def power(audio: Pcm) -> float:
    """Return the mean square, never 0."""
    return max(float(np.mean(audio.astype(np.float64) ** 2)), 1.0)


def drawn(
    random: np.random.Generator, train: Recordings, bed: Pcm, condition: tuple[float, float, str]
) -> Case:
    """Draw an excerpt of a training recording that is not silent, and mix it into a clip."""
    seconds, decibels, codec = condition
    length, size = round(seconds * RATE), CLIP_SECONDS * RATE
    track = random.choice([name for name, audio in train.items() if len(audio) > length])
    excerpt, start = np.zeros(length, np.int16), 0
    while power(excerpt) < 30**2:
        start = int(random.integers(len(train[track]) - length))
        excerpt = train[track][start : start + length]
    bed = np.tile(bed, -(-2 * size // len(bed)))
    first, at = int(random.integers(len(bed) - size)), int(random.integers(size - length))
    mix = bed[first : first + size].astype(np.float64)
    under = max(power(mix[at : at + length].astype(np.int16)), 30**2)
    gain = math.sqrt(under / power(excerpt)) * 10 ** (decibels / 20)
    mix[at : at + length] += gain * excerpt
    mix *= min(1, 30_000 / np.abs(mix).max())
    with tempfile.TemporaryDirectory() as folder:
        clip = encoded(np.rint(mix).astype(np.int16), codec, Path(folder))
    return Case(condition, track, start, at, clip)


def found_right(case: Case, copy: Copy | None, train: Recordings) -> bool:
    """Tell whether a copy is called one, from where it was taken or from where it is the same."""
    if copy is None or not copy.is_copy:
        return False
    start = round((copy.from_seconds - copy.at_seconds) * RATE) + case.at
    right = abs(start - case.start) < NEAR_SECONDS * RATE
    if copy.track == case.track and right:
        return True
    length, slack = round(case.condition[0] * RATE), round(NEAR_SECONDS * RATE)
    there = train[copy.track][max(0, start - slack) : max(0, start) + length + slack]
    return same(train[case.track][case.start : case.start + length], there)


def same(one: Pcm, other: Pcm) -> bool:
    """Tell whether a waveform lies in a slightly longer one."""
    if len(other) < len(one):
        return False
    size = 1 << (len(one) + len(other)).bit_length()
    sums = np.fft.irfft(np.fft.rfft(other, size) * np.conj(np.fft.rfft(one, size)), size)
    return float(sums.max()) > SAME * len(one) * math.sqrt(power(one) * power(other))


def filled(train: Recordings, hours: float) -> Recordings:
    """Add the recordings backwards and faster until there are so many hours."""
    more, speed = dict(train), 0.8
    while sum(map(len, more.values())) < hours * 3600 * RATE:
        for name, audio in train.items():
            for backwards in (1, -1):
                places = np.arange(0, len(audio) - 1, speed)
                other = np.interp(places, np.arange(len(audio)), audio[::backwards])
                more[f"{name} {backwards} {speed:.3f}"] = other.astype(np.int16)
        speed += 0.0137
    return more


def interval(hits: int, tries: int) -> str:
    """Return a share with its 95 % interval (Wilson, 1927), in per cent."""
    z, share = 1.96, hits / tries
    middle, width = (
        share + z * z / (2 * tries),
        z * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries**2)),
    )
    low, high = ((middle + sign * width) / (1 + z * z / tries) for sign in (-1, 1))
    return f"{hits:4d} of {tries:4d} = {100 * share:5.1f} % ({100 * low:.1f} to {100 * high:.1f})"


@dataclass
class Tally:
    """What was counted: hits by condition, false alarms by what was heard, seconds, misses."""

    hits: dict[tuple[str, str], list[bool]]
    alarms: dict[str, list[str]]
    heard: dict[str, int]
    seconds: list[float]
    missed: list[str]

    def listen(self, copies: Copies, what: str, name: str, audio: Pcm, rate: int = RATE) -> None:
        """Count a false alarm, should there be one."""
        copy = copies.find(audio, rate)
        self.heard[what] += 1
        if copy is not None and copy.is_copy:
            self.alarms[what].append(f"{name}: {copy.words(copy.track)}")

    def look(self, copies: Copies, case: Case, train: Recordings) -> None:
        """Count whether an excerpt was found."""
        began = time.process_time()
        copy = copies.find(case.clip, RATE)
        self.seconds.append(time.process_time() - began)
        right = found_right(case, copy, train)
        seconds, decibels, codec = case.condition
        for column, value in (("seconds", seconds), ("dB", decibels), ("codec", codec)):
            self.hits[column, str(value)].append(right)
        self.hits["all", ""].append(right)
        if not right:
            said = copy.words(copy.track) if copy else "nothing"
            self.missed.append(f"{case.condition} {case.track} {case.start / RATE:.1f} s: {said}")

    def table(self) -> str:
        """Return the table."""
        lines = [
            f"{column:8s} {value:22s} {interval(sum(hits), len(hits))}"
            for (column, value), hits in sorted(self.hits.items())
        ]
        lines += [
            f"false alarms on {what}: {len(self.alarms[what])} of {heard}"
            for what, heard in self.heard.items()
        ]
        lines += [f"    {alarm}" for alarms in self.alarms.values() for alarm in alarms]
        lines += ["missed:", *(f"    {case}" for case in self.missed)]
        median = float(np.median(self.seconds)) if self.seconds else 0.0
        return "\n".join([*lines, f"finding takes {median:.2f} s of CPU time a clip (median)"])


def rotate(recordings: Recordings, held: str, asked: argparse.Namespace, tally: Tally) -> None:
    """Hold one recording out and count."""
    train = {name: audio for name, audio in recordings.items() if name != held}
    half = len(recordings[held]) // 2
    everything = filled(train, asked.hours)
    copies = Copies.of(corpus(everything, {held: recordings[held][:half]}), seed=0)
    bed = recordings[held][half:]
    for start in range(0, len(bed), 2 * RATE):
        part = bed[start : start + CLIP_SECONDS * RATE]
        tally.listen(copies, "second halves held out", f"{held} {start / RATE:.0f} s", part)
    for name, audio in recordings.items() if not asked.hours else ():
        for start in range(0, len(audio), CLIP_SECONDS * RATE):
            part = audio[::-1][start : start + CLIP_SECONDS * RATE]
            tally.listen(copies, "recordings backwards", f"{name} {start / RATE:.0f} s", part)
    random = np.random.default_rng(sorted(recordings).index(held))
    for condition in itertools.product(SECONDS, LEVELS_DB, CODECS):
        for _ in range(asked.draws):
            tally.look(copies, drawn(random, train, bed, condition), everything)


def generated(results: Path, tally: Tally) -> None:
    """Count what is called a copy among the clips of an experiment."""
    name = json.loads((results / "config.json").read_text()).get("corpus", results.name)
    copies = Copies.of(Chunks.open(results.parents[1] / "data" / "chunks" / name), seed=0)
    for clip in json.loads((results / "clips.json").read_text()):
        audio = pcm.read(results / clip["wav"])
        tally.listen(copies, f"clips of {results.name}", clip["wav"], audio, clip["sample_rate"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=3, help="of each condition and rotation")
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="results/<experiment>")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = sorted(path for path in asked.folder.iterdir() if path.suffix != ".md")
        recordings = {path.stem: decoded(path, Path(folder)) for path in paths}
    tally = Tally(defaultdict(list), defaultdict(list), defaultdict(int), [], [])
    for results in asked.clips:
        generated(results.resolve(), tally)
    for held in recordings:
        rotate(recordings, held, asked, tally)
        print(held, "held out", flush=True)
    print(tally.table())


if __name__ == "__main__":
    main()
