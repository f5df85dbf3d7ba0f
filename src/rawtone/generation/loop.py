"""The engine for any hardware: one compiled loop over a block of samples, many streams at once.

Weights are arguments of the compiled function, so another checkpoint or another duration costs no
new compilation. The number of lanes is fixed: matrix products of other sizes may round otherwise,
so with fixed lanes a stream's audio cannot depend on its neighbours. Idle lanes are computed and
thrown away.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import ops

from rawtone.generation import streams as along
from rawtone.generation.engine import Codes
from rawtone.generation.random import uniforms
from rawtone.generation.streams import Stream
from rawtone.models.backend import compiled
from rawtone.models.family import Family

LANES = 16
BLOCK = 2000
_IDLE = Stream(seed=0, temperature=1.0)


class Loop:
    """Generate with a model's streaming form.

    Args:
        model: of a family; every stream has heard silence before it begins, or before its prime.
        sample_rate: samples a second, for schedules along a stream.
        lanes: streams that are made together. The last bits of a stream may depend on it.
    """

    def __init__(self, model: Family, sample_rate: int, lanes: int = LANES) -> None:
        self.model, self.sample_rate, self.lanes = model, sample_rate, lanes
        self.silence = model.audio.quantizer.silence
        # blocks of whole frames
        self.steps = max(BLOCK // model.settings.hop, 1)
        self.block = self.steps * model.settings.hop
        self._run = compiled(self._block)
        self.hear = compiled(self._hear)
        self._begin = compiled(self._start)

    @cached_property
    def _structure(self) -> Any:
        """How the model nests its state."""
        state = self._begin(self._weights(), self._labels([], 0))
        return keras.tree.map_structure(lambda _: 0, state)

    def _nested(self, state: Sequence[Any]) -> Any:
        return keras.tree.pack_sequence_as(self._structure, list(state))

    def _weights(self) -> list[Any]:
        return [ops.convert_to_tensor(variable.value) for variable in self.model.variables]

    def _with_weights(self, weights: Sequence[Any]) -> keras.StatelessScope:
        return keras.StatelessScope(
            state_mapping=list(zip(self.model.variables, weights, strict=True))
        )

    def _start(self, weights: Sequence[Any], labels: Any) -> Any:
        with self._with_weights(weights):
            return self.model.initial_state(self.lanes, labels)

    def _block(
        self,
        weights: Sequence[Any],
        state: Any,
        code: Any,
        told: tuple[Any, Any],
        random: tuple[Any, Any],
    ) -> Any:
        """Make a block.

        Args:
            weights: of the model.
            state: of the model.
            code: the frame heard last, int32 [lanes, *frame].
            told: float32 labels [lanes, labels], and top-p [lanes], or [0] where it is 1 for all.
            random: float32 temperatures [steps, lanes], and uniform numbers
                [steps, hop * channels, 2, lanes].
        """
        (labels, top_p), (temperature, uniform) = told, random
        nucleus = top_p if top_p.shape[0] else None

        def one_step(index: Any, carry: Any) -> Any:
            state, code, codes = carry
            features, state = self.model.step(state, code)
            code, state = self.model.draw(
                state, features, temperature[index], uniform[index], nucleus
            )
            start = (index, *[0] * len(code.shape))
            return state, code, ops.slice_update(codes, start, code[None])

        with self._with_weights(weights):
            state = self.model.tell(state, labels)
            codes = ops.zeros((self.steps, *code.shape), dtype="int32")
            state, code, codes = ops.fori_loop(0, self.steps, one_step, (state, code, codes))
        return state, code, codes

    def _hear(self, weights: Sequence[Any], state: Any, frames: Any, count: Any) -> Any:
        """Let all lanes hear the first `count` of frames [steps, *frame]."""

        def one_step(index: Any, state: Any) -> Any:
            codes = ops.broadcast_to(frames[index], (self.lanes, *self.model.frame))
            return self.model.step(state, codes)[1]

        with self._with_weights(weights):
            return ops.fori_loop(0, count, one_step, state)

    def start(self, streams: Sequence[Stream], prime: Codes | None = None) -> list[Any]:
        """Return the state of streams that have heard endless silence, and then a prime.

        Args:
            streams: at most as many as there are lanes.
            prime: int32 [n], of stereo [n, 2]; what is more than whole frames is cut off its
                beginning.

        Returns:
            The frame that is to be heard next, and the model's state before it.
        """
        frame = self.model.frame
        frames = np.full((1, *frame), self.silence, dtype=np.int32)
        if prime is not None:
            whole = prime[len(prime) % self.model.settings.hop :]
            frames = np.concatenate([frames, whole.reshape(-1, *frame)])
        weights = self._weights()
        state = self._begin(weights, self._labels(streams, 0))
        for begin in range(0, len(frames) - 1, self.steps):
            part = frames[begin : min(begin + self.steps, len(frames) - 1)]
            # one size, so that primes of any length share a compilation
            block = np.zeros((self.steps, *frame), dtype=np.int32)
            block[: len(part)] = part
            state = self.hear(weights, state, block, np.array(len(part), np.int32))
        return [np.repeat(frames[-1:], self.lanes, axis=0), *keras.tree.flatten(state)]

    def make(
        self, state: list[Any], streams: Sequence[Stream], begin: int
    ) -> tuple[Codes, list[Any]]:
        """Make a block of each stream.

        Args:
            state: of `start`, or of the block before.
            streams: the same as before, in the same order.
            begin: index of the block's first sample.

        Returns:
            int32 codes [streams, block], of stereo [streams, block, 2], and the state after them.

        Raises:
            ValueError: top-p of a model whose codes have no probabilities.
        """
        code, *kept = (ops.convert_to_tensor(each) for each in state)
        told = self._labels(streams, begin), self._top_p(streams)
        random = self._temperatures(streams, begin), self._uniforms(streams, begin)
        after, code, codes = self._run(self._weights(), self._nested(kept), code, told, random)
        made = np.moveaxis(ops.convert_to_numpy(codes), 1, 0)[: len(streams)]
        return _in_a_row(made), [code, *keras.tree.flatten(after)]

    def _filled(self, streams: Sequence[Stream]) -> list[Stream]:
        return [*streams, *[_IDLE] * (self.lanes - len(streams))]

    def _labels(self, streams: Sequence[Stream], begin: int) -> along.Floats:
        number = self.model.audio.labels
        return along.labels(self._filled(streams), begin, self.sample_rate, number)

    def _top_p(self, streams: Sequence[Stream]) -> along.Floats:
        """Return top-p of each lane, or of none where all codes are kept: that is much faster."""
        shares = along.top_p(self._filled(streams))
        if (shares >= 1).all():
            return shares[:0]
        if not self.model.head.nucleus:
            raise ValueError(f"expected top_p 1 with {self.model.head.name}, found {shares.min()}")
        return shares

    def _temperatures(self, streams: Sequence[Stream], begin: int) -> along.Floats:
        """Return those at the first sample of each frame, float32 [steps, lanes]."""
        lanes = self._filled(streams)
        every = along.temperatures(lanes, begin, self.block, self.sample_rate)
        return every[:: self.model.settings.hop]

    def _uniforms(self, streams: Sequence[Stream], begin: int) -> along.Floats:
        """Return float32 [steps, hop * channels, 2, lanes]."""
        channels, lanes = self.model.audio.channels, self._filled(streams)
        each = [uniforms(lane.seed, begin * channels, self.block * channels) for lane in lanes]
        return np.stack(each, axis=-1).reshape(self.steps, -1, 2, self.lanes)


def _in_a_row(codes: Codes) -> Codes:
    """Put frames [streams, steps, *frame] behind each other: [streams, samples] or with channels.

    A frame is one sample, [hop] samples, or [hop, channels].
    """
    if codes.ndim < 4:
        return codes.reshape(len(codes), -1)
    return codes.reshape(len(codes), -1, codes.shape[-1])
