"""What the charts of a corpus tell, in words: what they show, and what to do about it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.quantizers import Quantizer
from rawtone.report.audit_sound import Sound
from rawtone.report.words import number

QUIETEST_DBFS = -100.0  # what is quieter, digital silence too, counts as this
_FAR_APART_DB = 12.0
_MUCH_CLIPPED = 0.001
_MUCH_OFFSET = 0.005
_NEXT_TO_NOTHING_DB = 60.0
_MUCH_SILENCE = 0.2


@dataclass(frozen=True)
class Words:
    """What stands for a chart where it cannot be seen, and sentences that follow from it."""

    alternative: str
    says: list[str]


def levels_of(rows: Iterable[Mapping[str, str]], status: str) -> list[float]:
    """Return the levels in dBFS of the chunks of chunks.csv that have a status."""
    found = (row["level_dbfs"] for row in rows if row["status"] == status)
    return [max(float(level), QUIETEST_DBFS) for level in found if level]


def levels(kept: Sequence[float], tracks: Sequence[str]) -> Words:
    """Tell of the levels of chunks.

    Args:
        kept: in dBFS, of the chunks that are used.
        tracks: the track of each.
    """
    low, high = np.percentile(kept, [25, 75])
    alternative = (
        f"Levels of {len(kept):,} chunks: half of them between {_db(low)} and {_db(high)} dBFS, "
        f"the quietest {_db(min(kept))}, the loudest {_db(max(kept))}."
    )
    return Words(alternative, _apart(kept, tracks))


def _apart(kept: Sequence[float], tracks: Sequence[str]) -> list[str]:
    powers: dict[str, list[float]] = defaultdict(list)
    for track, level in zip(tracks, kept, strict=True):
        powers[track].append(10 ** (level / 10))
    of_tracks = [10 * np.log10(np.mean(power)) for power in powers.values()]
    quiet, loud = np.percentile(of_tracks, [10, 90])
    if len(of_tracks) < 2:
        return []
    far = f"{_db(loud - quiet)} dB lie between the quietest and the loudest tenth of the recordings"
    if loud - quiet < _FAR_APART_DB:
        return [f"{far}: they are about as loud as each other."]
    return [f"{far}. level: {{loudness_lufs: -23}} brings all of them to one loudness."]


def values(sound: Sound) -> list[str]:
    """Tell of samples at full scale, and of a constant offset."""
    clipped = f"{sound.clipped:.2%} of the samples of the drawn chunks are at full scale"
    if sound.clipped > _MUCH_CLIPPED:
        clipped += ": they are clipped"
    elif sound.clipped == 0:
        clipped = "No sample of the drawn chunks is at full scale"
    offset = f"Their mean is {abs(sound.offset):.2%} of full scale off zero"
    if abs(sound.offset) > _MUCH_OFFSET:
        offset += "; level: {remove_dc: true} takes that out"
    return [f"{clipped}.", f"{offset}."]


def spectrum(sound: Sound, sample_rate: int) -> Words:
    """Tell of average spectra."""
    middle = np.median(sound.levels_db, axis=0)
    loudest = int(np.argmax(middle))
    alternative = (
        f"Average spectra of {len(sound.rows):,} drawn chunks: the median is loudest near "
        f"{_hertz(sound.centres[loudest])}, at {_db(middle[loudest])} dBFS, and has "
        f"{_db(middle[-1])} dBFS at {_hertz(sound.centres[-1])}."
    )
    power = np.mean(10 ** (sound.levels_db / 10), axis=0)
    below = int(np.searchsorted(np.cumsum(power), 0.99 * power.sum()))
    says = [f"99% of the power lies below {_hertz(sound.centres[min(below, len(power) - 1)])}."]
    return Words(alternative, says + _unused_band(sound, sample_rate))


def _unused_band(sound: Sound, sample_rate: int) -> list[str]:
    """Name a lower rate that would do, for generating costs by the sample."""
    loud = np.percentile(sound.levels_db, 90, axis=0)
    highest = sound.centres[np.flatnonzero(loud > loud.max() - _NEXT_TO_NOTHING_DB)[-1]]
    if highest > 0.35 * sample_rate:
        return []
    return [
        f"Above {_hertz(highest)} there is next to nothing: {_NEXT_TO_NOTHING_DB:.0f} dB less than "
        "below. A lower sample_rate would lose little, and make models faster."
    ]


def codes(counts: NDArray[np.int64], quantizer: Quantizer) -> Words:
    """Tell of the codes that samples become.

    Args:
        counts: int64 [levels], how often each occurs.
        quantizer: whose codes they are.
    """
    shares = counts / counts.sum()
    most = int(np.argmax(counts))
    never = int(np.count_nonzero(counts == 0))
    used = shares[shares > 0]
    bits = float(-(used * np.log2(used)).sum())
    silence = " (silence)" if most == quantizer.silence else ""
    alternative = f"How often each of {quantizer.levels:,} codes occurs; the most is code {most}."
    says = [
        f"The most used code, {most}{silence}, is {shares[most]:.1%} of the samples; "
        f"{never:,} of {quantizer.levels:,} codes never occur.",
        f"Who knows no more than how often each code occurs needs {bits:.2f} bits for a sample.",
    ]
    if shares[most] > _MUCH_SILENCE and silence:
        says.append(
            "A model can go far by saying nothing: chunk: {silence_dbfs: …} leaves more of it out."
        )
    return Words(alternative, says)


def _db(level: float) -> str:
    return number(level, 1)


def _hertz(frequency: float) -> str:
    return f"{frequency / 1000:.1f} kHz" if frequency >= 1000 else f"{frequency:.0f} Hz"
