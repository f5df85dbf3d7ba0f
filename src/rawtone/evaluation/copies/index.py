"""All training recordings, in a form in which the passages most like a clip are found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.pcm import Pcm
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.copies.alignment import LEAST_SECONDS, Stretch, lengths
from rawtone.evaluation.copies.passages import Line, passages
from rawtone.evaluation.copies.waveforms import Bytes, Waveforms, in_bytes
from rawtone.evaluation.copies.whitening import FRAME_SECONDS, Floats, Whitener, compared_rate

_PASSAGE_SECONDS = 600  # bounds the memory of building
_GAP_FRAMES = 25  # of silence between passages
_WINDOW_SECONDS = 10.0  # of a clip are looked for at once
_WINDOW_HOP = 0.75  # of a window: a copy on the border of two still lies in one for the most part
_SHIFTS = 300  # that are compared exactly
_MATCHES = 12  # that are told
_APART_SECONDS = 0.1  # shifts nearer than that are one
_FEWEST_MOMENTS = 6.0  # frames; a click is like any other click
_AROUND_SECONDS = 0.5  # of a match: how much music of the same notes correlates


@dataclass(frozen=True)
class Match:
    """A part of a clip that is like a part of a training recording.

    Attributes:
        track: of the corpus.
        order: the passage's place on the time line: earlier ones come first.
        from_seconds: where it begins in the track.
        at_seconds: where it begins in the clip.
        seconds: how long it is.
        likeness: correlation, 0 to 1.
        evidence: standard deviations of the correlation above that of unrelated noise.
        prominence: standard deviations by which it stands out from shifts beside it.
    """

    track: str
    order: int
    from_seconds: float
    at_seconds: float
    seconds: float
    likeness: float
    evidence: float
    prominence: float


@dataclass(frozen=True)
class Index:
    """The training recordings of a corpus.

    Attributes:
        compared: samples a second at which audio is compared.
        line: what lies where.
        waveforms: how it sounds.
    """

    compared: int
    line: Line
    waveforms: Waveforms

    @classmethod
    def of(cls, chunks: Chunks, rows: NDArray[np.int64]) -> "Index":
        """Take chunks of a corpus in.

        Args:
            chunks: of the corpus.
            rows: of the chunks to take in, ascending.
        """
        compared = compared_rate(chunks.sample_rate)
        whiten = Whitener(chunks.sample_rate, compared)
        taken = list(passages(chunks, rows, _PASSAGE_SECONDS * chunks.sample_rate))
        sounds = [in_bytes(whiten(passage.audio(chunks))) for passage in taken]
        frames, laid = _laid(sounds, whiten.half)
        seconds = np.array([passage.start / chunks.sample_rate for passage in taken])
        line = Line(tuple(passage.track for passage in taken), seconds, frames)
        longest = round(_WINDOW_SECONDS / FRAME_SECONDS) * whiten.half
        return cls(compared, line, Waveforms.of(laid, longest, whiten.half))

    def matches(self, clip: Pcm, sample_rate: int) -> list[Match]:
        """Find passages like a clip.

        Args:
            clip: int16 [samples] or [samples, channels].
            sample_rate: samples a second.

        Returns:
            The passages of most evidence; none if the clip is silent or shorter than a second, or
            there are no recordings.
        """
        whiten = Whitener(sample_rate, self.compared)
        sound = whiten(clip)
        if not self.line.tracks or len(sound) < LEAST_SECONDS * whiten.rate or not sound.any():
            return []
        found = [each for start in self._windows(sound) for each in self._window(sound, start)]
        found.sort(key=lambda each: -each[1].evidence)
        told: list[int] = []
        for at, _ in found:
            if all(abs(at - other) > _APART_SECONDS * whiten.rate for other in told):
                told.append(at)
            if len(told) == _MATCHES:
                break
        return self._exactly(sound, told, whiten)

    def _windows(self, sound: Floats) -> list[int]:
        longest = self.waveforms.longest
        last = max(0, len(sound) - longest)
        return [*range(0, last, round(_WINDOW_HOP * longest)), last]

    def _window(self, sound: Floats, start: int) -> list[tuple[int, Stretch]]:
        window = sound[start : start + self.waveforms.longest]
        at = self.waveforms.shifts(window, _SHIFTS)
        products = self.waveforms.compare(window, at)
        stretches = products.best(lengths(products.frames))
        return list(zip((at - start).tolist(), stretches, strict=True))

    def _exactly(self, sound: Floats, at: list[int], whiten: Whitener) -> list[Match]:
        products = self.waveforms.compare(sound, np.array(at, np.int64))
        stretches = products.best(lengths(products.frames, longer=1.05))
        found = [
            self._match(sound, place, stretch, whiten)
            for place, stretch in zip(at, stretches, strict=True)
        ]
        return [match for match in found if match is not None]

    def _match(self, sound: Floats, at: int, stretch: Stretch, whiten: Whitener) -> Match | None:
        first, stop = stretch.first * whiten.half, (stretch.first + stretch.frames) * whiten.half
        order = self.line.passage((at + first) // whiten.half, (at + stop) // whiten.half)
        begin, end = (self.line.frames[order] * whiten.half).tolist()
        first, stop = max(first, begin - at), min(stop, end - at, len(sound))
        if stop - first < (LEAST_SECONDS - FRAME_SECONDS) * whiten.rate:
            return None
        heard = sound[first:stop][: self.waveforms.longest]
        around = round(_AROUND_SECONDS * whiten.rate)
        found = self.waveforms.agreement(heard, at + first, around)
        if found.moments < _FEWEST_MOMENTS:
            return None
        return Match(
            self.line.tracks[order],
            order,
            float(self.line.seconds[order] + (first + at - begin) / whiten.rate),
            first / whiten.rate,
            (stop - first) / whiten.rate,
            min(1.0, max(0.0, found.likeness)),
            found.evidence,
            found.prominence,
        )


def _laid(sounds: list[Bytes], frame: int) -> tuple[NDArray[np.int64], Bytes]:
    """Lay passages one after another, with silence between them.

    Args:
        sounds: int8 [samples] each.
        frame: samples of a frame; every passage begins with one.

    Returns:
        First frame of each passage and the one after its last, int64 [passages, 2]; int8 [samples].
    """
    lengths = np.array([-(-len(sound) // frame) for sound in sounds], np.int64)
    stops = np.cumsum(lengths + _GAP_FRAMES)
    begins = stops - lengths - _GAP_FRAMES
    laid = np.zeros(int(stops[-1]) * frame if sounds else 0, np.int8)
    for begin, sound in zip(begins.tolist(), sounds, strict=True):
        laid[begin * frame :][: len(sound)] = sound
    return np.stack([begins, begins + lengths], axis=1), laid
