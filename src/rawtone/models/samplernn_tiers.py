"""The tiers of SampleRNN: recurrent ones over frames, and the one that predicts samples.

`[...]` stands for [batch, frames] in the parallel form and for [batch] in the streaming form.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rawtone.model_settings import SampleRNN as Settings
from rawtone.models.matrices import Linear, Matrix, tensor
from rawtone.models.recurrent import Stack, State
from rawtone.models.tables import convolved, sum_of_rows

# Above so many codes, rows for all of them cost more than those that are heard.
_LEVELS_OF_A_TABLE = 4096


class FrameTier(keras.layers.Layer):
    """Hears frames, and says of each what the tier below needs for what comes after it.

    Args:
        settings: of the whole network.
        index: 0 is the fastest tier.
        levels: number of codes.
    """

    def __init__(self, settings: Settings, index: int, levels: int) -> None:
        super().__init__(name=f"tier{index}")
        sizes, dim, normed = settings.frame_sizes, settings.dim, settings.weight_norm
        self.size = sizes[index]
        self.ratio = self.size // (sizes[index - 1] if index else 1)
        self.dim, self.levels = dim, levels
        self.plain = settings.variant == "prism"
        slowest = index == len(sizes) - 1
        self.entry: Linear | None = None
        if self.plain or not slowest:
            self.entry = self._linear(self.size, dim, "input", normed)
        self.stack = self._stack(settings, dim if self.entry else self.size)
        self.skips = [
            self._linear(dim, dim, f"skip{layer}", normed, bias=layer == 0)
            for layer in range(settings.rnn_layers * settings.skip_connections)
        ]
        self.upsample = self._upsample(normed)
        self.starts = [
            self.add_weight(
                name=f"start{layer}", shape=(recurrent.state_size,), initializer="zeros"
            )
            for layer, recurrent in enumerate(self.stack.layers)
            if settings.learned_initial_state
        ]
        self.built = True

    def _linear(self, inputs: int, outputs: int, name: str, normed: bool, **more: Any) -> Linear:
        return Linear(
            inputs,
            outputs,
            f"{self.name}_{name}",
            normed=normed,
            **{"initializer": "glorot_uniform" if self.plain else "he_uniform"} | more,
        )

    def _stack(self, settings: Settings, inputs: int) -> Stack:
        first_form = settings.rnn == "gru" and not self.plain
        return Stack(
            "gru_reset_before" if first_form else settings.rnn,
            inputs,
            settings.dim,
            settings.rnn_layers,
            f"{self.name}_rnn",
            weight_norm=settings.weight_norm,
            dropout=settings.rnn_dropout,
            shared_inputs=settings.skip_connections and not self.plain,
            forget_bias=1.0 if self.plain else 3.0,
        )

    def _upsample(self, normed: bool) -> Linear:
        if not self.plain:
            return self._linear(self.dim, self.ratio * self.dim, "upsample", normed)
        # as Glorot's for a transposed convolution
        spread = keras.initializers.VarianceScaling(1 / self.ratio, "fan_in", "truncated_normal")
        return self._linear(
            self.dim, self.ratio * self.dim, "upsample", normed, bias=False, initializer=spread
        )

    def initial_state(self, batch: int) -> State:
        """Return the state of each layer, [batch, state_size]."""
        if not self.starts:
            return self.stack.initial_state(batch)
        return tuple(ops.repeat(tensor(start)[None], batch, axis=0) for start in self.starts)

    def _hear(self, codes: Any, above: Any) -> Any:
        """Return what the recurrent layers hear of frames of codes, [..., size]."""
        dtype = tensor(self.stack.layers[0].bias).dtype
        frames = ops.cast(codes, dtype) * (4 / self.levels) - 2.0
        if self.entry is None:
            return frames
        heard = self.entry(frames)
        return heard if above is None else heard + above

    def _tell(self, outputs: list[Any]) -> Any:
        """Return [..., ratio * dim] for the outputs of all layers, [..., dim]."""
        if self.skips:
            told = sum(skip(y) for skip, y in zip(self.skips, outputs, strict=True))
        else:
            told = outputs[-1]
        return self.upsample(told)

    def sequence(
        self, codes: Any, above: Any, state: Sequence[Any], training: bool
    ) -> tuple[Any, State]:
        """Go through frames.

        Args:
            codes: int32 [batch, frames * size].
            above: [batch, frames, dim], what the tier above says; None for the slowest.
            state: of each layer.
            training: whether dropout is on.

        Returns:
            [batch, frames * ratio, dim], and the state after the last frame.
        """
        frames = ops.reshape(codes, (codes.shape[0], -1, self.size))
        outputs, state = self.stack.sequence(self._hear(frames, above), state, training)
        told = self._tell(outputs)
        return ops.reshape(told, (codes.shape[0], -1, self.dim)), state

    def step(self, codes: Any, above: Any, state: Sequence[Any]) -> tuple[Any, State]:
        """Hear one frame.

        Args:
            codes: int32 [batch, size].
            above: [batch, dim], what the tier above says; None for the slowest.
            state: of each layer.

        Returns:
            [batch, ratio, dim], and the state after it.
        """
        outputs, state = self.stack.step(self._hear(codes, above), state)
        return ops.reshape(self._tell(outputs), (codes.shape[0], self.ratio, self.dim)), state


class SampleTier(keras.layers.Layer):
    """Hears the last samples, and predicts the next one.

    Args:
        settings: of the whole network.
        levels: number of codes.
        outputs: features to predict.
    """

    def __init__(self, settings: Settings, levels: int, outputs: int) -> None:
        super().__init__(name="samples")
        dim, normed = settings.dim, settings.weight_norm
        self.size, self.levels = settings.frame_sizes[0], levels
        plain = settings.variant == "prism"
        initializer = "glorot_uniform" if plain else "he_uniform"
        self.embedding = None
        if settings.embedding:
            spread = keras.initializers.RandomNormal(stddev=1.0)
            self.embedding = self.add_weight(
                name="embedding",
                shape=(levels, settings.embedding),
                initializer="uniform" if plain else spread,
            )
        shape = (self.size, settings.embedding or levels, dim)
        self.kernel = Matrix(self, "kernel", shape, normed, initializer)
        self.hidden = [
            Linear(dim, dim, f"samples_hidden{layer}", normed=normed, initializer=initializer)
            for layer in range(settings.mlp_layers)
        ]
        last = "glorot_uniform" if plain else "lecun_uniform"
        self.last = Linear(dim, outputs, "samples_output", normed=normed, initializer=last)
        self.built = True

    def rows(self) -> Any:
        """Return [size, levels or embedding, dim]: what a code adds, by how long ago it was."""
        kernel = self.kernel.value()
        if self.embedding is None or self.levels > _LEVELS_OF_A_TABLE:
            return kernel
        # an embedding and then a convolution are one look-up
        return ops.matmul(tensor(self.embedding), kernel)

    def sequence(self, codes: Any, above: Any) -> Any:
        """Predict samples.

        Args:
            codes: int32 [batch, size - 1 + samples].
            above: [batch, samples, dim], what the tier above says.

        Returns:
            [batch, samples, outputs].
        """
        rows = self.rows()
        if rows.shape[1] == self.levels:
            heard = sum_of_rows(rows, codes)
        else:
            heard = convolved(ops.take(tensor(self.embedding), codes, axis=0), rows)
        return self._predict(heard + above)

    def step(self, rows: Any, codes: Any, above: Any) -> Any:
        """Predict one sample.

        Args:
            rows: what `rows` returned.
            codes: int32 [batch, size], the last samples.
            above: [batch, dim].

        Returns:
            [batch, outputs].
        """
        if rows.shape[1] == self.levels:
            flat = ops.reshape(rows, (-1, rows.shape[-1]))
            places = codes + ops.arange(self.size, dtype="int32") * self.levels
            heard = ops.sum(ops.take(flat, places, axis=0), axis=1)
        else:
            taps = ops.take(tensor(self.embedding), codes, axis=0)
            flat = ops.reshape(taps, (codes.shape[0], -1))
            heard = ops.matmul(flat, ops.reshape(rows, (flat.shape[1], -1)))
        return self._predict(heard + above)

    def _predict(self, x: Any) -> Any:
        for dense in self.hidden:
            x = ops.relu(dense(x))
        return self.last(x)
