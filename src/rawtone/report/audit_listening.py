"""Chunks of a corpus to listen to: drawn ones, and those that stand out."""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawtone.audio import encoding, pcm
from rawtone.corpus.chunks import Chunks
from rawtone.report.audit_sound import Sound
from rawtone.report.pictures import spectrogram, waveform
from rawtone.report.words import number

DRAWN, OUTSTANDING = 6, 3


@dataclass(frozen=True)
class Player:
    """A chunk with its pictures; `asset` is its path relative to the page, without an ending."""

    title: str
    moment: str
    figure: str
    asset: str


@dataclass(frozen=True)
class Group:
    """Chunks that were chosen for one reason."""

    name: str
    meaning: str
    players: list[Player]


def choose(
    chunks: Chunks, sound: Sound, levels_dbfs: Sequence[float]
) -> list[tuple[str, str, list[int]]]:
    """Choose chunks; of those that stand out, each is of another track.

    Args:
        chunks: of the corpus.
        sound: what is known of those drawn, in the order of the draw.
        levels_dbfs: of every chunk.

    Returns:
        For each group its name, what it means, and rows.
    """
    every = range(len(chunks.tracks))
    unlike = dict(zip(sound.rows, sound.unlikeness, strict=True))
    drawn = f"of {len(sound.rows):,} drawn chunks"
    measure = "by the means and spreads of their mel bands, loudness set aside"
    return [
        ("Drawn by chance", "the first of the draw, whatever they are", sound.rows[:DRAWN]),
        ("The loudest", "of all chunks", _first(chunks, every, lambda row: -levels_dbfs[row])),
        ("The quietest", "of all chunks", _first(chunks, every, lambda row: levels_dbfs[row])),
        (
            "The most unlike the others",
            f"{drawn}, {measure}",
            _first(chunks, sound.rows, lambda row: -unlike[row]),
        ),
    ]


def _first(chunks: Chunks, rows: Iterable[int], order: Callable[[int], float]) -> list[int]:
    chosen: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (order(row), row)):
        chosen.setdefault(chunks.tracks[row], row)
        if len(chosen) == OUTSTANDING:
            break
    return list(chosen.values())


def players(
    rows: Sequence[int], chunks: Chunks, titles: Mapping[str, str], figures: Mapping[int, str],
    folder: Path,
) -> list[Player]:  # fmt: skip
    """Make chunks ready for the page.

    Args:
        rows: the chunks.
        chunks: of the corpus.
        titles: of tracks, by id.
        figures: what is said of each chunk.
        folder: beside the page, where sounds and pictures go; those that are there are not made
            again.
    """
    made = []
    for row in rows:
        track, start = chunks.tracks[row], int(chunks.starts[row])
        asset = folder / f"{track}-{start}"
        if not asset.with_name(f"{asset.name}.mp3").exists():
            _write(chunks, row, asset)
        made.append(
            Player(
                title=titles.get(track) or track,
                moment=f"from {_clock(start / chunks.sample_rate)}, {chunks.splits[row]}",
                figure=figures[row],
                asset=f"{folder.name}/{asset.name}",
            )
        )
    return made


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def figures(levels_dbfs: Sequence[float], sound: Sound) -> dict[int, str]:
    """Say of every chunk how loud it is, and of those drawn how unlike the others."""
    said = {row: f"{number(level, 1)} dBFS" for row, level in enumerate(levels_dbfs)}
    for row, distance in zip(sound.rows, sound.unlikeness, strict=True):
        said[row] += f", {number(distance, 1)} standard deviations from the others"
    return said


def _write(chunks: Chunks, row: int, asset: Path) -> None:
    samples = chunks.pcm[row, : chunks.lengths[row]]
    mono = (samples / 32768).astype(np.float32)
    mono = mono.mean(axis=1, dtype=np.float32) if mono.ndim == 2 else mono
    asset.with_name(f"{asset.name}.wave.png").write_bytes(waveform(mono))
    asset.with_name(f"{asset.name}.spectrum.png").write_bytes(spectrogram(mono, chunks.sample_rate))
    with tempfile.TemporaryDirectory(prefix="rawtone-") as temporary:
        wav = Path(temporary, "chunk.wav")
        pcm.write(wav, samples, chunks.sample_rate)
        encoding.encode(wav, asset.with_name(f"{asset.name}.mp3"))
