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
from rawtone.generation.sampling import choose
from rawtone.models.backend import compiled

LANES = 16
BLOCK = 2000


@dataclass(frozen=True)
class Stream:
    """What decides a clip, besides the checkpoint."""

    seed: int
    temperature: float


class Loop:
    """Generate with a model's streaming form.

    Args:
        model: a family's model, with `initial_state` and `step`.
        silence: the code of a sample of zero; what every stream has heard before it begins.
    """

    def __init__(self, model: Any, silence: int) -> None:
        self.model = model
        self.silence = silence
        self.block = compiled(self._block)
        self.start = compiled(self._start)

    def _with_weights(self, weights: Sequence[Any]) -> keras.StatelessScope:
        return keras.StatelessScope(
            state_mapping=list(zip(self.model.variables, weights, strict=True))
        )

    def _start(self, weights: Sequence[Any]) -> Any:
        with self._with_weights(weights):
            return self.model.initial_state(LANES, self.silence)

    def _block(
        self, weights: Sequence[Any], state: Any, code: Any, temperature: Any, uniform: Any
    ) -> Any:
        def one_sample(index: Any, carry: Any) -> Any:
            state, code, codes = carry
            logits, state = self.model.step(state, code)
            code = choose(logits, temperature, uniform[index])
            return state, code, ops.slice_update(codes, (index, 0), code[None])

        with self._with_weights(weights):
            codes = ops.zeros((BLOCK, LANES), dtype="int32")
            state, code, codes = ops.fori_loop(0, BLOCK, one_sample, (state, code, codes))
        return state, code, codes

    def generate(self, streams: Sequence[Stream], samples: int) -> Iterator[np.ndarray]:
        """Generate up to `LANES` streams side by side, block by block.

        Args:
            streams: what to make.
            samples: length of each in samples.

        Yields:
            int32 codes [streams, n], n up to `BLOCK`, until there are `samples` in all.

        Raises:
            ValueError: more streams than lanes.
        """
        if len(streams) > LANES:
            raise ValueError(f"expected at most {LANES} streams, found {len(streams)}")
        lanes = [*streams, *[Stream(seed=0, temperature=1.0)] * (LANES - len(streams))]
        weights = [ops.convert_to_tensor(variable.value) for variable in self.model.variables]
        temperature = np.array([stream.temperature for stream in lanes], dtype=np.float32)
        state = self.start(weights)
        code = np.full(LANES, self.silence, dtype=np.int32)
        for begin in range(0, samples, BLOCK):
            uniform = np.stack([uniforms(lane.seed, begin, BLOCK) for lane in lanes], axis=1)
            state, code, codes = self.block(weights, state, code, temperature, uniform)
            end = min(BLOCK, samples - begin)
            yield ops.convert_to_numpy(codes)[:end, : len(streams)].T
