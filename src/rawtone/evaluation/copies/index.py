"""All training recordings, in a form in which the passages most like a clip are found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.pcm import Pcm
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.copies.alignment import LEAST_SECONDS, Stretch, lengths
from rawtone.evaluation.copies.passages import Line, passages
from rawtone.evaluation.copies.waveforms import Waveforms, in_bytes
from rawtone.evaluation.copies.whitening import FRAME_SECONDS, Floats, Whitener, compared_rate

_PASSAGE_SECONDS = 600  # bounds the memory of building
_GAP_FRAMES = 25  # of silence between passages
_WINDOW_SECONDS = 10.0  # of a clip are looked for at once
_WINDOW_HOP = 0.75  # of a window: a copy on the border of two still lies in one for the most part
_SHIFTS = 300  # that are compared exactly
_MATCHES = 20  # that are told
_APART_SECONDS = 0.1  # shifts nearer than that are one


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
        evidence: standard deviations above unrelated noise.
    """

    track: str
    order: int
    from_seconds: float
    at_seconds: float
    seconds: float
    likeness: float
    evidence: float


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
        parts, begin, frames = [], 0, []
        for passage in taken:
            sound = in_bytes(whiten(passage.audio(chunks)))
            length = -(-len(sound) // whiten.half)
            padded = np.zeros((length + _GAP_FRAMES) * whiten.half, np.int8)
            padded[: len(sound)] = sound
            parts.append(padded)
            frames.append((begin, begin + length))
            begin += length + _GAP_FRAMES
        line = Line(
            tuple(passage.track for passage in taken),
            np.array([passage.start / chunks.sample_rate for passage in taken]),
            np.array(frames, np.int64).reshape(-1, 2),
        )
        sound = np.concatenate([np.zeros(0, np.int8), *parts])
        longest = round(_WINDOW_SECONDS / FRAME_SECONDS) * whiten.half
        return cls(compared, line, Waveforms.of(sound, longest, whiten.half))

    def matches(self, clip: Pcm, sample_rate: int) -> list[Match]:
        """Find passages like a clip.

        Args:
            clip: int16 [samples] or [samples, channels].
            sample_rate: samples a second.

        Returns:
            The passages of most evidence, that first; none if the clip is silent or shorter than
            a second, or there are no recordings.
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
            self._match(place, stretch, whiten)
            for place, stretch in zip(at, stretches, strict=True)
        ]
        return sorted(found, key=lambda match: -match.evidence)

    def _match(self, at: int, stretch: Stretch, whiten: Whitener) -> Match:
        late = at / whiten.half  # frames of the line before the clip begins
        first, stop = stretch.first, stretch.first + stretch.frames
        order = self.line.passage(round(first + late), round(stop + late))
        begin, end = self.line.frames[order].tolist()
        first, stop = max(first, begin - late), min(stop, end - late)
        second = whiten.half / whiten.rate
        return Match(
            self.line.tracks[order],
            order,
            float(self.line.seconds[order] + (first + late - begin) * second),
            first * second,
            max(0.0, stop - first) * second,
            min(1.0, max(0.0, stretch.likeness)),
            stretch.evidence,
        )
