"""Repetition: a clip that plays the same moment again and again."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding, Stretch
from rawtone.evaluation.health.sound import Floats, Sound, longest

Integers = NDArray[np.int64]

LIKENESS = Scale(least=0.9, sure=0.995, margin=0.4)
SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 3.0
_HERTZ = 6000  # samples a second that are compared
# A loop need not be whole samples long: half a sample off must leave the highest notes in phase.
_LOWEST_HERTZ, _HIGHEST_HERTZ = 30.0, 1000.0
_PART_SECONDS, _STEP_SECONDS = 1.0, 0.5
_CONTRAST, _TONE = 3.0, 0.93  # where another lag is as good as that, it is a tone
_NEAR_SECONDS = 0.03
_SLACK = 6
_BLOCK_SECONDS, _LEAST_SECONDS = 0.05, 0.3
_AUDIBLE = 1e-3  # of the mean power
_PARTS_AT_ONCE = 64  # bounds the memory of long clips


@dataclass(frozen=True)
class Repetition:
    """How much a clip repeats itself.

    Attributes:
        signal: float64 [samples], at `_HERTZ`.
        scores: float64 [parts, lags]: correlation of every second with what follows it by a lag,
            kept from there on for two rounds or 2 s; 0 where a shorter lag is nearly as good, as it
            is for a held tone.
    """

    signal: Floats
    scores: Floats

    @cached_property
    def likeness(self) -> float:
        """The highest of the scores."""
        return float(self.scores.max(initial=0.0))

    @cached_property
    def seconds(self) -> float:
        """The shortest time after which the clip repeats itself as well as it ever does, nearly."""
        if not self.likeness:
            return 0.0
        enough = self.likeness - 0.1 * (1.0 - self.likeness) - 0.005
        return float(_LAGS[np.argmax(self.scores.max(axis=0) >= enough)]) / _HERTZ


_LAGS = np.arange(round(SHORTEST_SECONDS * _HERTZ), round(LONGEST_SECONDS * _HERTZ) + 1)


def repetition(sound: Sound) -> Repetition:
    """Measure how much a clip repeats itself after 0.1 to 3 s, sample by sample."""
    signal = _slower(sound)
    part, hop = round(_PART_SECONDS * _HERTZ), round(_STEP_SECONDS * _HERTZ)
    starts = np.arange(0, len(signal) - part - int(_LAGS[0]) + 1, hop)
    if len(starts) < 3:
        return Repetition(signal, np.zeros((0, len(_LAGS))))
    batches = [starts[i : i + _PARTS_AT_ONCE] for i in range(0, len(starts), _PARTS_AT_ONCE)]
    likeness = np.concatenate([_likeness(signal, batch, part) for batch in batches])
    return Repetition(signal, _scores(likeness))


def _slower(sound: Sound) -> Floats:
    spectrum = np.fft.rfft(sound.mono)
    spectrum[: round(_LOWEST_HERTZ * sound.seconds)] = 0.0
    spectrum[round(_HIGHEST_HERTZ * sound.seconds) :] = 0.0
    count = round(sound.seconds * _HERTZ)
    kept = np.zeros(count // 2 + 1, complex)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    slower: Floats = np.fft.irfft(kept, count) * (count / len(sound.mono))
    return slower


def _likeness(signal: Floats, starts: Integers, part: int) -> Floats:
    """Correlate parts with what follows them, for all lags from 0: float64 [parts, lags]."""
    reach = int(_LAGS[-1]) + part
    size = 1 << (reach + 2).bit_length()
    padded = np.concatenate([signal, np.zeros(reach + 1)])
    ahead = np.lib.stride_tricks.sliding_window_view(padded, reach + 1)[starts]
    spectrum = np.fft.rfft(ahead, size)
    opening = np.fft.rfft(ahead[:, :part], size)
    product = np.fft.irfft(spectrum * opening.conj(), size)[:, : int(_LAGS[-1]) + 1]
    total = np.concatenate([np.zeros((len(ahead), 1)), np.cumsum(np.square(ahead), axis=1)], axis=1)
    energy = total[:, part : part + product.shape[1]] - total[:, : product.shape[1]]
    least = _AUDIBLE * part * float(np.mean(np.square(signal)))
    whole = starts[:, np.newaxis] + np.arange(product.shape[1]) + part <= len(signal)
    heard = (energy > least) & (energy[:, :1] > least) & whole
    scale = np.sqrt(np.maximum(energy * energy[:, :1], 1e-30))
    result: Floats = np.where(heard, product / scale, 0.0)
    return result


def _scores(likeness: Floats) -> Floats:
    near = np.pad(likeness, ((0, 0), (1, 1)))
    tolerant = np.maximum(np.maximum(near[:, :-2], near[:, 2:]), near[:, 1:-1])
    scores = np.zeros((len(likeness), len(_LAGS)))
    for parts in range(3, 2 * round(LONGEST_SECONDS)):
        if len(tolerant) < parts:
            break
        kept = np.lib.stride_tricks.sliding_window_view(tolerant, parts, axis=0).min(axis=-1)
        scored = _contrasted(kept)
        columns = _parts_for(_LAGS) == parts
        scores[: len(scored), columns] = scored[:, columns]
    return scores


def _parts_for(lags: Integers) -> Integers:
    """Return how many seconds, half overlapping, are two rounds of a lag, and 2 s at least."""
    rounds = np.ceil((lags / _HERTZ - _PART_SECONDS) / _STEP_SECONDS).astype(np.int64) + 1
    return np.clip(rounds, 3, 2 * round(LONGEST_SECONDS) - 1)


def _contrasted(kept: Floats) -> Floats:
    """Take away what a shorter lag does nearly as well; float64 [parts, lags]."""
    first = round(_HERTZ * 0.02)  # half a wave of the lowest note that matters
    before = np.maximum.accumulate(kept[:, first:], axis=1)
    behind = _LAGS - round(_NEAR_SECONDS * _HERTZ) - first
    other, here = before[:, behind], kept[:, _LAGS]
    looped = (1.0 - here <= (1.0 - other) / _CONTRAST) & (other < _TONE)
    result: Floats = np.where(looped, here, 0.0)
    return result


def find(sound: Sound, measured: Repetition, limit: float) -> list[Finding]:
    """Tell a loop that is more exact than any in the recordings.

    Args:
        sound: the clip.
        measured: how much it repeats itself.
        limit: likeness beyond which it is a loop.
    """
    if measured.likeness <= limit:
        return []
    stretch = _stretch(sound, measured, limit)
    words = stretch.words(f"repeats every {measured.seconds:.2g} s")
    return [Finding(words, stretch.start, 0.4 + 0.5 * stretch.share, "loop")]


def _stretch(sound: Sound, measured: Repetition, limit: float) -> Stretch:
    lag, hop = _best(measured), round(_BLOCK_SECONDS * _HERTZ)
    size = max(lag, round(_LEAST_SECONDS * _HERTZ))
    one, other = measured.signal[:-lag], measured.signal[lag:]
    both = _sums(np.square(one) + np.square(other), size, hop)
    apart = _sums(np.square(one - other), size, hop)
    alike = (1.0 - apart / np.maximum(both, 1e-12) > limit) & (both > _AUDIBLE * both.max())
    first, stop = longest(alike) if alike.any() else (0, len(alike))
    begins, ends = first * hop, (stop - 1) * hop + size + lag
    return Stretch(begins / _HERTZ, min(ends / _HERTZ, sound.seconds), sound.seconds)


def _best(measured: Repetition) -> int:
    """Return the lag, in samples, that repeats best among those of nearly the same length."""
    about, signal = round(measured.seconds * _HERTZ), measured.signal
    near = range(about - _SLACK, about + _SLACK + 1)
    return max(near, key=lambda lag: float(np.dot(signal[:-lag], signal[lag:])))


def _sums(signal: Floats, size: int, hop: int) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(signal)])
    sums: Floats = (total[size:] - total[:-size])[::hop]
    return sums
