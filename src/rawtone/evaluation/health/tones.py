"""Tones that never stop: a clip that holds one note, buzzes, hums or drones."""

from dataclasses import dataclass

import numpy as np

from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding, Stretch
from rawtone.evaluation.health.sound import Flags, Floats, Sound, Spectrogram, longest, step

SHORT = Scale(least=0.5, sure=1.0, margin=0.35)
LONG = Scale(least=0.08, sure=1.0, margin=0.12)
SHORT_SECONDS, LONG_SECONDS = 2.0, 6.0
LOWEST_HERTZ = 30.0
_STEP_SECONDS = 0.128
_QUANTILE = 10
_PROMINENT = 6.0  # times the median of what is around: a line, not a floor
_AROUND = 12  # bins on either side
_AUDIBLE_DB = 35.0
_HELD = 5  # windows: 0.5 s
_ALONE = 0.6
_MAIN = 0.02
_IN_TUNE = 0.04
_BUZZ_PARTIALS, _BUZZ_HERTZ, _HUM_HERTZ = 5, 300.0, 130.0
_NAMES = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")


@dataclass(frozen=True)
class Steadiness:
    """How much of the power is in tones that never stop.

    Attributes:
        short: float64 [windows] of 2 s, share of the power; -inf where as good as silent.
        long: likewise of 6 s; none if the clip is shorter.
        step_seconds: from one window to the next.
    """

    short: Floats
    long: Floats
    step_seconds: float

    @property
    def evidence(self) -> dict[str, float]:
        """The highest shares: for half a second on of 2 s, at any time of 6 s."""
        held = min(_HELD, len(self.short))
        kept = np.lib.stride_tricks.sliding_window_view(self.short, held).min(axis=1)
        return {"steady_short": float(kept.max()), "steady_long": float(self.long.max(initial=0.0))}


def steadiness(sound: Sound) -> Steadiness:
    """Measure the share of the power that is in steady tones, over 2 s and over 6 s."""
    spectrum = sound.narrow
    hop = max(1, round(_STEP_SECONDS / spectrum.hop_seconds))
    near = _three_bins(spectrum)
    measured = []
    for seconds in (SHORT_SECONDS, LONG_SECONDS):
        frames = round(seconds / spectrum.hop_seconds)
        if len(near) < frames and seconds == SHORT_SECONDS:
            frames = len(near)
        firsts = range(0, len(near) - frames + 1, hop)
        measured.append(np.array([_share(near, spectrum, i, i + frames) for i in firsts]))
    return Steadiness(measured[0], measured[1], hop * spectrum.hop_seconds)


def _three_bins(spectrum: Spectrogram) -> Floats:
    """Sum each bin with its neighbours: all of a tone's power is in one of the sums."""
    near = np.pad(spectrum.power[:, spectrum.bins(LOWEST_HERTZ, np.inf)], ((0, 0), (1, 1)))
    sums: Floats = near[:, :-2] + near[:, 1:-1] + near[:, 2:]
    return sums


def _share(near: Floats, spectrum: Spectrogram, first: int, stop: int) -> float:
    loud = spectrum.level.max() - _AUDIBLE_DB
    if spectrum.level[first:stop].max() < loud:
        return -np.inf
    low, lines = _lines(near[first:stop])
    mean = spectrum.power[first:stop].sum(axis=1).mean()
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
    medians = np.median(windows[candidates], axis=1)
    peak[candidates] = low[candidates] > _PROMINENT * medians
    return low, peak


def find(sound: Sound, measured: Steadiness, limits: dict[str, float]) -> list[Finding]:
    """Tell a tone that is held, and other tones that never stop.

    Args:
        sound: the clip.
        measured: its steadiness.
        limits: `steady_short` and `steady_long`, shares of the power.
    """
    first, stop = longest(measured.short > limits["steady_short"])
    if stop - first >= min(_HELD, len(measured.short)):
        return [_held(sound, measured, first, stop)]
    first, stop = longest(measured.long > limits["steady_long"])
    return [_under(sound, measured, first, stop)] if stop > first else []


def _held(sound: Sound, measured: Steadiness, first: int, stop: int) -> Finding:
    frames = _frames(sound, measured, first, stop, SHORT_SECONDS)
    what = name(sound.narrow, frames)
    stretch = _stretch(sound, measured, (first, stop), len(measured.short), frames)
    harm = 0.95 * (0.3 + 0.7 * stretch.share)
    return Finding(stretch.words(what), stretch.start, harm, "tone")


def _under(sound: Sound, measured: Steadiness, first: int, stop: int) -> Finding:
    frames = _frames(sound, measured, first, stop, LONG_SECONDS)
    what, share = name(sound.narrow, frames), float(measured.long[first:stop].max())
    if share < _ALONE:
        what = f"{what} under the music" if "hum" in what else f"{what} all through the music"
    stretch = _stretch(sound, measured, (first, stop), len(measured.long), frames)
    return Finding(stretch.words(what), stretch.start, min(0.9, 0.3 + 0.6 * share), "tone")


def _frames(sound: Sound, measured: Steadiness, first: int, stop: int, seconds: float) -> slice:
    hop = sound.narrow.hop_seconds
    begin = round(first * measured.step_seconds / hop)
    end = round(((stop - 1) * measured.step_seconds + seconds) / hop)
    return slice(begin, min(end, len(sound.narrow.power)))


def _stretch(
    sound: Sound, measured: Steadiness, run: tuple[int, int], windows: int, frames: slice
) -> Stretch:
    spectrum, reach = sound.narrow, round(0.5 / sound.narrow.hop_seconds)
    power = _three_bins(spectrum)
    _, lines = _lines(power[frames])
    share = power[:, lines].sum(axis=1) / np.maximum(spectrum.power.sum(axis=1), 1e-12)
    start, stop = 0.0, sound.seconds
    if run[0] > 0:
        start = _seconds(spectrum, step(share, frames.start + reach // 3, reach))
    if run[1] < windows:
        stop = _seconds(spectrum, step(-share, frames.stop - reach // 3, reach))
    return Stretch(start, max(start, stop), sound.seconds)


def _seconds(spectrum: Spectrogram, frame: int) -> float:
    return frame * spectrum.hop_seconds + spectrum.window_seconds / 2


def name(spectrum: Spectrogram, frames: slice) -> str:
    """Name the steady tones of some frames.

    Args:
        spectrum: of the clip.
        frames: where they are.

    Returns:
        "a buzz" (many partials of a low note), "a hum" (few), "one held tone (A4)" or "a drone".
    """
    near = _three_bins(spectrum)[frames]
    low, lines = _lines(near)
    at = np.flatnonzero(lines)
    if not len(at):
        return "a drone"
    first = spectrum.bins(LOWEST_HERTZ, np.inf).start
    mean = spectrum.power[frames].mean(axis=0)
    hertz = np.array([_centre(spectrum, mean, first + i) for i in at])
    main = low[at] >= _MAIN * low[at].max()
    lowest = float(hertz[main][0])
    multiples = hertz / lowest
    partial = np.abs(multiples - np.round(multiples)) <= _IN_TUNE * np.maximum(1, multiples / 4)
    if not partial[main].all():
        return "a drone"
    audible = low[at] >= 1e-3 * low[at].max()
    if lowest < _BUZZ_HERTZ and (partial & audible).sum() >= _BUZZ_PARTIALS:
        return "a buzz"
    return "a hum" if lowest < _HUM_HERTZ else f"one held tone ({note(lowest)})"


def _centre(spectrum: Spectrogram, mean: Floats, peak: int) -> float:
    near = slice(max(0, peak - 1), peak + 2)
    return float(np.sum(mean[near] * spectrum.hertz[near]) / max(float(np.sum(mean[near])), 1e-30))


def note(hertz: float) -> str:
    """Return the name of the nearest note, for instance "A4" for 440 Hz."""
    midi = round(69 + 12 * np.log2(hertz / 440.0))
    return f"{_NAMES[midi % 12]}{midi // 12 - 1}"
