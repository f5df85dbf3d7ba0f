"""A network that starts from a linear prediction of the past, and hears all of a chunk.

LPCNet's idea (Valin & Skoglund 2019): linear prediction, fitted anew for every frame, says what is
likely to come, and the network only how far off that may be. What it knows of the past comes from
gated linear recurrent units over frames (RG-LRU; De et al. 2024), which remember a whole chunk.
"""

import math
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from rawtone.audio import quantizers
from rawtone.model_settings import LpcLru as LpcLruSettings
from rawtone.models import axis
from rawtone.models.family import Audio, Family, State
from rawtone.models.linear_prediction import Windows, levinson
from rawtone.models.resonators import Resonators
from rawtone.models.rg_lru import RecurrentBlock

_OCTAVES = 8.0  # of levels of noise
NARROWEST = 0.3  # in cells: what is expected of linear prediction at best


class Fit(NamedTuple):
    """Linear prediction in a frame.

    Attributes:
        coefficients: float32 [..., windows, order].
        power: of the error that is expected, [..., windows].
        heard: what the recurrent layers are told, [..., features].
    """

    coefficients: Any
    power: Any
    heard: Any


class Guess(NamedTuple):
    """What linear prediction says of a sample, in cells of the quantizer.

    Attributes:
        middles: one for each window, from the middle of the axis, float32 [..., windows].
        scale: how far off the first may be, [..., 1].
    """

    middles: Any
    scale: Any


class LpcLru(Family):
    """Linear prediction, gated linear recurrence over frames, a small network for each sample.

    Args:
        settings: sizes.
        audio: what it hears and makes.
    """

    settings: LpcLruSettings

    def __init__(self, settings: LpcLruSettings, audio: Audio) -> None:
        super().__init__(settings, audio, name="lpc_lru")
        sizes, windows = settings, len(settings.spans)
        self.windows = Windows(sizes.spans, sizes.order, sizes.frame_size)
        self.bank = Resonators(sizes.resonators, sizes.frame_size)
        self.values, self.rounding = _tables(audio.quantizer)
        told = windows * (sizes.order + 2) + sizes.resonators
        self.enter = _dense(told, sizes.width, "enter")
        self.blocks = [RecurrentBlock(sizes.width, f"block{k}") for k in range(sizes.layers)]
        self.condition = _dense(sizes.width, sizes.hidden, "condition")
        told = windows * (sizes.residuals + 1) + sizes.taps + 1
        self.hear = _dense(told, sizes.hidden, "hear", bias=False)
        self.hidden = _dense(sizes.hidden, sizes.hidden, "hidden")
        self.out = _dense(sizes.hidden, self.head.size, "out", spread=0.1)
        self.seeds = keras.random.SeedGenerator(name="noise")
        self.built = True

    def initial_carry(self, batch: int) -> State:
        """Return what is left of silence: nothing."""
        shapes = [self.windows.shape, self.bank.shape, *[(self.settings.width,)] * len(self.blocks)]
        return tuple(ops.zeros((batch, *shape), "float32") for shape in shapes)

    def call(
        self, codes: Any, carry: State = (), labels: Any = None, training: bool = False
    ) -> tuple[Any, State]:
        """Predict every sample after the first frame, whose errors are only heard."""
        sizes = self.settings
        running, bank, *states = carry
        if training and sizes.noise:
            codes = self._disturbed(codes)
        x = ops.take(ops.convert_to_tensor(self.values), codes, axis=0)
        reach = sizes.context - sizes.frame_size
        n = x.shape[1] - reach + 1
        past = _past(x[:, reach - sizes.order :], sizes.order, n)
        running, bank = self._follow(codes[:, reach:], past, running, bank)
        fit = self._fit(running, bank)
        framed = self._framed(past)
        guess = self._guess(fit.coefficients[:, :, None], fit.power[:, :, None], framed)
        guess = Guess(*(ops.reshape(part, (part.shape[0], n, -1)) for part in guess))
        errors = self._errors(Guess(*(part[:, :-1] for part in guess)), codes[:, reach:])
        size = sizes.frame_size
        scored = Guess(*(part[:, size:] for part in guess))
        recent = _past(errors[:, size - sizes.residuals :], sizes.residuals, n - size)
        condition, after = self._condition(fit.heard[:, 1:], states)
        condition = ops.repeat(condition, size, axis=1)
        taps = self._taps(codes[:, sizes.context - sizes.taps :], n - size)
        features = self._features(condition, recent, taps, scored)
        return features, (running[:, -1], bank[:, -1], *after)

    def _disturbed(self, codes: Any) -> Any:
        """Add noise of a level of its own to each window.

        What is drawn is never quite what would have come, and a linear prediction fitted to that
        strays ever further, unless the network has learned the way back.
        """
        new = (codes.shape[0], codes.shape[1] - self.settings.context)
        octaves = keras.random.uniform((new[0], 1), -_OCTAVES, 0.0, seed=self.seeds)
        noise = keras.random.normal(new, seed=self.seeds)
        noise = ops.round(self.settings.noise * ops.power(2.0, octaves) * noise)
        # what the window before heard, too, is left alone: its power has been counted
        noise = ops.pad(ops.cast(noise, "int32"), [(0, 0), (self.settings.context, 0)])
        return ops.clip(codes + noise, 0, self.audio.quantizer.levels - 1)

    def activations(self, batch: int, window: int) -> int:
        """Return how many numbers the parallel form keeps for its backward pass.

        Args:
            batch: windows in a batch.
            window: samples predicted in each.
        """
        sizes, windows = self.settings, len(self.settings.spans)
        predicted = sizes.order * (windows + 2) + windows * sizes.residuals + sizes.taps
        of_sample = 2 * predicted + 4 * sizes.hidden + 8 * self.head.size
        doublings = math.ceil(math.log2(max(window // sizes.frame_size, 2)))
        of_frame = len(self.blocks) * sizes.width * (10 + 4 * doublings)
        return batch * window * (of_sample + of_frame // sizes.frame_size)

    def _taps(self, codes: Any, n: int) -> Any:
        # as they stand on the axis: the beginning of a note is known by these alone
        return _past(axis.position(codes, self.audio.quantizer), self.settings.taps, n)

    def _framed(self, x: Any) -> Any:
        return ops.reshape(x, (x.shape[0], -1, self.settings.frame_size, *x.shape[2:]))

    def _follow(self, codes: Any, past: Any, running: Any, bank: Any) -> tuple[Any, Any]:
        """Return windows and resonators at the start of each frame, [batch, frames, …]."""
        n = past.shape[1] - self.settings.frame_size
        now = past[:, 1 : n + 1, :1]
        rounding = ops.take(ops.convert_to_tensor(self.rounding), codes[:, :n], axis=0)[..., None]
        products = ops.concatenate([now * now, now * past[:, :n], rounding], axis=-1)
        later = self.windows.run(self._framed(products), running)
        rung = self.bank.run(self._framed(now)[..., 0], bank)
        return (
            ops.concatenate([running[:, None], later], axis=1),
            ops.concatenate([bank[:, None], rung], axis=1),
        )

    def _fit(self, running: Any, bank: Any) -> Fit:
        """Fit linear prediction to what was heard before a frame."""
        r = self.windows.autocorrelation(running)
        coefficients, reflections, power = levinson(r)
        told = [reflections, ops.log(power) / 4.0, ops.log(r[..., :1]) / 4.0]
        flat = [ops.reshape(part, (*part.shape[:-2], -1)) for part in told]
        heard = ops.concatenate([*flat, self.bank.levels(bank) / 4.0], axis=-1)
        return Fit(coefficients, power[..., 0], heard)

    def _guess(self, coefficients: Any, power: Any, past: Any) -> Guess:
        """Predict samples linearly.

        Args:
            coefficients: float32 [..., windows, order].
            power: [..., windows].
            past: the samples before each, the newest first, [..., order].
        """
        predicted = ops.sum(coefficients * past[..., None, :], axis=-1)
        first, error = predicted[..., :1], ops.sqrt(power[..., :1])
        cells = self.audio.quantizer.steps / 2.0
        places = [
            axis.place(sample, self.audio.quantizer) * cells
            for sample in (predicted, first - error, first + error)
        ]
        scale = ops.maximum((places[2] - places[1]) / 2.0, NARROWEST)
        return Guess(places[0], scale)

    def _errors(self, guess: Guess, codes: Any) -> Any:
        """Return how far off each window's prediction was, by what was expected, squashed."""
        middle = ops.cast(codes, "float32") - self.audio.quantizer.steps / 2.0
        return ops.arcsinh((middle[..., None] - guess.middles) / guess.scale)

    def _condition(self, heard: Any, states: Any) -> tuple[Any, State]:
        """Run the recurrent layers over frames.

        Args:
            heard: of each frame, float32 [batch, n, features].
            states: of the layers before the first.

        Returns:
            What the sample network is told, [batch, n, hidden], and the states after the last.
        """
        x, after = self.enter(heard), []
        for block, state in zip(self.blocks, states, strict=True):
            x, state = block.run(x, state)
            after.append(state)
        return self.condition(x), tuple(after)

    def _features(self, condition: Any, errors: Any, taps: Any, guess: Guess) -> Any:
        """Run the network for each sample.

        Args:
            condition: float32 [..., hidden].
            errors: the last ones of each window, [..., residuals * windows].
            taps: where the last codes stand, the newest first, [..., taps].
            guess: of each sample.
        """
        apart = ops.arcsinh((guess.middles[..., 1:] - guess.middles[..., :1]) / guess.scale)
        where = guess.middles[..., :1] * (2.0 / self.audio.quantizer.steps)
        told = ops.concatenate([errors, taps, apart, where, ops.log(guess.scale)], axis=-1)
        x = ops.relu(self.hear(told) + condition)
        x = ops.relu(self.hidden(x))
        logits, means, widths = ops.split(ops.cast(self.out(x), "float32"), 3, axis=-1)
        means = guess.middles[..., :1] + guess.scale * means
        widths = ops.log(guess.scale) + widths + self.first_widths()
        return self.head.features(logits, means, widths)

    def first_widths(self) -> Any:
        """Return the logarithms of the components' widths before learning, by what is expected."""
        return ops.linspace(-1.5, 1.0, self.head.components, dtype="float32")

    def initial_state(self, batch: int, labels: Any = None) -> State:
        """Return the state after silence.

        Returns:
            The samples heard, those past, the last errors, the guess, the fit, what the sample
            network is told of the frame, and what is carried.
        """
        sizes = self.settings
        carry = self.initial_carry(batch)
        past = ops.full((batch, sizes.context), self.audio.quantizer.silence, dtype="int32")
        # a frame of silence: what the parallel form hears before its first frame
        fit = self._fit(carry[0], carry[1])
        x = ops.take(ops.convert_to_tensor(self.values), past, axis=0)
        guess = self._guess(fit.coefficients, fit.power, x[:, : sizes.order])
        error = self._errors(guess, past[:, 0])
        errors = ops.tile(error[:, None], (1, sizes.residuals, 1))
        condition = ops.zeros((batch, sizes.hidden), "float32")
        count = ops.zeros((), "int32")
        return (count, past, errors, *guess, fit.coefficients, fit.power, condition, *carry)

    def step(self, state: State, codes: Any) -> tuple[Any, State]:
        """Hear one sample of each stream and predict the next."""
        count, past, errors, middles, scale, coefficients, power, condition, *carry = state
        sizes = self.settings
        past = ops.concatenate([past[:, 1:], codes[:, None]], axis=1)
        error = self._errors(Guess(middles, scale), codes)
        errors = ops.concatenate([errors[:, 1:], error[:, None]], axis=1)

        def next_frame() -> Any:
            return self._next_frame(past, carry)

        def same_frame() -> Any:
            return coefficients, power, condition, *carry

        starts = ops.equal(ops.mod(count, sizes.frame_size), 0)
        coefficients, power, condition, *carry = ops.cond(starts, next_frame, same_frame)
        x = ops.take(ops.convert_to_tensor(self.values), past[:, -sizes.order :], axis=0)
        guess = self._guess(coefficients, power, ops.flip(x, axis=1))
        recent = ops.reshape(ops.flip(errors, axis=1), (errors.shape[0], -1))
        taps = self._taps(past[:, -sizes.taps :], 1)[:, 0]
        features = self._features(condition, recent, taps, guess)
        return features, (count + 1, past, errors, *guess, coefficients, power, condition, *carry)

    def _next_frame(self, past: Any, carry: Any) -> Any:
        sizes, size = self.settings, self.settings.frame_size
        running, bank, *states = carry
        x = ops.take(ops.convert_to_tensor(self.values), past, axis=0)
        lags = _past(x[:, -sizes.order - size :], sizes.order, size)
        now, codes = x[:, -size:, None], past[:, -size:]
        rounding = ops.take(ops.convert_to_tensor(self.rounding), codes, axis=0)[..., None]
        products = ops.concatenate([now * now, now * lags, rounding], axis=-1)
        running = self.windows.run(products[:, None], running)
        bank = self.bank.run(now[:, None, :, 0], bank)
        fit = self._fit(running, bank)
        condition, states = self._condition(fit.heard, states)
        fitted = (fit.coefficients[:, 0], fit.power[:, 0], condition[:, 0])
        return (*fitted, running[:, 0], bank[:, 0], *states)


def _past(x: Any, count: int, n: int) -> Any:
    """Return the last `count` before each of n places, the newest first.

    Args:
        x: [batch, count + n - 1, …]; the first place is after `count` of it.
        count: how many.
        n: places.

    Returns:
        [batch, n, count], further axes of `x` behind.
    """
    recent = [x[:, count - age : count - age + n] for age in range(1, count + 1)]
    stacked = ops.stack(recent, axis=2)
    return ops.reshape(stacked, (x.shape[0], n, -1)) if len(x.shape) > 2 else stacked


def _tables(quantizer: quantizers.Quantizer) -> tuple[Any, Any]:
    """Return what each code stands for, and the power of its rounding, float32 [levels]."""
    values = quantizer.decode(np.arange(quantizer.levels)).astype(np.float64)
    cells = np.gradient(values)
    centred = values - values[quantizer.silence]
    return centred.astype(np.float32), (cells**2 / 12.0).astype(np.float32)


def _dense(
    inputs: int, units: int, name: str, bias: bool = True, spread: float = 1.0
) -> keras.layers.Dense:
    initializer = keras.initializers.VarianceScaling(spread, "fan_avg", "uniform")
    dense = keras.layers.Dense(units, use_bias=bias, kernel_initializer=initializer, name=name)
    dense.build((None, inputs))
    return dense
