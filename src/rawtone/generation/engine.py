"""What all engines have in common: they make streams side by side, block by block.

All that a stream needs to go on is in the state, a flat list of arrays or tensors that can be
written down and given back in another process.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rawtone.generation.streams import Stream

Codes = NDArray[np.int32]


class Engine(Protocol):
    """Makes streams with a model.

    Attributes:
        lanes: streams that are made together at most.
        block: samples of a block; the same grid for all streams, from sample 0.
    """

    lanes: int
    block: int

    def start(self, streams: Sequence[Stream], prime: Codes | None) -> list[Any]:
        """Return the state of streams that have heard endless silence, and then a prime.

        Args:
            streams: at most as many as there are lanes.
            prime: int32 [n], of stereo [n, 2], that all of them hear.
        """
        ...

    def make(
        self, state: list[Any], streams: Sequence[Stream], begin: int
    ) -> tuple[Codes, list[Any]]:
        """Make a block of each stream.

        Args:
            state: of `start`, or of the block before; not to be used again.
            streams: the same as before, in the same order.
            begin: index of the block's first sample, a multiple of `block`.

        Returns:
            int32 codes [streams, block], of stereo [streams, block, 2], and the state after them.
        """
        ...


@dataclass(frozen=True)
class Part:
    """A block of streams, and all that is needed to go on after it.

    Attributes:
        codes: int32 [streams, n], of stereo [streams, n, 2].
        state: of the engine, after the whole block.
        end: samples of each stream that are made so far.
    """

    codes: Codes
    state: list[Any]
    end: int


def generate(
    engine: Engine,
    streams: Sequence[Stream],
    samples: int,
    prime: Codes | None = None,
    resumed: tuple[list[Any], int] | None = None,
) -> Iterator[Part]:
    """Make streams side by side, block by block.

    Args:
        engine: that makes them.
        streams: at most as many as it has lanes.
        samples: length of each.
        prime: int32 [n], of stereo [n, 2], that all of them hear before they begin.
        resumed: `state` and `end` of an earlier part of the same streams, to go on after it.

    Yields:
        Blocks, until there are `samples` in all; the last one may be cut short.

    Raises:
        ValueError: more streams than lanes, or an `end` that is not on the grid of blocks.
    """
    if len(streams) > engine.lanes:
        raise ValueError(f"expected at most {engine.lanes} streams, found {len(streams)}")
    state, begin = resumed or (engine.start(streams, prime), 0)
    if begin % engine.block and begin < samples:
        raise ValueError(f"expected to go on at a multiple of {engine.block}, found {begin}")
    for start in range(begin, samples, engine.block):
        codes, state = engine.make(state, streams, start)
        end = min(start + engine.block, samples)
        yield Part(codes[:, : end - start], state, end)
