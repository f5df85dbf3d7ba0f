"""SampleRNN (Mehri et al. 2017), in the forms of PRiSM and of dadabots.

Slow tiers hear frames of samples and say what is to come; each tells the one below it, and the
fastest tells a small network that predicts sample by sample. Windows of a chunk follow each other
with the recurrent state carried over: back-propagation through time that is cut at their edges.
"""

from typing import Any

from keras import ops

from rawtone.model_settings import SampleRNN as SampleRNNSettings
from rawtone.models.family import Audio, Family, State
from rawtone.models.samplernn_tiers import FrameTier, SampleTier


class SampleRNN(Family):
    """Recurrent tiers over frames above a network that predicts samples.

    Args:
        settings: sizes.
        audio: what it hears and makes.
    """

    settings: SampleRNNSettings

    def __init__(self, settings: SampleRNNSettings, audio: Audio) -> None:
        super().__init__(settings, audio, name="samplernn")
        levels = audio.quantizer.levels
        self.tiers = [
            FrameTier(settings, index, levels) for index in range(len(settings.frame_sizes))
        ]
        self.samples = SampleTier(settings, levels, self.head.size)
        self.built = True

    def activations(self, batch: int, window: int) -> int:
        """Return how many numbers the parallel form keeps for its backward pass.

        Args:
            batch: windows in a batch.
            window: samples predicted in each.
        """
        sizes = self.settings
        per_sample = sizes.dim * (3 + 2 * sizes.mlp_layers) + 3 * self.head.size
        per_frame = sizes.rnn_layers * sizes.dim * 14
        frames = sum(window // size for size in sizes.frame_sizes)
        return batch * (window * per_sample + frames * per_frame)

    def initial_carry(self, batch: int) -> State:
        """Return the recurrent state of each layer of each tier, float32 [batch, state_size]."""
        return tuple(tier.initial_state(batch) for tier in self.tiers)

    def call(
        self, codes: Any, carry: State = (), labels: Any = None, training: bool = False
    ) -> tuple[Any, State]:
        """Predict every sample after the first frame of the slowest tier."""
        context = self.settings.context
        n = codes.shape[1] - context + 1
        told, left = None, []
        for tier, state in zip(reversed(self.tiers), reversed(carry), strict=True):
            # the frame that ends where those of the slowest tier do
            heard = codes[:, context - tier.size : context - tier.size + n]
            told, after = tier.sequence(heard, told, state, training)
            left.append(tuple(ops.cast(kept, "float32") for kept in after))
        heard = codes[:, context - self.samples.size :]
        features = self.samples.sequence(heard, told)
        return ops.cast(features, "float32"), tuple(reversed(left))

    def initial_state(self, batch: int, labels: Any = None) -> State:
        """Return the state after endless silence.

        Returns:
            How many samples of a frame of the slowest tier have been heard; the last codes, [batch,
            context]; the recurrent state of each tier; what each tier has said, [batch, frames or
            samples of the tier below, dim]; and the rows of the sample tier.
        """
        context = self.settings.context
        past = ops.full((batch, context), self.audio.quantizer.silence, dtype="int32")
        told = tuple(ops.zeros((batch, tier.ratio, tier.dim)) for tier in self.tiers)
        count = ops.full((), context - 1, dtype="int32")
        return count, past, self.initial_carry(batch), told, self.samples.rows()

    def step(self, state: State, codes: Any) -> tuple[Any, State]:
        """Hear one sample of each stream and predict the next."""
        count, past, states, told, rows = state
        past = ops.concatenate([past[:, 1:], codes[:, None]], axis=1)
        count = ops.mod(count + 1, self.settings.context)
        above, new = None, []
        for tier, before, said in zip(
            reversed(self.tiers), reversed(states), reversed(told), strict=True
        ):
            said, after = self._frame(tier, count, past, above, (said, before))
            new.append((said, after))
            place = ops.mod(count, tier.size) // (tier.size // tier.ratio)
            above = ops.take(said, place, axis=1)
        features = self.samples.step(rows, past[:, past.shape[1] - self.samples.size :], above)
        told, states = zip(*reversed(new), strict=True)
        return ops.cast(features, "float32"), (count, past, states, told, rows)

    @staticmethod
    def _frame(tier: FrameTier, count: Any, past: Any, above: Any, last: Any) -> Any:
        """Return what a tier says and its state: new ones where a frame is full."""
        codes = past[:, past.shape[1] - tier.size :]
        return ops.cond(
            ops.equal(ops.mod(count, tier.size), 0),
            lambda: tier.step(codes, above, last[1]),
            lambda: last,
        )
