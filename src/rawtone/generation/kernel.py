"""The engine for CPUs: a family's kernel makes one stream, or 16 side by side, on one thread.

A stream's bits are the same in both. So which streams a thread makes side by side is a matter of
speed alone.
"""

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rawtone.generation import streams as of_streams
from rawtone.generation.engine import Codes
from rawtone.generation.random import uniforms
from rawtone.generation.spread import GROUP
from rawtone.generation.streams import Stream
from rawtone.models.family import Audio, Family

Precision = Literal["float32", "bfloat16", "int8"]
Floats = NDArray[np.float32]
State = list[NDArray[Any]]

BLOCK = 2000
PIECE = 200  # samples that are made without a look at whether to stop

# How many times as long 16 streams side by side take as one, where caches hold the weights, and
# where these come from memory, as benchmarks/generation.py has measured it.
_GROUP_COSTS = {"float32": (6.0, 2.0), "bfloat16": (10.0, 4.0), "int8": (7.0, 5.0)}
_BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}
_CACHE = 32e6  # bytes


class FamilyKernel(Protocol):
    """A family's streaming form on one thread of a CPU.

    All arrays of a state are C-contiguous; their last axis is that of the streams, 1 or 16.
    """

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
            uniforms: [n, 2, lanes] in [0, 1), two for each sample.
            codes: [n, lanes]; written.
        """
        ...


def cost_of_group(parameters: int, precision: Precision) -> float:
    """Return how many times as long 16 streams side by side take as one.

    Args:
        parameters: of the model.
        precision: of its weights.
    """
    in_cache, in_memory = _GROUP_COSTS[precision]
    return in_cache if parameters * _BYTES[precision] < _CACHE else in_memory


class Kernel:
    """Generate with a family's kernel, on whichever thread asks for it; several may at once.

    Args:
        kernel: of a family.
        audio: that its model makes.
        sample_rate: samples a second; only schedules need it.
        stopped: set by whoever wants it to stop.
    """

    block = BLOCK
    lanes = GROUP

    def __init__(
        self,
        kernel: FamilyKernel,
        audio: Audio,
        sample_rate: int,
        stopped: threading.Event | None = None,
    ) -> None:
        self.kernel = kernel
        self.audio = audio
        self.sample_rate = sample_rate
        self._stopped = stopped or threading.Event()
        self._silence: dict[bytes, State] = {}
        self._heard: dict[bytes, State] = {}
        self._turns: dict[bytes, threading.Lock] = {}

    def prepare(self, streams: Sequence[Stream]) -> None:
        """Work out how streams begin; after that the model may be given other weights."""
        for label in self._told(streams):
            if label not in self._silence:
                shares = np.frombuffer(label, np.float32)[None]
                self._silence[label] = self.kernel.state(1, shares)

    def start(self, streams: Sequence[Stream], prime: Codes | None) -> State:
        """Return the state of streams that have heard endless silence, and then a prime."""
        self.prepare(streams)
        told = self._told(streams)
        states = {label: self._begun(label, prime) for label in sorted(set(told))}
        width = 1 if len(streams) == 1 else GROUP
        lanes = [states[label] for label in [*told, *told[:1] * (width - len(told))]]
        return [
            np.ascontiguousarray(np.concatenate(arrays, axis=-1))
            for arrays in zip(*lanes, strict=True)
        ]

    def _begun(self, label: bytes, prime: Codes | None) -> State:
        """Return the state of a stream that has heard a prime, as all do that are told the same."""
        if prime is None or not len(prime):
            return self._silence[label]
        codes = np.ascontiguousarray(prime, np.int32)
        key = hashlib.sha256(codes.tobytes() + label).digest()
        with self._turns.setdefault(key, threading.Lock()):
            if key not in self._heard:
                state = [array.copy() for array in self._silence[label]]
                self.kernel.hear(state, codes)
                self._heard[key] = state
            return self._heard[key]

    def make(self, state: State, streams: Sequence[Stream], begin: int) -> tuple[Codes, State]:
        """Make a block of each stream; the state is written to.

        Raises:
            CancelledError: it was asked to stop.
        """
        state = [np.require(array, requirements=["C", "W"]) for array in state]
        width = state[0].shape[-1]
        lanes = [*streams, *[streams[0]] * (width - len(streams))]
        if self.audio.labels:
            self.kernel.tell(state, self._labels(lanes, begin))
        codes = np.empty((self.block, width), np.int32)
        each = [uniforms(lane.seed, begin, self.block) for lane in lanes]
        temperatures = of_streams.temperatures(lanes, begin, self.block, self.sample_rate)
        top_p, numbers = of_streams.top_p(lanes), np.stack(each, axis=-1)
        for start in range(0, self.block, PIECE):
            if self._stopped.is_set():
                raise CancelledError
            part = slice(start, start + PIECE)
            self.kernel.make(state, temperatures[part], top_p, numbers[part], codes[part])
        return np.ascontiguousarray(codes.T[: len(streams)]), state

    def _told(self, streams: Sequence[Stream]) -> list[bytes]:
        return [row.tobytes() for row in self._labels(streams, 0)]

    def _labels(self, streams: Sequence[Stream], begin: int) -> Floats:
        return of_streams.labels(streams, begin, self.sample_rate, self.audio.labels)
