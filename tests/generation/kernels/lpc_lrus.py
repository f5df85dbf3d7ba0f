"""Networks of lpc_lru to test with, and what they say in float64."""

import math
from typing import Any

import numpy as np

from rawtone.audio import quantizers
from rawtone.model_settings import LpcLru
from rawtone.models import backend

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402

SIZES: dict[str, Any] = {
    "family": "lpc_lru",
    "output": {"kind": "logistics", "components": 3},
    "frame_size": 4,
    "order": 5,
    "spans": [20.0, 7.0],
    "residuals": 3,
    "taps": 6,
    "resonators": 6,
    "width": 7,
    "layers": 2,
    "hidden": 9,
}


def lpc_lru(quantizer: quantizers.Quantizer | None = None, seed: int = 1, **changed: Any) -> Any:
    """Return a network whose weights are random: what it makes is neither flat nor certain."""
    codec = quantizer or quantizers.make("mu-law", 256)
    model = build(LpcLru.model_validate(SIZES | changed), Audio(codec), seed)
    random = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign_add(random.normal(size=weight.shape, scale=0.05))
    return model


def exactly(variable: Any) -> np.ndarray:
    return np.asarray(variable, dtype=np.float64)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def dense(layer: Any, x: np.ndarray) -> np.ndarray:
    return x @ exactly(layer.kernel) + (exactly(layer.bias) if layer.use_bias else 0)


def recurrent(block: Any, x: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a block's output and its state after a frame (De et al. 2024)."""
    scaled = x / np.sqrt(np.mean(x**2) + 1e-6) * exactly(block.scale)
    entering, beside = np.split(scaled @ exactly(block.enter), 2)
    sums = entering @ exactly(block.gates) + exactly(block.gates_bias)
    recurrence, gate = np.split(sigmoid(sums), 2)
    log_a = -8 * np.log1p(np.exp(exactly(block.decay))) * recurrence
    state = np.exp(log_a) * state + np.sqrt(1e-6 - np.expm1(2 * log_a)) * gate * entering
    bent = np.tanh(math.sqrt(2 / math.pi) * (beside + 0.044715 * beside**3))
    return x + (state * beside * (1 + bent) / 2) @ exactly(block.leave), state


def fitted(r: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the coefficients of linear prediction, its reflections, and what is left.

    Args:
        r: autocorrelation [order + 1].
    """
    order = len(r) - 1
    places = np.arange(order)
    rows, wanted = r[np.abs(places[:, None] - places)], places <= places[:, None]
    # systems of every order side by side, filled up with equations that say nothing
    inside = wanted[:, :, None] & wanted[:, None, :]
    systems = np.where(inside, rows, np.eye(order))
    solved = np.linalg.solve(systems, np.where(wanted, r[1:], 0.0)[..., None])[..., 0]
    return solved[-1], np.diagonal(solved), float(r[0] - solved[-1] @ r[1:])


class Reference:
    """The streaming form in float64: sums over all of the past, and systems of equations solved."""

    def __init__(self, model: Any) -> None:
        self.model, self.sizes = model, model.settings
        quantizer = model.audio.quantizer
        self.quantizer, self.silence = quantizer, quantizer.silence
        self.values, self.rounding = (np.asarray(t, float) for t in (model.values, model.rounding))
        self.codes: list[int] = []
        self.count = 0
        self.units = [np.zeros(self.sizes.width) for _ in model.blocks]
        self.bank = np.zeros(self.sizes.resonators, complex)
        self._fit()
        self._guess()
        # the first frame ends with the first code, and was silent before
        self.codes = [self.silence] * (self.sizes.frame_size - 1)
        off = (self.silence - quantizer.steps / 2 - self.middles) / self.scale
        self.errors = [np.arcsinh(off)] * self.sizes.residuals

    def step(self, code: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Hear a code; return the next one's logits, means and widths, the latter two in cells."""
        middle = code - self.quantizer.steps / 2
        self.errors = [np.arcsinh((middle - self.middles) / self.scale), *self.errors[:-1]]
        self.codes.append(code)
        if self.count % self.sizes.frame_size == 0:
            self._ring()
            self._fit()
            self._advance()
        self.count += 1
        self._guess()
        return self._mixture()

    def _heard(self, window: int) -> np.ndarray:
        """Return the autocorrelation of the past under a window, [order + 1]."""
        span, order = self.sizes.spans[window], self.sizes.order
        size = int(60 * span)
        codes = np.array(self.codes[-size:], int)
        x, noise = (
            np.append(np.zeros(size), t[codes])[-size:] for t in (self.values, self.rounding)
        )
        age = np.arange(size)[::-1]
        weight = (age + 1) * (1 - 1 / span) ** age
        windowed, whole = x * weight, np.sum(weight**2)
        r = [np.dot(windowed[lag:], windowed[: size - lag]) / whole for lag in range(order + 1)]
        r[0] += 1e-5 * r[0] + np.dot(noise, weight**2) / whole + 1e-10
        return np.array(r)

    def _ring(self) -> None:
        """Let the resonators hear a frame."""
        half, bank = self.sizes.resonators, self.model.bank
        struck = self.values[self.codes[-self.sizes.frame_size :]] @ bank.weights
        self.bank = self.bank * bank.ageing + struck[:half] + 1j * struck[half:]

    def _fit(self) -> None:
        r = [self._heard(window) for window in range(len(self.sizes.spans))]
        self.coefficients, reflections, self.powers = zip(*map(fitted, r), strict=True)
        loud = [np.log([each[0] for each in r]) / 4, np.log(np.abs(self.bank) ** 2 + 1e-9) / 4]
        self.told = np.concatenate([*reflections, np.log(self.powers) / 4, *loud])

    def _advance(self) -> None:
        x = dense(self.model.enter, self.told)
        for k, block in enumerate(self.model.blocks):
            x, self.units[k] = recurrent(block, x, self.units[k])
        self.condition = dense(self.model.condition, x)

    def _place(self, x: np.ndarray) -> np.ndarray:
        size, levels = np.minimum(np.abs(x), 1.0), self.quantizer.levels
        if self.quantizer.kind == "mu-law":
            size = np.log1p((levels - 1) * size) / np.log(levels)
        elif self.quantizer.kind == "a-law":
            large = 1 + np.log(np.maximum(87.6 * size, 1))
            size = np.where(size < 1 / 87.6, 87.6 * size, large) / (1 + np.log(87.6))
        return np.copysign(size, x) * self.quantizer.steps / 2

    def _guess(self) -> None:
        order = self.sizes.order
        codes = [self.silence] * order + self.codes[-order:]
        newest = self.values[codes][: -order - 1 : -1]
        predicted = np.array([a @ newest for a in self.coefficients])
        off = math.sqrt(self.powers[0])
        low, high = self._place(np.array([predicted[0] - off, predicted[0] + off]))
        self.middles, self.scale = self._place(predicted), max((high - low) / 2, 0.3)

    def _mixture(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sizes, steps, first = self.sizes, self.quantizer.steps, self.middles[0]
        taps = [self.silence] * sizes.taps + self.codes[-sizes.taps :]
        apart = np.arcsinh((self.middles[1:] - first) / self.scale)
        rest = [2 / steps * first, math.log(self.scale)]
        places = 2 / steps * np.array(taps[: -sizes.taps - 1 : -1]) - 1
        told = np.concatenate([*self.errors, places, apart, rest])
        x = np.maximum(dense(self.model.hear, told) + self.condition, 0)
        x = np.maximum(dense(self.model.hidden, x), 0)
        logits, means, widths = np.split(dense(self.model.out, x), 3)
        spread = np.linspace(-1.5, 1.0, len(logits)) if len(logits) > 1 else np.array([-1.5])
        narrow, wide = math.log(0.05), math.log(2.0 * steps)
        share = (math.log(self.scale) + widths + spread - narrow) / (wide - narrow)
        share = np.clip(share, 1e-4, 1 - 1e-4)
        return logits, first + self.scale * means, np.exp(narrow + share * (wide - narrow))


def drawn(model: Any, said: Any, temperature: float, uniform: np.ndarray) -> int:
    """Draw a code in float64."""
    (logits, means, widths), steps = said, model.audio.quantizer.steps
    chosen = int(logits.argmax())
    if temperature > 0:
        cumulative = np.cumsum(np.exp((logits - logits.max()) / temperature))
        chosen = int(np.sum(cumulative <= uniform[0] * cumulative[-1]))
    rank = min(max(float(uniform[1]), 2.0**-25), 1 - 2.0**-24)
    value = means[chosen] + temperature * widths[chosen] * math.log(rank / (1 - rank))
    return int(np.clip(np.floor(value + (steps + 1) / 2), 0, model.audio.quantizer.levels - 1))
