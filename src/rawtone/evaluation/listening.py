"""Listen to clips beside the recordings that they should resemble."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawtone.audio import levels
from rawtone.audio.pcm import Pcm
from rawtone.audio.quantizers import Quantizer
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation import melody
from rawtone.evaluation.spectrum import Floats, average_spectrum, distance_db

HELD_OUT = ("validation", "test")
SILENCE_DBFS = -60.0
_CHUNKS_FOR_NOTES = 8
_CHUNKS_AT_MOST = 64  # spread over the splits; more would change no figure and take minutes


@dataclass(frozen=True)
class Heard:
    """What was heard in a clip.

    Attributes:
        melody: pitches and onsets.
        level_dbfs: RMS.
        silent_fraction: share of the clip taken by its longest run below -60 dBFS.
        spectrum_db: distance of its average spectrum from that of the held-out recordings.
    """

    melody: melody.Melody
    level_dbfs: float
    silent_fraction: float
    spectrum_db: float

    @property
    def row(self) -> dict[str, str]:
        """The figures as columns of melody.csv."""
        return {
            "voiced": f"{self.melody.voiced:.3f}",
            "in_tune": f"{self.melody.in_tune:.3f}",
            "notes": " ".join(map(str, self.melody.notes)),
            "onsets_per_second": f"{self.melody.onsets_per_second:.2f}",
            "level_dbfs": f"{self.level_dbfs:.1f}",
            "silent_fraction": f"{self.silent_fraction:.3f}",
            "spectrum_db": f"{self.spectrum_db:.2f}",
        }


@dataclass(frozen=True)
class Ear:
    """What is known of a corpus to hear clips by.

    Attributes:
        notes: MIDI numbers of the notes the training recordings use.
        spectrum: average spectrum of the held-out recordings.
    """

    notes: list[int]
    spectrum: Floats

    def hear(self, clip: Pcm, sample_rate: int) -> Heard:
        """Listen to a clip, int16 [samples] or [samples, channels]."""
        level = levels.measure(clip, sample_rate, SILENCE_DBFS)
        spectrum = average_spectrum([mono(clip)], sample_rate)
        return Heard(
            melody.hear(mono(clip), sample_rate, self.notes),
            level.rms_dbfs,
            level.silence / len(clip),
            distance_db(spectrum, self.spectrum),
        )


@dataclass(frozen=True)
class Listener:
    """Knows a corpus, and hears clips with that in mind.

    Args:
        chunks: of the corpus.
        quantizer: of the experiment. Recordings are heard through it, so that its noise does not
            count as the network's.
    """

    chunks: Chunks
    quantizer: Quantizer

    @cached_property
    def ear(self) -> Ear:
        """What clips are heard by, in other processes, too."""
        return Ear(self._notes, self._recordings_spectrum)

    @cached_property
    def _notes(self) -> list[int]:
        rows = self._rows(("train",), _CHUNKS_FOR_NOTES)
        audio = (mono(self._chunk(row)) for row in rows)
        return melody.corpus_notes(audio, self.chunks.sample_rate)

    @cached_property
    def _recordings_spectrum(self) -> Floats:
        return self._spectrum(HELD_OUT)

    @cached_property
    def recordings_distance_db(self) -> float:
        """Distance of the training recordings from the held-out ones: as near as can be hoped."""
        return distance_db(self._spectrum(("train",)), self._recordings_spectrum)

    @cached_property
    def recordings_verdict(self) -> melody.Verdict:
        """The melody judge's verdict on the held-out recordings."""
        rate = self.chunks.sample_rate
        chunks = [self._chunk(row) for row in self._rows(HELD_OUT)]
        return melody.judge([self._melody(chunk, rate) for chunk in chunks])

    def judge(self, heard: Sequence[Heard]) -> dict[str, Any]:
        """Judge a set of clips as melodies, where the recordings themselves are.

        Returns:
            JSON: the figures, `passed` (None where the recordings do not pass), a sentence.
        """
        verdict = melody.judge([clip.melody for clip in heard])
        alike = self.recordings_verdict.passed
        meaningless = "not judged as melodies, which the recordings themselves are not either"
        return {
            "clips": len(heard),
            "figures": {c.what.replace(" ", "_"): round(c.figure, 4) for c in verdict.checks},
            "recordings_passed": alike,
            "passed": verdict.passed if alike else None,
            "sentence": verdict.sentence if alike else meaningless,
        }

    def _rows(self, splits: Sequence[str], most: int = _CHUNKS_AT_MOST) -> list[int]:
        rows = [int(row) for split in splits for row in self.chunks.rows(split)]
        return [rows[i] for i in np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]

    def _chunk(self, row: int) -> Pcm:
        return self.chunks.pcm[row, : self.chunks.lengths[row]]

    def _melody(self, audio: Pcm, sample_rate: int) -> melody.Melody:
        return melody.hear(mono(audio), sample_rate, self._notes)

    def _spectrum(self, splits: Sequence[str]) -> Floats:
        rows = self._rows(splits)
        audio = (self.quantizer.decode(self.quantizer.encode(self._chunk(row))) for row in rows)
        return average_spectrum(map(_mixed, audio), self.chunks.sample_rate)


def mono(audio: Pcm) -> Floats:
    """Return int16 samples as float64 [samples] between -1 and 1, channels mixed."""
    return _mixed(audio.astype(np.float64) / 32768)


def _mixed(audio: NDArray[Any]) -> NDArray[Any]:
    return audio.mean(axis=1) if audio.ndim == 2 else audio
