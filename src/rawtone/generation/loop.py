"""The engine for any hardware: one compiled loop over a block of samples, many streams at once.

Weights are arguments of the compiled function, so another checkpoint or another duration costs no
new compilation. The number of lanes is fixed: matrix products of other sizes may round otherwise,
so with fixed lanes a stream's audio cannot depend on its neighbours. Idle lanes are computed and
thrown away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from rawtone.generation.random import uniforms
from rawtone.models.backend import compiled
from rawtone.models.family import Family

LANES = 16
BLOCK = 2000


@dataclass(frozen=True)
class Stream:
    """What decides a clip, besides the checkpoint.

    Attributes:
        seed: of its random numbers.
        temperature: 1 is what was learned; 0 takes the likeliest.
        label: the number of its label, for models that are told one.
    """

    seed: int
    temperature: float
    label: int = 0


class Loop:
    """Generate with a model's streaming form.

    Args:
        model: of a family; every stream has heard silence before it begins, or before its prime.
    """

    def __init__(self, model: Family) -> None:
        self.model = model
        self.silence = model.audio.quantizer.silence
        # blocks of whole frames
        self.steps = max(BLOCK // model.settings.hop, 1)
        self.block = compiled(self._block)
        self.hear = compiled(self._hear)
        self.start = compiled(self._start)

    def _with_weights(self, weights: Sequence[Any]) -> keras.StatelessScope:
        return keras.StatelessScope(
            state_mapping=list(zip(self.model.variables, weights, strict=True))
        )

    def _start(self, weights: Sequence[Any], labels: Any) -> Any:
        with self._with_weights(weights):
            return self.model.initial_state(LANES, labels)

    def _block(
        self, weights: Sequence[Any], state: Any, code: Any, temperature: Any, uniform: Any
    ) -> Any:
        def one_step(index: Any, carry: Any) -> Any:
            state, code, codes = carry
            features, state = self.model.step(state, code)
            code, state = self.model.draw(state, features, temperature, uniform[index])
            start = (index, *[0] * len(code.shape))
            return state, code, ops.slice_update(codes, start, code[None])

        with self._with_weights(weights):
            codes = ops.zeros((self.steps, *code.shape), dtype="int32")
            state, code, codes = ops.fori_loop(0, self.steps, one_step, (state, code, codes))
        return state, code, codes

    def _hear(self, weights: Sequence[Any], state: Any, frames: Any, count: Any) -> Any:
        """Let all lanes hear the first `count` of frames [steps, *frame]."""

        def one_step(index: Any, state: Any) -> Any:
            codes = ops.broadcast_to(frames[index], (LANES, *self.model.frame))
            return self.model.step(state, codes)[1]

        with self._with_weights(weights):
            return ops.fori_loop(0, count, one_step, state)

    def generate(
        self, streams: Sequence[Stream], samples: int, prime: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        """Generate up to `LANES` streams side by side, block by block.

        Args:
            streams: what to make.
            samples: length of each in samples.
            prime: int32 codes [n], of stereo [n, 2], that every stream has heard before; what is
                more than whole frames is cut off its beginning.

        Yields:
            int32 codes [streams, n], of stereo [streams, n, 2], until there are `samples` in all.

        Raises:
            ValueError: more streams than lanes.
        """
        if len(streams) > LANES:
            raise ValueError(f"expected at most {LANES} streams, found {len(streams)}")
        lanes = [*streams, *[Stream(seed=0, temperature=1.0)] * (LANES - len(streams))]
        weights = [ops.convert_to_tensor(variable.value) for variable in self.model.variables]
        temperature = np.array([stream.temperature for stream in lanes], dtype=np.float32)
        labels = np.array([stream.label for stream in lanes], dtype=np.int32)
        state, code = self._primed(weights, self.start(weights, labels), prime)
        block = self.steps * self.model.settings.hop
        for begin in range(0, samples, block):
            state, code, codes = self.block(
                weights, state, code, temperature, self._uniforms(lanes, begin, block)
            )
            made = np.moveaxis(ops.convert_to_numpy(codes), 1, 0)[: len(streams)]
            yield _in_a_row(made)[:, : samples - begin]

    def _primed(
        self, weights: Sequence[Any], state: Any, prime: np.ndarray | None
    ) -> tuple[Any, np.ndarray]:
        """Return the state before the last frame of silence and a prime, and that frame."""
        frame = self.model.frame
        frames = np.full((1, *frame), self.silence, dtype=np.int32)
        if prime is not None:
            whole = prime[len(prime) % self.model.settings.hop :]
            frames = np.concatenate([frames, whole.reshape(-1, *frame)])
        for begin in range(0, len(frames) - 1, self.steps):
            part = frames[begin : min(begin + self.steps, len(frames) - 1)]
            # one size, so that primes of any length share a compilation
            block = np.zeros((self.steps, *frame), dtype=np.int32)
            block[: len(part)] = part
            state = self.hear(weights, state, block, np.array(len(part), np.int32))
        return state, np.repeat(frames[-1:], LANES, axis=0)

    def _uniforms(self, lanes: Sequence[Stream], begin: int, count: int) -> np.ndarray:
        """Return float32 [steps, hop * channels, 2, lanes]."""
        channels = self.model.audio.channels
        each = [uniforms(lane.seed, begin * channels, count * channels) for lane in lanes]
        return np.stack(each, axis=-1).reshape(self.steps, -1, 2, len(lanes))


def _in_a_row(codes: np.ndarray) -> np.ndarray:
    """Put frames [streams, steps, *frame] behind each other: [streams, samples] or with channels.

    A frame is one sample, [hop] samples, or [hop, channels].
    """
    if codes.ndim < 4:
        return codes.reshape(len(codes), -1)
    return codes.reshape(len(codes), -1, codes.shape[-1])
