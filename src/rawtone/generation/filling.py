"""All clips of a grid, planned so that they fill the machine.

On a CPU each thread takes streams of whichever checkpoint comes next, while another checkpoint's
weights are packed. The compiled loop has threads of its own, and makes one checkpoint's clips after
the other's.
"""

import itertools
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rawtone.generation import workers
from rawtone.generation.engine import Engine
from rawtone.generation.kept import Kept, Tags
from rawtone.generation.making import Making
from rawtone.generation.streams import Stream
from rawtone.generation.workers import Job

Batch = list[str]  # keys of clips that are made side by side


@dataclass(frozen=True)
class Asked:
    """A clip that is asked for."""

    stream: Stream
    tags: Tags


@dataclass(frozen=True)
class OfCheckpoint:
    """Clips of a checkpoint.

    Attributes:
        weights: the file.
        clips: that are asked for, by key.
    """

    weights: Path
    clips: Mapping[str, Asked]


class Filling:
    """Makes what there is not yet of a grid.

    Args:
        kept: where clips are, and shall be.
        making: what they have in common.
        done: told the key of each clip that is there.
    """

    def __init__(self, kept: Kept, making: Making, done: Callable[[str], None]) -> None:
        self._kept, self._making, self._done = kept, making, done

    def make(self, wanted: Sequence[OfCheckpoint], threads: int) -> None:
        """Make the clips of a grid.

        Args:
            wanted: of each checkpoint.
            threads: that a CPU has for it; 0 makes one checkpoint after the other on this one.
        """
        maker = self._making.maker
        threads = threads if maker.kernel else 0
        workers.do(self._batches(wanted, threads), threads, maker.stopped)

    def _batches(self, wanted: Sequence[OfCheckpoint], threads: int) -> Iterator[list[Job]]:
        """Prepare jobs, checkpoint by checkpoint."""
        clips = {key: clip for each in reversed(wanted) for key, clip in each.clips.items()}
        missing = {key for key in clips if self._kept.facts(key) is None}
        asked = sum(len(each.clips) for each in wanted)
        self._making.progress.skip((asked - len(missing)) * self._making.samples)
        yield [partial(self._finish, key, clips[key]) for key in clips if key not in missing]
        for each, batches in zip(wanted, self._plan(wanted, missing, threads), strict=True):
            if batches:
                yield self._jobs(each, batches)

    def _plan(
        self, wanted: Sequence[OfCheckpoint], missing: set[str], threads: int
    ) -> list[list[Batch]]:
        """Put streams together: first as they were begun, then so that no thread is idle."""
        left, found = set(missing), list(self._kept.begun())
        begun, keys = [], []
        for each in wanted:  # a clip of two equal checkpoints is made once
            begun.append(_begun(found, each.clips.keys(), left))
            left.difference_update(*begun[-1])
            keys.append([key for key in each.clips if key in left])
            left.difference_update(keys[-1])
        sizes = self._making.maker.spread([len(each) for each in keys], max(threads, 1))
        rest = [
            [list(itertools.islice(keys_left, size)) for size in jobs]
            for keys_left, jobs in zip(map(iter, keys), sizes, strict=True)
        ]
        return [[*first, *then] for first, then in zip(begun, rest, strict=True)]

    def _jobs(self, wanted: OfCheckpoint, batches: Sequence[Batch]) -> list[Job]:
        streams = [wanted.clips[key].stream for batch in batches for key in batch]
        engine = self._making.maker.engine(wanted.weights, streams)
        return [partial(self._make, engine, wanted, batch) for batch in batches]

    def _make(self, engine: Engine, wanted: OfCheckpoint, batch: Batch) -> None:
        folder, clips = self._kept.place(batch), [wanted.clips[key] for key in batch]
        streams = [clip.stream for clip in clips]
        begun = time.monotonic()
        files = self._making.side_by_side(engine, folder, batch, streams)
        took = round((time.monotonic() - begun) / len(batch), 3)
        for key, clip, raw in zip(batch, clips, files, strict=True):
            blocks = self._making.blocks(raw)
            self._kept.add(key, blocks, self._making.maker.sample_rate, clip.tags, took)
            self._done(key)
        shutil.rmtree(folder)

    def _finish(self, key: str, clip: Asked) -> None:
        self._kept.bring_up_to_date(key, clip.tags)
        self._done(key)


def _begun(found: Sequence[Batch], asked: Set[str], left: set[str]) -> list[Batch]:
    """Choose of what was begun that of which all is asked for, and each clip once."""
    chosen: list[Batch] = []
    taken: set[str] = set()
    for batch in found:
        if asked >= set(batch) and not left.isdisjoint(batch) and taken.isdisjoint(batch):
            chosen.append(batch)
            taken.update(batch)
    return chosen
