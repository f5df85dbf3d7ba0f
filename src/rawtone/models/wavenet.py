"""WaveNet (van den Oord et al. 2016), in the form of tensorflow-wavenet.

The parallel form shrinks the sequence layer by layer instead of padding it, so every scored sample
has its whole context. The streaming form keeps, for each layer, the past inputs its filter needs.
"""

from typing import Any

import keras
from keras import ops

from rawtone.model_settings import WaveNet as WaveNetSettings
from rawtone.models.family import Audio, Family, State


class ResidualBlock(keras.layers.Layer):
    """One gated dilated convolution with its residual and skip projections.

    Args:
        settings: sizes of the whole network.
        dilation: samples between two taps of the filter.
        last: whether nothing comes after it, so that its residual projection is never used and
            stands only for the published parameter count.
        name: of the layer.
    """

    def __init__(self, settings: WaveNetSettings, dilation: int, last: bool, name: str) -> None:
        super().__init__(name=name)
        self.dilation = dilation
        self.width = settings.filter_width
        self.channels = settings.dilation_channels
        residual, skip = settings.residual_channels, settings.skip_channels
        taps = (self.width, residual, self.channels)
        self.filter = self.add_weight(name="filter", shape=taps)
        self.gate = self.add_weight(name="gate", shape=taps)
        self.dense = self.add_weight(
            name="dense", shape=(self.channels, residual), trainable=not last
        )
        self.skip = self.add_weight(name="skip", shape=(self.channels, skip))
        self.biases = settings.biases
        if self.biases:
            self.gated_bias = self.add_weight(
                name="gated_bias", shape=(2 * self.channels,), initializer="zeros"
            )
            self.dense_bias = self.add_weight(
                name="dense_bias", shape=(residual,), initializer="zeros", trainable=not last
            )
            self.skip_bias = self.add_weight(name="skip_bias", shape=(skip,), initializer="zeros")
        self.built = True

    def gated(self, taps: list[Any]) -> Any:
        """Return tanh(filter) * sigmoid(gate) of the taps, each [..., residual_channels]."""
        # filter and gate as one matrix product
        kernel = ops.concatenate([self.filter, self.gate], axis=-1)
        both = ops.matmul(
            ops.concatenate(taps, axis=-1), ops.reshape(kernel, (-1, 2 * self.channels))
        )
        if self.biases:
            both = both + self.gated_bias
        return ops.tanh(both[..., : self.channels]) * ops.sigmoid(both[..., self.channels :])

    def residual(self, x: Any, gated: Any) -> Any:
        """Return the input of the next block, [..., residual_channels]."""
        x = x + ops.matmul(gated, self.dense)
        return x + self.dense_bias if self.biases else x


class WaveNet(Family):
    """Gated dilated causal convolutions with residual and skip connections.

    Args:
        settings: sizes, named as in tensorflow-wavenet's wavenet_params.json.
        audio: what it hears and makes.
    """

    settings: WaveNetSettings

    def __init__(self, settings: WaveNetSettings, audio: Audio) -> None:
        super().__init__(settings, audio, name="wavenet")
        levels = audio.quantizer.levels
        self.width = settings.filter_width
        skip = settings.skip_channels
        self.causal = self.add_weight(
            name="causal", shape=(self.width, levels, settings.residual_channels)
        )
        self.blocks = [
            ResidualBlock(settings, dilation, index == len(settings.dilations) - 1, f"block{index}")
            for index, dilation in enumerate(settings.dilations)
        ]
        self.post = [
            keras.layers.Dense(skip, use_bias=settings.biases, name="post0"),
            keras.layers.Dense(self.head.size, use_bias=settings.biases, name="post1"),
        ]
        for dense in self.post:
            dense.build((None, skip))
        self.built = True

    def activations(self, batch: int, window: int) -> int:
        """Return how many numbers the parallel form keeps for its backward pass.

        Args:
            batch: windows in a batch.
            window: samples scored in each.
        """
        sizes = self.settings
        taps, gates = self.width * sizes.residual_channels, 4 * sizes.dilation_channels
        length, lengths = sizes.context - 1 + window - (self.width - 1), 0
        for block in self.blocks:
            length -= (self.width - 1) * block.dilation
            lengths += length
        scored = len(self.blocks) * sizes.dilation_channels + 4 * sizes.skip_channels
        return batch * (
            lengths * (taps + gates + sizes.residual_channels)
            + window * (scored + 3 * self.head.size)
        )

    def _embed(self, taps: list[Any]) -> Any:
        # a convolution of one-hot codes is a sum of table rows
        return sum(ops.take(self.causal[k], tap, axis=0) for k, tap in enumerate(taps))

    def _features(self, gated: list[Any]) -> Any:
        # all skip projections as one matrix product
        kernel = ops.concatenate([block.skip for block in self.blocks], axis=0)
        x = ops.matmul(ops.concatenate(gated, axis=-1), kernel)
        if self.settings.biases:
            x = x + sum(block.skip_bias for block in self.blocks)
        for dense in self.post:
            x = dense(ops.relu(x))
        return ops.cast(x, "float32")

    def call(
        self, codes: Any, carry: State = (), labels: Any = None, training: bool = False
    ) -> tuple[Any, State]:
        """Predict every sample that has its whole context."""
        scored = codes.shape[1] - self.settings.context + 1
        n = codes.shape[1] - self.width + 1
        x = self._embed([codes[:, k : k + n] for k in range(self.width)])
        gated = []
        for block in self.blocks:
            n = x.shape[1] - (self.width - 1) * block.dilation
            starts = [k * block.dilation for k in range(self.width)]
            taps = [x[:, start : start + n] for start in starts]
            z = block.gated(taps)
            gated.append(z[:, n - scored :])
            x = block.residual(taps[-1], z)
        return self._features(gated), ()

    def initial_state(self, batch: int, labels: Any = None) -> State:
        """Return the state after endless silence.

        Returns:
            The sample count, the last codes [filter_width - 1, batch], and for each block a ring
            of its inputs [(filter_width - 1) * dilation + 1, batch, residual_channels].
        """
        silence = self.audio.quantizer.silence
        x = self._embed([ops.full((batch,), silence, dtype="int32")] * self.width)
        rings = []
        for block in self.blocks:
            size = (self.width - 1) * block.dilation + 1
            rings.append(ops.repeat(x[None], size, axis=0))
            x = block.residual(x, block.gated([x] * self.width))
        past = ops.full((self.width - 1, batch), silence, dtype="int32")
        return (ops.zeros((), dtype="int32"), past, *rings)

    def step(self, state: State, codes: Any) -> tuple[Any, State]:
        """Hear one sample of each stream and predict the next."""
        count, past, *rings = state
        taps = [past[k] for k in range(self.width - 1)] + [codes]
        x = self._embed(taps)
        gated, filled = [], []
        for block, ring in zip(self.blocks, rings, strict=True):
            # written before it is read, so that a compiler can update the ring in place
            ring = ops.slice_update(ring, (ops.mod(count, ring.shape[0]), 0, 0), x[None])
            ages = [k * block.dilation for k in reversed(range(1, self.width))]
            z = block.gated([*[self._past(ring, count - age) for age in ages], x])
            filled.append(ring)
            gated.append(z)
            x = block.residual(x, z)
        return self._features(gated), (count + 1, ops.stack(taps[1:]), *filled)

    @staticmethod
    def _past(ring: Any, time: Any) -> Any:
        row = (1, *ring.shape[1:])
        return ops.slice(ring, (ops.mod(time, ring.shape[0]), 0, 0), row)[0]
