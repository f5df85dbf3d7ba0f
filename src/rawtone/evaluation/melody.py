"""Tells whether clips are melodies: in tune with the corpus, several notes, and notes that begin.

A low loss does not tell this: a drone, a buzz or noise can have it too. Pitch is found by YIN (de
Cheveigné & Kawahara, "YIN, a fundamental frequency estimator for speech and music", 2002), written
here in numpy because voicing needs the depth of its dip, and because nothing has to be compiled.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

IN_TUNE_CENTS = 30.0
LOWEST_HERTZ, HIGHEST_HERTZ = 65.0, 2_000.0
_HOP_SECONDS, _WINDOW_SECONDS = 0.01, 0.032
_DEEPEST_DIP = 0.2  # of YIN's normalised difference: 0 is periodic, about 1 is noise
_QUIETEST_DBFS, _QUIETEST_BELOW_LOUD_DB = -60.0, 40.0
_HELD_FRAMES = 6  # 60 ms
_BATCH_FRAMES = 512  # bounds the memory of long clips

_ENVELOPE_SECONDS, _ENVELOPE_HOP_SECONDS = 0.008, 0.004
_ATTACK_HOPS, _SUSTAIN_HOPS, _PEAK_HOPS = 3, 10, 25
_LEAST_RISE = 0.45  # in 12 ms, of the peak of the next 100 ms; a full tremolo of 8 Hz rises by 0.3
_ONSET_GAP_SECONDS = 0.1
_REST_FRAMES = 15  # a note that goes on after a shorter gap was disturbed, not struck again
_CORPUS_SHARE = 0.01


@dataclass(frozen=True)
class Melody:
    """What was heard in a clip.

    Attributes:
        voiced: Share of the clip that has a pitch.
        in_tune: Share of the voiced part within 30 cents of a given note; 0 if nothing is voiced.
        notes: MIDI numbers of the notes held for 60 ms or more, ascending.
        onsets_per_second: Notes begun a second, by a change of pitch or by a sharp attack.
        seconds: Length of the clip.
    """

    voiced: float
    in_tune: float
    notes: tuple[int, ...]
    onsets_per_second: float
    seconds: float


@dataclass(frozen=True)
class Check:
    """One condition: what was measured, the figure, and the least that passes."""

    what: str
    figure: float
    least: float

    @property
    def passed(self) -> bool:
        """Whether the figure reaches the least that passes."""
        return self.figure >= self.least


@dataclass(frozen=True)
class Verdict:
    """Whether a set of clips is melodic, condition by condition."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every condition holds."""
        return all(check.passed for check in self.checks)

    @property
    def sentence(self) -> str:
        """The verdict for a reader, with the figures that failed."""
        voiced, in_tune, notes, _, onsets = (check.figure for check in self.checks)
        if self.passed:
            return (
                f"melodies: a clear pitch {voiced:.0%} of the time, {in_tune:.0%} of it in tune, "
                f"{notes:g} different notes, {onsets:.1f} notes begun a second"
            )
        failed = [check for check in self.checks if not check.passed]
        return "no melodies: " + ", ".join(
            f"{check.what} {check.figure:.3g} (at least {check.least:g})" for check in failed
        )


def hear(samples: NDArray[np.floating], sample_rate: int, notes: Sequence[int]) -> Melody:
    """Listen to a clip.

    Args:
        samples: float [samples] between -1 and 1.
        sample_rate: Samples a second.
        notes: MIDI numbers of the notes that are in tune, for instance `corpus_notes`.

    Returns:
        What was heard. Silence, or a clip too short to have a pitch, is unvoiced.
    """
    signal = np.asarray(samples, dtype=np.float64)
    seconds = len(signal) / sample_rate
    pitch = track_pitch(signal, sample_rate)
    heard = pitch[~np.isnan(pitch)]
    held = _held_notes(pitch)
    onsets = _merge([*_entries(held), *_attacks(signal, sample_rate)])
    return Melody(
        voiced=len(heard) / len(pitch) if len(pitch) else 0.0,
        in_tune=_share_in_tune(heard, notes),
        notes=tuple(sorted({note for _, _, note in held})),
        onsets_per_second=len(onsets) / seconds if seconds else 0.0,
        seconds=seconds,
    )


def judge(clips: Sequence[Melody]) -> Verdict:
    """Decide whether a set of clips is melodic.

    Args:
        clips: What was heard in each; at least one.

    Returns:
        The verdict. Conditions: at least 90 % of all voiced frames in tune, at least five different
        notes in all, three or more in at least half of the clips, one onset a second or more in
        the median clip, and the median clip voiced for at least half of the time (clean demo audio
        is for 0.98, 10 dB above white noise for 0.6, white noise for 0.00 of it).

    Raises:
        ValueError: There are no clips.
    """
    if not clips:
        raise ValueError("Expected at least one clip to judge. Received: none.")
    voiced_seconds = [clip.voiced * clip.seconds for clip in clips]
    in_tune = sum(s * clip.in_tune for s, clip in zip(voiced_seconds, clips, strict=True))
    return Verdict(
        (
            Check("voiced share of the median clip", median(clip.voiced for clip in clips), 0.5),
            Check("share of voiced frames in tune", in_tune / (sum(voiced_seconds) or 1.0), 0.9),
            Check("notes in all", len({note for clip in clips for note in clip.notes}), 5),
            Check(
                "share of clips with three notes or more",
                sum(len(clip.notes) >= 3 for clip in clips) / len(clips),
                0.5,
            ),
            Check(
                "onsets a second in the median clip",
                median(clip.onsets_per_second for clip in clips),
                1.0,
            ),
        )
    )


def corpus_notes(chunks: Iterable[NDArray[np.floating]], sample_rate: int) -> list[int]:
    """Find the notes that a corpus uses, heard as clips are heard.

    Args:
        chunks: Excerpts, each float [samples] between -1 and 1.
        sample_rate: Samples a second.

    Returns:
        MIDI numbers of the notes that hold at least 1 % of the held voiced frames, ascending.
    """
    frames: Counter[int] = Counter()
    for chunk in chunks:
        for start, stop, note in _held_notes(track_pitch(np.asarray(chunk, float), sample_rate)):
            frames[note] += stop - start
    return sorted(note for note, count in frames.items() if count >= _CORPUS_SHARE * frames.total())


def track_pitch(signal: Floats, sample_rate: int) -> Floats:
    """Follow the pitch of one voice.

    Args:
        signal: float64 [samples] between -1 and 1.
        sample_rate: Samples a second.

    Returns:
        float64 [frames], 100 a second: MIDI pitch with its fraction, NaN where there is none.
    """
    window, longest = round(_WINDOW_SECONDS * sample_rate), round(sample_rate / LOWEST_HERTZ) + 2
    if len(signal) < window + longest:
        return np.full(round(len(signal) / sample_rate / _HOP_SECONDS), np.nan)
    hop = round(_HOP_SECONDS * sample_rate)
    frames = np.lib.stride_tricks.sliding_window_view(signal, window + longest)[::hop]
    batches = range(0, len(frames), _BATCH_FRAMES)
    pitches = [_yin(frames[at : at + _BATCH_FRAMES], window, sample_rate) for at in batches]
    pitch = np.concatenate(pitches)
    level = np.sqrt(np.mean(np.square(frames[:, :window]), axis=1))
    quietest = max(
        10 ** (_QUIETEST_DBFS / 20), _loud(level) * 10 ** (-_QUIETEST_BELOW_LOUD_DB / 20)
    )
    return np.where(level < quietest, np.nan, pitch)


def _loud(level: Floats) -> float:
    return float(np.percentile(level, 95))


def _yin(frames: Floats, window: int, sample_rate: int) -> Floats:
    difference = _difference(frames, window)
    dips = _normalised(difference)
    shortest = max(2, int(sample_rate / HIGHEST_HERTZ))
    inner = dips[:, 1:-1]
    lowest = (inner < _DEEPEST_DIP) & (inner <= dips[:, :-2]) & (inner < dips[:, 2:])
    lowest[:, : shortest - 1] = False
    first = np.argmax(lowest, axis=1) + 1
    # Noise ripples the slope into a dip: the dip's true bottom is a little further.
    lags = np.arange(dips.shape[1])
    near = (lags >= first[:, np.newaxis]) & (lags <= 1.2 * first[:, np.newaxis])
    bottom = np.clip(np.argmin(np.where(near, dips, np.inf), axis=1), 2, dips.shape[1] - 2)
    lag = bottom + _vertex(difference, bottom)
    pitch = 69.0 + 12.0 * np.log2(sample_rate / lag / 440.0)
    return np.where(lowest.any(axis=1), pitch, np.nan)


def _vertex(difference: Floats, bottom: Integers) -> Floats:
    # Of the plain difference: its normalisation tilts a short dip, by 38 cents at 2 kHz.
    rows = np.arange(len(difference))
    left, here, right = (difference[rows, bottom + side] for side in (-1, 0, 1))
    curvature = left - 2.0 * here + right
    vertex: Floats = 0.5 * (left - right) / np.where(curvature > 0.0, curvature, np.inf)
    return vertex.clip(-1.0, 1.0)


def _difference(frames: Floats, window: int) -> Floats:
    size = frames.shape[1]
    longest = size - window
    spectrum = np.fft.rfft(frames, 2 * size)
    opening = np.fft.rfft(frames[:, :window], 2 * size)
    correlation = np.fft.irfft(spectrum * opening.conj(), 2 * size)[:, : longest + 1]
    total = np.concatenate([np.zeros((len(frames), 1)), np.cumsum(frames**2, axis=1)], axis=1)
    energy = total[:, window:] - total[:, : longest + 1]
    difference: Floats = np.maximum(energy[:, :1] + energy - 2.0 * correlation, 0.0)
    return difference


def _normalised(difference: Floats) -> Floats:
    lags = np.arange(difference.shape[1])
    sums = np.cumsum(difference[:, 1:], axis=1)
    normalised = np.ones_like(difference)
    np.divide(difference[:, 1:] * lags[1:], sums, out=normalised[:, 1:], where=sums > 1e-12)
    return normalised


def _share_in_tune(heard: Floats, notes: Sequence[int]) -> float:
    if not len(heard) or not notes:
        return 0.0
    distance = np.abs(heard[:, np.newaxis] - np.asarray(notes, dtype=np.float64)).min(axis=1)
    return float(np.mean(100.0 * distance <= IN_TUNE_CENTS))


def _held_notes(pitch: Floats) -> list[tuple[int, int, int]]:
    """List notes as (first frame, frame after the last, MIDI number)."""
    nearest = np.where(np.isnan(pitch), -1.0, np.round(pitch)).astype(np.int64)
    edges = np.flatnonzero(np.diff(nearest, prepend=-2, append=-2))
    runs = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return [
        (start, stop, int(nearest[start]))
        for start, stop in runs
        if nearest[start] >= 0 and stop - start >= _HELD_FRAMES
    ]


def _entries(held: Sequence[tuple[int, int, int]]) -> list[float]:
    """List the seconds at which the pitch changes to another note, or one enters after a rest."""
    previous = [(0, -_REST_FRAMES, -1), *held]
    return [
        start * _HOP_SECONDS
        for (_, ended, before), (start, _, note) in zip(previous, held, strict=False)
        if note != before or start - ended >= _REST_FRAMES
    ]


def _attacks(signal: Floats, sample_rate: int) -> list[float]:
    hop, size = (max(1, round(s * sample_rate)) for s in (_ENVELOPE_HOP_SECONDS, _ENVELOPE_SECONDS))
    if len(signal) < size + (_ATTACK_HOPS + _PEAK_HOPS) * hop:
        return []
    blocks = np.lib.stride_tricks.sliding_window_view(signal, size)[::hop]
    level = np.sqrt(np.mean(np.square(blocks), axis=1))
    ahead = np.lib.stride_tricks.sliding_window_view(level[_ATTACK_HOPS:], _PEAK_HOPS)
    # What a click leaves behind is gone in a moment; a note stays.
    sustained, peak = ahead[:, :_SUSTAIN_HOPS].min(axis=1), ahead.max(axis=1)
    rise = (sustained - level[: len(ahead)]) / np.maximum(peak, 1e-9)
    audible = sustained > _loud(level) * 10 ** (-_QUIETEST_BELOW_LOUD_DB / 20)
    found = np.flatnonzero((rise > _LEAST_RISE) & audible)
    return [float(at + _ATTACK_HOPS) * hop / sample_rate for at in found]


def _merge(times: Sequence[float]) -> list[float]:
    merged: list[float] = []
    for time in sorted(times):
        if not merged or time - merged[-1] >= _ONSET_GAP_SECONDS:
            merged.append(time)
    return merged
