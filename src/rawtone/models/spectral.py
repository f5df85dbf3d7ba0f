"""Stacked LSTMs over the spectra of frames (niisan 2017): hears one, predicts the next.

A step hears as many samples as lie between the beginnings of two frames. The frame that it predicts
begins where what was heard ends. Where frames overlap, their halves are added up: the second half
of the frame before is kept until the first half of the next one is there.
"""

from typing import Any

import keras
from keras import ops

from rawtone.model_settings import Spectral as SpectralSettings
from rawtone.models import spectral_heads
from rawtone.models.amplitudes import Amplitudes
from rawtone.models.family import Audio, Family, State
from rawtone.models.matrices import Linear
from rawtone.models.recurrent import Recurrent
from rawtone.models.spectrum import Spectrum

_KINDS = {"tanh": "lstm", "sigmoid": "lstm_sigmoid", "relu": "lstm_relu", "selu": "lstm_selu"}


class Spectral(Family):
    """LSTMs from the spectrum of a frame to that of the next.

    Args:
        settings: sizes, as in the write-up.
        audio: what it hears and makes.
    """

    settings: SpectralSettings
    head: spectral_heads.FrameHead

    def __init__(self, settings: SpectralSettings, audio: Audio) -> None:
        spectrum, amplitudes = Spectrum(settings, audio.channels), Amplitudes(audio.quantizer)
        head = spectral_heads.make(settings, spectrum, amplitudes)
        super().__init__(settings, audio, name="spectral", head=head)
        self._spectrum, self._amplitudes = spectrum, amplitudes
        self._overlapping = settings.hop < settings.frame
        self.frame = (settings.hop,) if audio.channels == 1 else (settings.hop, audio.channels)
        sizes = [self._spectrum.size, *[layer.units for layer in settings.layers]]
        self.stack = [
            Recurrent(_KINDS[layer.activation], inputs, layer.units, f"lstm{index}")
            for index, (inputs, layer) in enumerate(zip(sizes, settings.layers, strict=False))
        ]
        self.dense = Linear(sizes[-1], self.head.size, "dense")
        self.seeds = keras.random.SeedGenerator(name="dropout")
        self.built = True

    def activations(self, batch: int, window: int) -> int:
        """Return how many numbers the parallel form keeps for its backward pass.

        Args:
            batch: windows in a batch.
            window: samples predicted in each.
        """
        units = sum(layer.units for layer in self.settings.layers)
        frames = batch * (window // self.settings.hop)
        return frames * (12 * units + 2 * self._spectrum.size + 6 * self.head.size)

    def call(
        self, codes: Any, carry: State = (), labels: Any = None, training: bool = False
    ) -> tuple[Any, State]:
        """Predict the frame after each one heard."""
        x = self._spectrum.features(self._spectrum.cut(self._amplitudes.of(codes)))
        after = []
        for lstm, sizes, before in zip(self.stack, self.settings.layers, carry, strict=True):
            x, state = lstm.sequence(ops.cast(x, self.compute_dtype), before)
            if training and sizes.dropout:
                x = keras.random.dropout(x, sizes.dropout, seed=self.seeds)
            after.append(ops.cast(state, "float32"))
        return ops.cast(self.dense(x), "float32"), tuple(after)

    def initial_carry(self, batch: int) -> State:
        """Return zeros for each LSTM."""
        return tuple(ops.zeros((batch, lstm.state_size)) for lstm in self.stack)

    def initial_state(self, batch: int, labels: Any = None) -> State:
        """Return the state before anything was heard.

        Returns:
            The last hop that was heard [batch, hop(, channels)]; what is to be added to the next
            one and to the one after it, float32 [batch, hop(, channels)]; states of the LSTMs.
        """
        shape = (batch, *self.frame)
        silence = self._amplitudes.of(ops.full(shape, self.audio.quantizer.silence, dtype="int32"))
        nothing = ops.zeros(shape)
        return (silence, nothing, nothing, self.initial_carry(batch))

    def step(self, state: State, codes: Any) -> tuple[Any, State]:
        """Hear one hop of each stream and predict a frame."""
        before, _, tail, carry = state
        heard = self._amplitudes.of(codes)
        frame = ops.concatenate([before, heard], axis=1) if self._overlapping else heard
        x = self._spectrum.features(self._spectrum.cut(frame)[:, 0])
        after = []
        for lstm, lstm_before in zip(self.stack, carry, strict=True):
            x, lstm_after = lstm.step(x, lstm_before)
            after.append(lstm_after)
        features = ops.cast(self.dense(x), "float32")
        # what follows if nothing is drawn, as while a stream is primed
        ahead = (
            self._halves(self._spectrum.from_features(features))[1] if self._overlapping else tail
        )
        return features, (heard, tail, ahead, tuple(after))

    def draw(
        self, state: State, features: Any, temperature: Any, uniform: Any, top_p: Any = None
    ) -> tuple[Any, State]:
        """Draw a frame of each stream, and add it to what the one before left."""
        heard, tail, _, carry = state
        first, second = self._halves(self.head.frame(features, temperature, uniform))
        return self._amplitudes.encode(tail + first), (heard, tail, second, carry)

    def _halves(self, frame: Any) -> tuple[Any, Any]:
        """Return the hop that a frame [batch, channels, samples] begins with, and what is left."""
        audio = ops.reshape(ops.swapaxes(frame, 1, 2), (-1, self.settings.frame, *self.frame[1:]))
        if not self._overlapping:
            return audio, ops.zeros_like(audio)
        return audio[:, : self.settings.hop], audio[:, self.settings.hop :]
