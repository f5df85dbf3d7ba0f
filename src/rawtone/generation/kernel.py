"""The engine for CPUs: a family's kernel, its streams spread over groups and threads.

A kernel makes one stream, or 16 side by side, on one thread; a stream's bits are the same in both.
So how streams are spread is a matter of speed alone.
"""

import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rawtone.generation import streams as of_streams
from rawtone.generation.engine import Codes
from rawtone.generation.random import uniforms
from rawtone.generation.spread import spread
from rawtone.generation.streams import Stream
from rawtone.models.backend import cores
from rawtone.models.family import Audio, Family

Precision = Literal["float32", "bfloat16", "int8"]
Floats = NDArray[np.float32]
State = list[NDArray[Any]]

BLOCK = 2000
PIECE = 200  # samples that are made without a look at whether to stop
LANES = 256


class FamilyKernel(Protocol):
    """A family's streaming form on one thread of a CPU.

    All arrays of a state are C-contiguous; their last axis is that of the streams, 1 or 16.
    """

    group: ClassVar[float]  # how many times as long 16 streams side by side take as one stream

    @staticmethod
    def fits(model: Family) -> bool:
        """Return whether there is a kernel for a model."""
        ...

    def __init__(self, model: Family, precision: Precision = "float32") -> None:
        """Pack a model's weights as they are now."""
        ...

    def state(self, lanes: int, labels: Floats) -> State:
        """Return what streams have heard after endless silence.

        Args:
            lanes: 1 or 16.
            labels: [lanes, labels], how much of each label they are told.
        """
        ...

    def tell(self, state: State, labels: Floats) -> None:
        """Replace the labels that streams are told, [lanes, labels]."""
        ...

    def hear(self, state: State, codes: Codes) -> None:
        """Let all streams hear the same codes [n]."""
        ...

    def make(
        self, state: State, temperatures: Floats, top_p: Floats, uniforms: Floats, codes: Codes
    ) -> None:
        """Make n samples of each stream.

        Args:
            state: read and written.
            temperatures: [n, lanes]; 0 takes the likeliest.
            top_p: [lanes].
            uniforms: [n, lanes] in [0, 1).
            codes: [n, lanes]; written.
        """
        ...


class Kernel:
    """Generate with a family's kernel.

    Args:
        kernel: of a family.
        audio: that its model makes.
        sample_rate: samples a second; only schedules need it.
        threads: that make streams; None takes as many as there are cores.
        lanes: streams that are made together at most; None takes many.
    """

    block = BLOCK

    def __init__(
        self,
        kernel: FamilyKernel,
        audio: Audio,
        sample_rate: int,
        threads: int | None = None,
        lanes: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.audio = audio
        self.sample_rate = sample_rate
        self.threads = threads or cores()
        self.lanes = lanes or LANES
        self.pool = ThreadPoolExecutor(self.threads, "generation")
        self._stopped = threading.Event()

    def start(self, streams: Sequence[Stream], prime: Codes | None) -> State:
        """Return the state of streams that have heard endless silence, and then a prime.

        Streams that are told the same have heard the same: it is heard once for all of them.
        """
        labels = [row.tobytes() for row in self._labels(streams, 0)]
        different = sorted(set(labels))
        told = [np.frombuffer(row, np.float32)[None] for row in different]
        states = [self.kernel.state(1, row) for row in told]
        if prime is not None and len(prime):
            heard = np.ascontiguousarray(prime, np.int32)
            list(self.pool.map(lambda state: self.kernel.hear(state, heard), states))
        units = spread(len(streams), self.threads, self.kernel.group)
        lanes = iter([different.index(label) for label in labels])
        groups = [_side_by_side(states, [next(lanes, 0) for _ in range(width)]) for width in units]
        return [np.array(units), *itertools.chain.from_iterable(groups)]

    def make(self, state: State, streams: Sequence[Stream], begin: int) -> tuple[Codes, State]:
        """Make a block of each stream; the state is written to."""
        widths, *arrays = [np.require(array, requirements=["C", "W"]) for array in state]
        size = len(arrays) // len(widths)
        groups = [arrays[start : start + size] for start in range(0, len(arrays), size)]
        ends = itertools.accumulate(widths.tolist())

        def made(group: State, end: int, width: int) -> Codes:
            return self._made(group, streams[end - width : end], begin)

        self._stopped.clear()
        try:
            codes = np.concatenate(list(self.pool.map(made, groups, ends, widths.tolist())))
        except BaseException:  # such as Control-C: nobody should wait for the rest
            self._stopped.set()
            raise
        return codes, [widths, *arrays]

    def _made(self, group: State, streams: Sequence[Stream], begin: int) -> Codes:
        """Return codes [streams, block] of a group."""
        width = group[0].shape[-1]
        lanes = [*streams, *[streams[0]] * (width - len(streams))]
        if self.audio.labels:
            self.kernel.tell(group, self._labels(lanes, begin))
        codes = np.empty((self.block, width), np.int32)
        each = [uniforms(lane.seed, begin, self.block)[:, 0] for lane in lanes]
        temperatures = of_streams.temperatures(lanes, begin, self.block, self.sample_rate)
        top_p, numbers = of_streams.top_p(lanes), np.stack(each, axis=-1)
        for start in range(0, self.block, PIECE):
            if self._stopped.is_set():
                break
            part = slice(start, start + PIECE)
            self.kernel.make(group, temperatures[part], top_p, numbers[part], codes[part])
        return np.ascontiguousarray(codes.T[: len(streams)])

    def _labels(self, streams: Sequence[Stream], begin: int) -> Floats:
        return of_streams.labels(streams, begin, self.sample_rate, self.audio.labels)


def _side_by_side(states: list[State], lanes: list[int]) -> State:
    """Return one state of several streams, of which each begins as one of the given states."""
    return [
        np.ascontiguousarray(np.concatenate([arrays[lane] for lane in lanes], axis=-1))
        for arrays in zip(*states, strict=True)
    ]
