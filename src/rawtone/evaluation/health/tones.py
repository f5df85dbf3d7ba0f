"""Tones that never stop: a clip that holds one note, buzzes, hums or drones."""

from dataclasses import dataclass

import numpy as np

from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding, Stretch
from rawtone.evaluation.health.sound import (
    Flags,
    Floats,
    Sound,
    Spectrogram,
    joined,
    longest,
    step,
    sustained,
)

SHORT = Scale(least=0.5, sure=0.9, margin=0.35)
LONG = Scale(least=0.12, sure=0.9, margin=0.12)
SHORT_SECONDS, LONG_SECONDS = 1.5, 6.0
LOWEST_HERTZ = 30.0
_STEP_SECONDS = 0.128
_QUANTILE = 10
_PROMINENT, _FLOOR = 8.0, 20  # a line has so many times the power of this quantile around it
_AROUND = 16  # bins on either side
_AUDIBLE_DB = 35.0
_HELD, _GAP = 5, 8  # windows: 0.5 s, 1 s
_ALONE = 0.6
_MAIN, _AUDIBLE_PARTIAL = 0.02, 0.001
_IN_TUNE = 0.04
_BUZZ_PARTIALS, _BUZZ_HERTZ, _HUM_HERTZ = 5, 300.0, 130.0
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True)
class Steadiness:
    """How much of the power is in tones that never stop.

    Attributes:
        short: float64 [windows] of 1.5 s, share of the power; 0 where as good as silent.
        long: likewise of 6 s; none if the clip is shorter.
        step_seconds: from one window to the next.
    """

    short: Floats
    long: Floats
    step_seconds: float

    @property
    def evidence(self) -> dict[str, float]:
        """The highest shares: for half a second on of 1.5 s, at any time of 6 s.

        Of a chunk shorter than that, the first stands for both.
        """
        short = max(0.0, sustained(self.short, _HELD))
        return {"steady_short": short, "steady_long": float(max(self.long, default=short))}


def steadiness(sound: Sound) -> Steadiness:
    """Measure the share of the power that is in steady tones, over 1.5 s and over 6 s."""
    spectrum = sound.narrow
    hop = max(1, round(_STEP_SECONDS / spectrum.hop_seconds))
    near = _three_bins(spectrum)
    measured = []
    for seconds in (SHORT_SECONDS, LONG_SECONDS):
        frames = round(seconds / spectrum.hop_seconds)
        if sound.seconds >= 0.6 * seconds:
            frames = min(frames, len(near))
        firsts = range(0, len(near) - frames + 1, hop)
        measured.append(np.array([_share(near, spectrum, i, i + frames) for i in firsts]))
    return Steadiness(measured[0], measured[1], hop * spectrum.hop_seconds)


def _three_bins(spectrum: Spectrogram) -> Floats:
    """Sum each bin with its neighbours: all of a tone's power is in one of the sums."""
    near = np.pad(spectrum.power[:, spectrum.bins(LOWEST_HERTZ, np.inf)], ((0, 0), (1, 1)))
    sums: Floats = near[:, :-2] + near[:, 1:-1] + near[:, 2:]
    return sums


def _share(near: Floats, spectrum: Spectrogram, first: int, stop: int) -> float:
    mean = spectrum.power[first:stop].sum(axis=1).mean()
    if mean <= spectrum.power.sum(axis=1).max() * 10 ** (-_AUDIBLE_DB / 10):
        return 0.0
    low, lines = _lines(near[first:stop])
    return min(1.0, float(low[lines].sum() / mean))


def _lines(near: Floats) -> tuple[Floats, Flags]:
    """Find the bins of steady tones.

    Returns:
        float64 [bins], the power that a bin has or exceeds for nine tenths of the time; and
        bool [bins], where that is a peak far above what is around.
    """
    low = np.partition(near, len(near) * _QUANTILE // 100, axis=0)[len(near) * _QUANTILE // 100]
    padded = np.pad(low, 2)
    peak = (low > padded[1:-3]) & (low >= padded[3:-1]) & (low > padded[:-4]) & (low >= padded[4:])
    around = np.pad(low, _AROUND, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(around, 2 * _AROUND + 1)
    candidates = np.flatnonzero(peak)
    floor = np.percentile(windows[candidates], _FLOOR, axis=1)
    peak[candidates] = low[candidates] > _PROMINENT * floor
    return low, peak


def find(sound: Sound, measured: Steadiness, limits: dict[str, float]) -> list[Finding]:
    """Tell a tone that is held, and other tones that never stop.

    Args:
        sound: the clip.
        measured: its steadiness.
        limits: `steady_short` and `steady_long`, shares of the power.
    """
    held = longest(joined(measured.short > limits["steady_short"], _HELD, _GAP))
    under = longest(joined(measured.long > limits["steady_long"], 1, _GAP))
    if under[1] > under[0] and not _only(measured.short, *held):
        return [_under(sound, measured, *under)]
    return [_held(sound, measured, *held)] if held[1] > held[0] else []


def _only(short: Floats, first: int, stop: int) -> bool:
    """Tell whether tones are steady in some windows, and hardly so in the others."""
    others = np.delete(short, np.s_[first:stop])
    if stop == first or not len(others):
        return stop > first
    return float(others.mean()) < 0.5 * float(short[first:stop].mean())


def _held(sound: Sound, measured: Steadiness, first: int, stop: int) -> Finding:
    stretch, what = _placed(sound, measured, (first, stop, len(measured.short)), SHORT_SECONDS)
    harm = 0.95 * (0.3 + 0.7 * stretch.share)
    kind = "buzz" if what == "a buzz" else "tone"
    return Finding(stretch.words(what), stretch.start, harm, kind)


def _under(sound: Sound, measured: Steadiness, first: int, stop: int) -> Finding:
    stretch, what = _placed(sound, measured, (first, stop, len(measured.long)), LONG_SECONDS)
    share = float(measured.long[first:stop].max())
    if share < _ALONE:
        what = f"{what} under the music"
    return Finding(stretch.words(what), stretch.start, min(0.9, 0.3 + 0.6 * share), "tone")


def _placed(
    sound: Sound, measured: Steadiness, run: tuple[int, int, int], seconds: float
) -> tuple[Stretch, str]:
    """Find where a tone begins and ends, and its name.

    Args:
        sound: the clip.
        measured: its steadiness.
        run: first window, one after the last, windows in all.
        seconds: length of a window.
    """
    first, stop, windows = run
    spectrum, power = sound.narrow, _three_bins(sound.narrow)
    hop = spectrum.hop_seconds
    begin = round(first * measured.step_seconds / hop)
    end = min(round(((stop - 1) * measured.step_seconds + seconds) / hop), len(power))
    what, lines = _name(spectrum, slice(begin, end))
    share = power[:, lines].sum(axis=1) / np.maximum(spectrum.power.sum(axis=1), 1e-12)
    # A window is steady before all of it is: by as much as the quantile leaves out.
    late = round(_QUANTILE / 100 * seconds / hop)
    start, finish = 0.0, sound.seconds
    if first > 0:
        start = _seconds(spectrum, step(share, begin + late // 2, late + 4))
    if stop < windows:
        finish = _seconds(spectrum, step(-share, end - late // 2, late + 4))
    return Stretch(start, max(start, finish), sound.seconds), what


def _seconds(spectrum: Spectrogram, frame: int) -> float:
    return frame * spectrum.hop_seconds + spectrum.window_seconds / 2


def _name(spectrum: Spectrogram, frames: slice) -> tuple[str, Flags]:
    """Name the steady tones of some frames, and tell their bins.

    Returns:
        "a buzz" (many partials of a low note), "a hum" (few), "one held tone (A4)" or "a drone";
        and bool [bins], counted from the first that `_three_bins` has.
    """
    low, lines = _lines(_three_bins(spectrum)[frames])
    at = np.flatnonzero(lines)
    if not len(at):
        return "a drone", lines
    first = spectrum.bins(LOWEST_HERTZ, np.inf).start
    mean = spectrum.power[frames].mean(axis=0)
    hertz = np.array([_centre(spectrum, mean, first + i) for i in at])
    return _named(hertz, low[at] / low[at].max()), lines


def _named(hertz: Floats, power: Floats) -> str:
    """Name tones by their frequencies, ascending, and their power, 1 for the loudest."""
    main, audible = power >= _MAIN, power >= _AUDIBLE_PARTIAL
    lowest = float(hertz[main][0])
    partials = hertz / lowest
    tuned = np.abs(partials - np.round(partials)) <= _IN_TUNE * np.maximum(1.0, partials / 4)
    if not tuned[main].all():
        return "a drone"
    if lowest < _BUZZ_HERTZ and np.sum(tuned & audible) >= _BUZZ_PARTIALS:
        return "a buzz"
    return "a hum" if lowest < _HUM_HERTZ else f"one held tone ({note(lowest)})"


def _centre(spectrum: Spectrogram, mean: Floats, peak: int) -> float:
    near = slice(max(0, peak - 1), peak + 2)
    return float(np.sum(mean[near] * spectrum.hertz[near]) / max(float(np.sum(mean[near])), 1e-30))


def note(hertz: float) -> str:
    """Return the name of the nearest note, for instance "A4" for 440 Hz."""
    midi = round(69 + 12 * np.log2(hertz / 440.0))
    return f"{_NAMES[midi % 12]}{midi // 12 - 1}"
