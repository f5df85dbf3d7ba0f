"""All that a clip is listened to for, in one hearing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rawtone.audio import pcm
from rawtone.audio.quantizers import Quantizer
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation import listening
from rawtone.evaluation.copies.finder import Copies, Copy
from rawtone.evaluation.features import Features
from rawtone.evaluation.health.ear import Ear
from rawtone.evaluation.health.findings import Health
from rawtone.evaluation.listening import Listener
from rawtone.evaluation.strangeness import Strangeness

_SEED = 0  # of what is drawn from a corpus: the same for all of its experiments
_CHUNKS = 64  # from which is learned what is normal


@dataclass(frozen=True)
class Sound:
    """A clip, without what it keeps of a prime."""

    wav: Path
    start: int

    @classmethod
    def of(cls, folder: Path, clip: dict[str, Any]) -> Self:
        """Take a row of clips.json.

        Args:
            folder: of the experiment's results.
            clip: the row.
        """
        prime = clip.get("prime", {})
        kept = prime.get("seconds", 0) if prime.get("keep") else 0
        return cls(folder / clip["wav"], round(kept * clip["sample_rate"]))


@dataclass(frozen=True)
class Heard:
    """What was heard in a clip.

    Attributes:
        melody: pitches and onsets, level, spectrum.
        health: what is wrong with it.
        copy: the training passage most like it.
        features: float32 [windows, features], whitened.
        strangeness: its distance from the recordings as a multiple of that of held-out ones.
    """

    melody: listening.Heard
    health: Health
    copy: Copy | None
    features: NDArray[np.float32]
    strangeness: float

    @property
    def is_copy(self) -> bool:
        """Whether it is a copy of a training recording."""
        return self.copy is not None and self.copy.is_copy


@dataclass(frozen=True)
class Ears:
    """Knows a corpus, and hears clips with that in mind; can be sent to other processes."""

    melody: listening.Ear
    health: Ear
    copies: Copies
    features: Features
    strangeness: Strangeness

    @classmethod
    def of(cls, chunks: Chunks, quantizer: Quantizer, listener: Listener) -> Self:
        """Get to know a corpus.

        Args:
            chunks: of the corpus.
            quantizer: of the experiment, through which recordings are heard, as clips are.
            listener: to its melodies.
        """
        normal = Ear.of(_drawn(chunks, quantizer), chunks.sample_rate)
        features = Features.of(chunks, quantizer)
        copies, strangeness = Copies.of(chunks, _SEED), Strangeness.of(features)
        return cls(listener.ear, normal, copies, features, strangeness)

    def hear(self, sound: Sound) -> Heard:
        """Listen to a clip."""
        audio, rate = pcm.read(sound.wav, sound.start), pcm.shape(sound.wav).sample_rate
        windows = self.features.hear(audio, rate)
        return Heard(
            self.melody.hear(audio, rate),
            self.health.hear(audio, rate),
            self.copies.find(audio, rate),
            windows,
            self.strangeness.of_clip(windows),
        )


def _drawn(chunks: Chunks, quantizer: Quantizer) -> Iterator[pcm.Pcm]:
    """Yield chunks of all splits, drawn by seed, as a clip of the experiment would sound."""
    count = len(chunks.lengths)
    random = np.random.default_rng(_SEED)
    for row in np.sort(random.choice(count, min(count, _CHUNKS), replace=False)).tolist():
        codes = quantizer.encode(chunks.pcm[row, : chunks.lengths[row]])
        yield np.rint(quantizer.decode(codes) * 32767).astype(np.int16)
