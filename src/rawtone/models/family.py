"""What all families of models have in common."""

from dataclasses import dataclass
from typing import Any

import keras

from rawtone.audio.quantizers import Quantizer
from rawtone.model_settings import ModelSettings
from rawtone.models import heads
from rawtone.models.head import Head

State = tuple[Any, ...]


@dataclass(frozen=True)
class Audio:
    """What a model hears and makes.

    Attributes:
        quantizer: of its samples.
        channels: 1 or 2.
        labels: number of different labels; 0 where it is not told any.
    """

    quantizer: Quantizer
    channels: int = 1
    labels: int = 0


class Family(keras.Model):
    """A network in two forms: a parallel one to train, a streaming one to generate.

    Codes are int32 [batch, time], of stereo audio [batch, time, 2]. A step of the streaming form
    makes a frame: one code [batch], or for families that make several samples at once
    [batch, *frame].

    Args:
        settings: of the family.
        audio: what it hears and makes.
        name: of the family.
        head: that predicts; without it the one that the settings name.
    """

    jit = True  # whether XLA makes its training faster
    frame: tuple[int, ...] = ()

    def __init__(
        self,
        settings: ModelSettings,
        audio: Audio,
        name: str,
        head: Head | None = None,
    ) -> None:
        super().__init__(name=name)
        self.settings = settings
        self.audio = audio
        self.head = head or heads.make(settings.output, audio.quantizer)

    def call(
        self, codes: Any, carry: State = (), labels: Any = None, training: bool = False
    ) -> tuple[Any, State]:
        """Predict n samples of each window, side by side.

        Args:
            codes: int32 [batch, context + n - hop]; n is a multiple of the settings' stride.
            carry: what the window before left behind, or `initial_carry`; () unless recurrent.
            labels: int32 [batch], where there are labels.
            training: whether dropout is on.

        Returns:
            Features [batch, n / hop, head.size] in float32, those at i for the samples from
            context + i * hop on; and what the next window begins with.
        """
        raise NotImplementedError

    def prepare(self, batch: int, window: int) -> None:
        """Choose how to compute the parallel form, before it is compiled to learn.

        Args:
            batch: windows in a batch.
            window: samples predicted in each.
        """

    def initial_carry(self, batch: int) -> State:
        """Return what the first window of a chunk begins with: tensors [batch, …]."""
        return ()

    def initial_state(self, batch: int, labels: Any = None) -> State:
        """Return the streaming form's state after endless silence, all but the last frame of it.

        Args:
            batch: number of streams.
            labels: int32 [batch], or shares of all labels, float32 [batch, labels]; where there are
                labels.
        """
        raise NotImplementedError

    def tell(self, state: State, labels: Any) -> State:
        """Return the state of streams that are told labels from now on.

        Args:
            state: of `initial_state`, or of the step or draw before.
            labels: as in `initial_state`.
        """
        return state

    def step(self, state: State, codes: Any) -> tuple[Any, State]:
        """Hear one frame of each stream and predict the next.

        Args:
            state: of `initial_state`, or of the step or draw before.
            codes: int32 [batch, *frame].

        Returns:
            Features [batch, head.size] in float32, and the next state.
        """
        raise NotImplementedError

    def draw(
        self, state: State, features: Any, temperature: Any, uniform: Any, top_p: Any = None
    ) -> tuple[Any, State]:
        """Draw the next frame of each stream.

        Args:
            state: that `step` returned.
            features: that `step` returned.
            temperature: float32 [batch]; 0 takes the likeliest.
            uniform: float32 [hop * channels, 2, batch] in [0, 1): two for each sample.
            top_p: float32 [batch], or None to keep all codes; only for heads with `nucleus`.

        Returns:
            int32 codes [batch, *frame], and the state to hear them in.
        """
        return self.head.draw(features, temperature, uniform[0], top_p), state

    def activations(self, batch: int, window: int) -> int:
        """Return how many numbers the parallel form keeps for its backward pass.

        Args:
            batch: windows in a batch.
            window: samples predicted in each.
        """
        raise NotImplementedError
