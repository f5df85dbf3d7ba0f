"""LSTM layers that predict the next sample from each one and their state (wav-nn).

All samples of a window are predicted in one pass, from a state that is carried between windows; the
original ran through 300 samples again for every one that it predicted.
"""

from typing import Any

from keras import ops

from rawtone.model_settings import NextSample as NextSampleSettings
from rawtone.models import axis
from rawtone.models.family import Audio, Family, State
from rawtone.models.matrices import Linear
from rawtone.models.recurrent import Recurrent


class NextSample(Family):
    """A convolution of a few samples where asked, LSTM layers, and a dense one.

    Args:
        settings: sizes.
        audio: what it hears and makes.
    """

    settings: NextSampleSettings

    def __init__(self, settings: NextSampleSettings, audio: Audio) -> None:
        super().__init__(settings, audio, name="next_sample")
        features = settings.embedding or 1
        self.table = None
        if settings.embedding:
            shape = (audio.quantizer.levels, features)
            self.table = self.add_weight(name="embedding", shape=shape, initializer="uniform")
        self.convolution = None
        if settings.convolution:
            inputs, features = settings.context * features, settings.convolution.filters
            self.convolution = Linear(inputs, features, "convolution")
        self.lstms = []
        for index, units in enumerate(settings.units):
            self.lstms.append(Recurrent("lstm", features, units, f"lstm{index}"))
            features = units
        self.dense = Linear(features, self.head.size, "dense")
        self.built = True

    def activations(self, batch: int, window: int) -> int:
        """Return how many numbers the parallel form keeps for its backward pass.

        Args:
            batch: windows in a batch.
            window: samples predicted in each.
        """
        first = self.settings.embedding or 1
        if self.settings.convolution:
            first = first * self.settings.context + 2 * self.settings.convolution.filters
        # of each unit: four gates before and after they are bent, and output and memory
        states = 10 * sum(self.settings.units)
        return batch * window * (first + states + 3 * self.head.size)

    def _hear(self, taps: list[Any]) -> Any:
        """Return what the first LSTM hears of the last codes, each [...]: [..., features]."""
        if self.table is None:
            x = ops.stack([axis.position(tap, self.audio.quantizer) for tap in taps], axis=-1)
        else:
            rows = [ops.take(self.table, tap, axis=0) for tap in taps]
            x = ops.concatenate(rows, axis=-1)
        return x if self.convolution is None else ops.relu(self.convolution(x))

    def _features(self, x: Any) -> Any:
        return ops.cast(self.dense(x), "float32")

    def call(
        self, codes: Any, carry: State = (), labels: Any = None, training: bool = False
    ) -> tuple[Any, State]:
        """Predict every sample after those that are only heard."""
        width = self.settings.context
        n = codes.shape[1] - width + 1
        x = self._hear([codes[:, k : k + n] for k in range(width)])
        left = []
        for lstm, state in zip(self.lstms, carry, strict=True):
            x, after = lstm.sequence(x, state)
            left.append(after)
        return self._features(x), tuple(left)

    def initial_carry(self, batch: int) -> State:
        """Return zeros for each layer, float32 [batch, 2 * units]."""
        return tuple(ops.zeros((batch, lstm.state_size)) for lstm in self.lstms)

    def initial_state(self, batch: int, labels: Any = None) -> State:
        """Return silence and the state of each layer.

        Returns:
            The codes that a convolution hears before the next, int32 [width - 1, batch], and
            float32 [batch, 2 * units] for each layer.
        """
        past = (self.settings.context - 1, batch)
        silence = ops.full(past, self.audio.quantizer.silence, dtype="int32")
        return (silence, *self.initial_carry(batch))

    def step(self, state: State, codes: Any) -> tuple[Any, State]:
        """Hear one sample of each stream and predict the next."""
        past, *befores = state
        heard = ops.concatenate([past, codes[None]], axis=0)
        x = self._hear([heard[k] for k in range(self.settings.context)])
        afters = []
        for lstm, before in zip(self.lstms, befores, strict=True):
            x, after = lstm.step(x, before)
            afters.append(after)
        return self._features(x), (heard[1:], *afters)
