"""Defects as networks and converters make them, planted in music at a strength, from a time on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float64]


@dataclass(frozen=True)
class Planted:
    """Spoiled music.

    Attributes:
        audio: float64 [samples], may exceed 1 before it is written.
        from_seconds: where the defect begins.
        kinds: of `Finding.kind`, those that tell it rightly.
    """

    audio: Audio
    from_seconds: float
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a defect is planted.

    Attributes:
        music: float64 [samples] between -1 and 1.
        rate: samples a second.
        random: for all that is drawn.
    """

    music: Audio
    rate: int
    random: np.random.Generator

    @property
    def time(self) -> Audio:
        """Seconds of every sample."""
        return np.arange(len(self.music)) / self.rate

    @property
    def level(self) -> float:
        """RMS of the music, that of -40 dBFS at least."""
        return max(float(np.sqrt(np.mean(np.square(self.music)))), 0.01)

    def late(self) -> float:
        """Draw when something begins that then stays: from 30 % to 50 % of the music."""
        return float(self.random.uniform(0.3, 0.5)) * len(self.music) / self.rate

    def switched(self, other: Audio, at: float) -> Audio:
        """Return the music until a time, and something else from there on."""
        return np.where(self.time < at, self.music, other)

    def white(self, level: float) -> Audio:
        """Draw white noise of an RMS."""
        return level * self.random.standard_normal(len(self.music))

    def coloured(self) -> Audio:
        """Draw noise of the loudness and the average spectrum of the music."""
        spectrum = np.fft.rfft(self.music)
        width = max(1, len(spectrum) * 60 // self.rate)
        power = np.convolve(np.square(np.abs(spectrum)), np.ones(width) / width, "same")
        drawn = np.fft.rfft(self.white(1.0)) * np.sqrt(power)
        shaped: Audio = np.fft.irfft(drawn, len(self.music))
        return shaped * (self.level / max(float(shaped.std()), 1e-9))


Defect = Callable[[Place], Planted]


def silent(place: Place) -> Planted:
    """Nothing at all, or next to nothing (-70 dBFS)."""
    left = float(place.random.choice([0.0, 10 ** (-70 / 20)]))
    return Planted(place.white(left), 0.0, ("silence",))


def silent_end(place: Place) -> Planted:
    """Silence for the last 60 %."""
    at = 0.4 * len(place.music) / place.rate
    return Planted(place.switched(np.zeros_like(place.music), at), at, ("silence",))


def silent_half(place: Place) -> Planted:
    """Silence for half a second of every second."""
    at = 0.5
    return Planted(place.music * (np.mod(place.time, 1.0) < at), at, ("silence",))


def clipped(decibels: float) -> Defect:
    """Music made louder by so much than what peaks allow."""

    def plant(place: Place) -> Planted:
        peak = float(np.max(np.abs(place.music)))
        loud = place.music * 10 ** (decibels / 20) / max(peak, 1e-3)
        over = np.abs(loud) >= 1.0
        first = int(np.argmax(over[:-2] & over[1:-1] & over[2:]))
        return Planted(loud, first / place.rate, ("clipping",))

    return plant


def noisy(decibels: float, late: bool) -> Defect:
    """White noise added at a signal-to-noise ratio, from the beginning or from a point on."""

    def plant(place: Place) -> Planted:
        at = place.late() if late else 0.0
        noise = place.white(place.level * 10 ** (-decibels / 20))
        return Planted(place.switched(place.music + noise, at), at, ("noise", "hiss"))

    return plant


def merely_noise(place: Place) -> Planted:
    """Noise with the spectrum of the music from a point on, and nothing else."""
    at = place.late()
    return Planted(place.switched(place.coloured(), at), at, ("noise", "hiss"))


def hum(dbfs: float) -> Defect:
    """Mains hum with two harmonics over quiet music (-30 dBFS)."""

    def plant(place: Place) -> Planted:
        mains, quiet = float(place.random.choice([50.0, 60.0])), 10 ** (-30 / 20) / place.level
        partials = [
            0.5**k * np.sin(2 * np.pi * mains * (k + 1) * place.time + place.random.uniform(0, 6))
            for k in range(3)
        ]
        humming = sum(partials, np.zeros_like(place.music))
        humming *= 10 ** (dbfs / 20) / humming.std()
        return Planted(quiet * place.music + humming, 0.0, ("tone", "buzz"))

    return plant


def held_tone(late: bool) -> Defect:
    """One tone that wavers a little, with a few partials, instead of the music."""

    def plant(place: Place) -> Planted:
        at, hertz = place.late() if late else 0.0, float(place.random.uniform(150, 900))
        wavering = 1 + 0.1 * np.sin(2 * np.pi * 4.0 * place.time)
        phase = 2 * np.pi * hertz * place.time
        tone = wavering * (np.sin(phase) + 0.3 * np.sin(2 * phase) + 0.1 * np.sin(3 * phase))
        tone *= place.level / tone.std()
        tone += place.white(0.01 * place.level)
        return Planted(place.switched(tone, at), at, ("tone", "buzz"))

    return plant


def one_note(place: Place) -> Planted:
    """One note struck again and again, at odd intervals, each time decaying."""
    hertz = 440 * 2 ** (float(place.random.integers(-12, 12)) / 12)
    strikes = np.cumsum(place.random.uniform(0.25, 0.7, 40))
    since = place.time - np.concatenate([[0.0], strikes])[np.searchsorted(strikes, place.time)]
    partials = [0.6**k * np.sin(2 * np.pi * hertz * (k + 1) * place.time) for k in range(5)]
    note = np.exp(-4 * since) * sum(partials, np.zeros_like(since))
    return Planted(note * place.level / note.std(), 0.0, ("note", "tone", "buzz"))


def buzz(place: Place) -> Planted:
    """A saw-tooth of 60 to 200 Hz from a point on."""
    at, hertz = place.late(), float(place.random.uniform(60, 200))
    phase = 2 * np.pi * hertz * place.time
    saw = sum((np.sin(k * phase) / k for k in range(1, 16)), np.zeros_like(phase))
    return Planted(place.switched(saw * place.level / saw.std(), at), at, ("tone", "buzz"))


def clicks(count: int, height: float) -> Defect:
    """Clicks, half to all as high as a share of the highest peak of the music."""

    def plant(place: Place) -> Planted:
        audio, peak = place.music.copy(), max(float(np.max(np.abs(place.music))), 0.1)
        places = np.sort(place.random.integers(0, len(audio) - 4, count))
        for at in places:
            high = height * peak * place.random.uniform(0.5, 1.0) * place.random.choice([-1, 1])
            audio[at : at + 3] += high * np.array([1.0, -0.8, 0.3])
        return Planted(audio, float(places[0]) / place.rate, ("clicks",))

    return plant


def loop(seconds: float, late: bool) -> Defect:
    """The music's loudest moment of about so many seconds, again and again."""

    def plant(place: Place) -> Planted:
        at = place.late() if late else 0.0
        size = round(seconds * place.rate * place.random.uniform(0.8, 1.2))
        power = np.convolve(np.square(place.music), np.ones(size), "valid")
        first = int(np.argmax(power))
        turn = place.music[first : first + size]
        repeated = np.resize(turn, len(place.music))
        return Planted(place.switched(repeated, at), at, ("loop",))

    return plant


DEFECTS: dict[str, Defect] = {
    "silent throughout": silent,
    "silent for the last 60 %": silent_end,
    "silent every other half second": silent_half,
    "clipped by 6 dB": clipped(6),
    "clipped by 12 dB": clipped(12),
    "clipped by 20 dB": clipped(20),
    "noise at 0 dB": noisy(0, late=False),
    "noise at 10 dB": noisy(10, late=False),
    "noise at 0 dB, from a point on": noisy(0, late=True),
    "noise at 10 dB, from a point on": noisy(10, late=True),
    "noise at 15 dB, from a point on": noisy(15, late=True),
    "nothing but noise of its colour, from a point on": merely_noise,
    "hum at -20 dBFS over quiet music": hum(-20),
    "one held tone": held_tone(late=False),
    "one held tone, from a point on": held_tone(late=True),
    "one note, struck again and again": one_note,
    "a buzz, from a point on": buzz,
    "ten clicks": clicks(10, 1.0),
    "a loop of 0.25 s": loop(0.25, late=False),
    "a loop of 0.5 s": loop(0.5, late=False),
    "a loop of 1 s": loop(1.0, late=False),
    "a loop of 0.5 s, from a point on": loop(0.5, late=True),
}


# So faint that a listener may let them pass; they do not count.
FAINT: dict[str, Defect] = {
    "clipped by 3 dB": clipped(3),
    "noise at 20 dB": noisy(20, late=False),
    "noise at 25 dB": noisy(25, late=False),
    "hum at -30 dBFS over quiet music": hum(-30),
    "hum at -36 dBFS over quiet music": hum(-36),
    "five clicks a third as high": clicks(5, 0.33),
    "five clicks a tenth as high": clicks(5, 0.1),
}


def as_pcm(audio: Audio) -> NDArray[np.int16]:
    """Return float64 [samples] as int16, clipped at full scale."""
    return np.round(audio * 32767).clip(-32768, 32767).astype(np.int16)
