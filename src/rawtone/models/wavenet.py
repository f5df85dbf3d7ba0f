"""WaveNet (van den Oord et al. 2016), in the form of tensorflow-wavenet.

The parallel form shrinks the sequence layer by layer instead of padding it, so every scored sample
has its whole context. The streaming form keeps, for each layer, the past inputs its filter needs.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from rawtone.model_settings import WaveNet as WaveNetSettings
from rawtone.models import residual_stack
from rawtone.models.family import Audio, Family, State

# Samples of a batch from which on kernels are faster than XLA.
_WORTH_KERNELS = 8192


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
        if settings.global_channels:
            labels = (settings.global_channels, self.channels)
            self.filter_label = self.add_weight(name="filter_label", shape=labels)
            self.gate_label = self.add_weight(name="gate_label", shape=labels)
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

    def told(self, embedded: Any) -> Any:
        """Return what labels add to filter and gate, [batch, 2 * dilation_channels].

        Args:
            embedded: [batch, global_channels].
        """
        kernel = ops.concatenate([self.filter_label, self.gate_label], axis=-1)
        return ops.matmul(embedded, kernel)

    def gated(self, taps: list[Any], told: Any) -> Any:
        """Return tanh(filter) * sigmoid(gate).

        Args:
            taps: each [..., residual_channels].
            told: [..., 2 * dilation_channels], which is added to both; None without labels.
        """
        # filter and gate as one matrix product
        kernel = ops.concatenate([self.filter, self.gate], axis=-1)
        both = ops.matmul(
            ops.concatenate(taps, axis=-1), ops.reshape(kernel, (-1, 2 * self.channels))
        )
        if self.biases:
            both = both + self.gated_bias
        if told is not None:
            both = both + told
        return ops.tanh(both[..., : self.channels]) * ops.sigmoid(both[..., self.channels :])

    def bias(self, told: Any, batch: int) -> Any:
        """Return all that is added to filter and gate, [batch, 2 * dilation_channels].

        Args:
            told: [batch, 2 * dilation_channels], or None without labels.
            batch: windows.
        """
        bias = ops.zeros((batch, 2 * self.channels))
        if self.biases:
            bias = bias + self.gated_bias
        return bias if told is None else bias + told

    def residual_bias(self) -> Any:
        """Return what is added to the residual projection, [residual_channels]."""
        return self.dense_bias + 0.0 if self.biases else ops.zeros((self.dense.shape[1],))

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
        self.width = settings.filter_width
        self.first_width = settings.first_filter_width
        levels = audio.quantizer.levels
        self.samples = audio.quantizer.decode(np.arange(levels))
        inputs = 1 if settings.scalar_input else levels
        self.causal = self.add_weight(
            name="causal", shape=(self.first_width, inputs, settings.residual_channels)
        )
        if settings.global_channels:
            self.embedding = self._label_table(settings.global_channels)
        self.blocks = [
            ResidualBlock(settings, dilation, index == len(settings.dilations) - 1, f"block{index}")
            for index, dilation in enumerate(settings.dilations)
        ]
        skip = settings.skip_channels
        self.post = [
            keras.layers.Dense(skip, use_bias=settings.biases, name="post0"),
            keras.layers.Dense(self.head.size, use_bias=settings.biases, name="post1"),
        ]
        for dense in self.post:
            dense.build((None, skip))
        self.stack: residual_stack.ResidualStack | None = None
        self.built = True

    def prepare(self, batch: int, window: int) -> None:
        """Take kernels of our own for large batches, where there are any."""
        large = batch * window >= _WORTH_KERNELS
        if large and residual_stack.fits(self.settings, self.compute_dtype):
            self.stack = residual_stack.ResidualStack(self.settings)
            self.jit = False  # XLA calls no code of ours

    def _label_table(self, channels: int) -> Any:
        labels = self.audio.labels
        if not labels:
            raise ValueError("Expected a number of labels with global_channels. Received: labels=0")
        initializer = "identity" if labels == channels else "glorot_uniform"
        return self.add_weight(name="embedding", shape=(labels, channels), initializer=initializer)

    def activations(self, batch: int, window: int) -> int:
        """Return how many numbers the parallel form keeps for its backward pass.

        Args:
            batch: windows in a batch.
            window: samples scored in each.
        """
        sizes = self.settings
        taps, gates = self.width * sizes.residual_channels, 4 * sizes.dilation_channels
        length, lengths = sizes.context + window - self.first_width, 0
        heard = length * self.first_width if sizes.scalar_input else 0
        for block in self.blocks:
            length -= (self.width - 1) * block.dilation
            lengths += length
        scored = len(self.blocks) * sizes.dilation_channels + 4 * sizes.skip_channels
        return batch * (
            heard
            + lengths * (taps + gates + sizes.residual_channels)
            + window * (scored + 3 * self.head.size)
        )

    def conditioning(self, labels: Any) -> State:
        """Return what labels add to filter and gate, for each block.

        Args:
            labels: int32 [batch], or shares of all labels, float32 [batch, labels].

        Returns:
            [batch, 2 * dilation_channels] for each block; () where there are no labels.
        """
        if not self.settings.labelled:
            return ()
        if len(labels.shape) == 1:
            embedded = ops.take(self.embedding, labels, axis=0)
        else:  # no matrix product, so that a label alone is its row, to the bit
            embedded = ops.sum(labels[..., None] * ops.convert_to_tensor(self.embedding), axis=1)
        return tuple(block.told(embedded) for block in self.blocks)

    def _told(self, conditioning: State) -> Iterator[tuple[ResidualBlock, Any]]:
        """Yield the blocks, each with what it is told."""
        return zip(self.blocks, conditioning or [None] * len(self.blocks), strict=True)

    def _heard(self, codes: Any) -> Any:
        """Return codes as the first convolution hears them: as samples, or as they are."""
        if not self.settings.scalar_input:
            return codes
        return ops.take(ops.convert_to_tensor(self.samples), codes, axis=0)

    def _taps(self, past: Any) -> list[Any]:
        heard = self._heard(past)
        return [heard[k] for k in range(self.first_width)]

    def _embed(self, taps: list[Any]) -> Any:
        if self.settings.scalar_input:
            kernel = ops.convert_to_tensor(self.causal)[:, 0]
            return ops.matmul(ops.cast(ops.stack(taps, axis=-1), kernel.dtype), kernel)
        # a convolution of one-hot codes is a sum of table rows
        return sum(ops.take(self.causal[k], tap, axis=0) for k, tap in enumerate(taps))

    def _features(self, gated: list[Any]) -> Any:
        return self._scores(ops.concatenate(gated, axis=-1))

    def _scores(self, gated: Any) -> Any:
        # all skip projections as one matrix product
        kernel = ops.concatenate([block.skip for block in self.blocks], axis=0)
        x = ops.matmul(gated, kernel)
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
        n = codes.shape[1] - self.first_width + 1
        heard = self._heard(codes)
        x = self._embed([heard[:, k : k + n] for k in range(self.first_width)])
        conditioning = self.conditioning(labels)
        if self.stack is not None:
            return self._scores(self._through(self.stack, x, conditioning, scored)), ()
        gated = []
        always = tuple(told[:, None] for told in conditioning)
        for block, told in self._told(always):
            n = x.shape[1] - (self.width - 1) * block.dilation
            starts = [k * block.dilation for k in range(self.width)]
            taps = [x[:, start : start + n] for start in starts]
            z = block.gated(taps, told)
            gated.append(z[:, n - scored :])
            x = block.residual(taps[-1], z)
        return self._features(gated), ()

    def _through(self, stack: Any, x: Any, conditioning: State, scored: int) -> Any:
        """Return what all blocks' gates let through, by kernels of our own."""
        batch, blocks = x.shape[0], [block for block, _ in self._told(conditioning)]
        biases = [block.bias(told, batch) for block, told in self._told(conditioning)]
        return stack.gated(
            x,
            ops.stack([ops.concatenate([b.filter, b.gate], axis=-1) for b in blocks]),
            ops.stack(biases),
            ops.stack([b.dense + 0.0 for b in blocks]),
            ops.stack([b.residual_bias() for b in blocks]),
            scored,
        )

    def initial_state(self, batch: int, labels: Any = None) -> State:
        """Return the state after endless silence.

        Returns:
            The sample count, the last codes [first filter's width - 1, batch], `conditioning`,
            which may be replaced while generating, and for each block a ring of its inputs
            [(filter_width - 1) * dilation + 1, batch, residual_channels].
        """
        past = ops.full((self.first_width, batch), self.audio.quantizer.silence, dtype="int32")
        conditioning = self.conditioning(labels)
        x = self._embed(self._taps(past))
        rings = []
        for block, told in self._told(conditioning):
            size = (self.width - 1) * block.dilation + 1
            rings.append(ops.repeat(x[None], size, axis=0))
            x = block.residual(x, block.gated([x] * self.width, told))
        return (ops.zeros((), dtype="int32"), past[1:], conditioning, *rings)

    def tell(self, state: State, labels: Any) -> State:
        """Return the state of streams that are told labels from now on."""
        count, past, _, *rings = state
        return (count, past, self.conditioning(labels), *rings)

    def step(self, state: State, codes: Any) -> tuple[Any, State]:
        """Hear one sample of each stream and predict the next."""
        count, past, conditioning, *rings = state
        past = ops.concatenate([past, codes[None]])
        x = self._embed(self._taps(past))
        gated, filled = [], []
        for (block, told), ring in zip(self._told(conditioning), rings, strict=True):
            # written before it is read, so that a compiler can update the ring in place
            ring = ops.slice_update(ring, (ops.mod(count, ring.shape[0]), 0, 0), x[None])
            ages = [k * block.dilation for k in reversed(range(1, self.width))]
            z = block.gated([*[self._past(ring, count - age) for age in ages], x], told)
            filled.append(ring)
            gated.append(z)
            x = block.residual(x, z)
        return self._features(gated), (count + 1, past[1:], conditioning, *filled)

    @staticmethod
    def _past(ring: Any, time: Any) -> Any:
        row = (1, *ring.shape[1:])
        return ops.slice(ring, (ops.mod(time, ring.shape[0]), 0, 0), row)[0]
