"""Streams made side by side, from where they were left to their end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rawtone.audio import pcm
from rawtone.files import write_json
from rawtone.generation.engine import Engine, generate
from rawtone.generation.keeping import Partial
from rawtone.generation.maker import Maker, Primed
from rawtone.generation.progress import Progress
from rawtone.generation.streams import Stream


@dataclass(frozen=True)
class Making:
    """What clips have in common that are made of one training.

    Attributes:
        maker: of their engines.
        samples: of each.
        prime: that all of them hear before.
        progress: to be told.
    """

    maker: Maker
    samples: int
    prime: Primed | None
    progress: Progress

    def side_by_side(
        self, engine: Engine, folder: Path, names: Sequence[str], streams: Sequence[Stream]
    ) -> list[Path]:
        """Make streams, from where they were left in a folder.

        Args:
            engine: with the weights of their checkpoint.
            folder: of these streams alone.
            names: that stand for all that decides them.
            streams: at most as many as the engine has lanes.

        Returns:
            A file for each, 16-bit PCM without a header; of stereo, samples of both channels in
            turns.
        """
        partial = Partial(folder, len(streams), self.maker.codec, self.maker.channels)
        saved = partial.found()
        resumed = (saved.state, saved.end) if saved else None
        self.progress.skip(saved.end * len(streams) if saved else 0)
        codes = self.prime.codes if self.prime else None
        with partial.writing(saved) as writer:
            write_json(folder / "batch.json", list(names))
            for part in generate(engine, streams, self.samples, codes, resumed):
                writer.write(part)
                self.progress.made(part.codes.shape[0] * part.codes.shape[1])
        return partial.files

    def blocks(self, raw: Path) -> Iterator[pcm.Pcm]:
        """Read a clip that was made, with what it keeps of its prime, in bounded memory.

        Args:
            raw: of `side_by_side`.

        Yields:
            int16 [samples, channels].
        """
        before = self.prime.kept if self.prime else None
        return pcm.raw_blocks(raw, self.maker.channels, before)
