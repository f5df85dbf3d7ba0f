"""Linear prediction of the next sample, fitted anew for every frame to what was heard before it.

The autocorrelation is that of the past under Barnwell's recursive window (1981), (m + 1) d^m for a
sample m steps old: it takes three running sums for each lag, and no buffer. Levinson's recursion
turns it into coefficients.
"""

from typing import Any

import numpy as np
from keras import ops

from rawtone.models import scans

FLOOR = 1e-10  # of power: -100 dB; nothing is predicted of silence
WHITE = 1e-5  # share of the power added as white noise: -50 dB, well above what float32 rounds
LARGEST_REFLECTION, LEAST = 0.9999, 1e-6  # rounding must not make a filter unstable


class Windows:
    """Running sums of products of samples under recursive windows, frame by frame.

    Args:
        spans: of each window: how old the samples are that weigh most, in samples.
        order: longest lag.
        frame: samples between two fits.

    Attributes:
        shape: of the sums of a stream, three for each window.
        weights: what a product within a frame adds to them, [3 * windows, frame].
        ageing: what a frame makes of those before it, [3 * windows, 3 * windows].
        lags: what makes autocorrelations of them, [windows, 3, order + 2].
    """

    def __init__(self, spans: list[float], order: int, frame: int) -> None:
        self.spans, self.order, self.frame = spans, order, frame
        self.shape = (3 * len(spans), order + 2)
        age = np.arange(frame)[::-1]
        decays = [1.0 - 1.0 / span for span in spans]
        self.weights = np.concatenate(
            [
                [(age / span) ** power * decay ** (2 * age) for power in range(3)]
                for span, decay in zip(spans, decays, strict=True)
            ]
        )
        self.ageing = np.zeros((3 * len(spans), 3 * len(spans)))
        for index, (span, decay) in enumerate(zip(spans, decays, strict=True)):
            by = frame / span
            pascal = np.array([[1, 0, 0], [by, 1, 0], [by * by, 2 * by, 1]])
            block = slice(3 * index, 3 * index + 3)
            self.ageing[block, block] = pascal * decay ** (2 * frame)
        self.lags = np.stack([self._of_lags(*each) for each in zip(spans, decays, strict=True)])

    def _of_lags(self, span: float, decay: float) -> Any:
        """Return what makes autocorrelations of the sums, [3, order + 2]."""
        lag = np.array([*range(self.order + 1), 0])
        # (m + 1) (m + 1 + lag) d^lag, in powers of m / span
        window = np.stack([1.0 + lag, span * (2.0 + lag), np.full(len(lag), span**2)]) * decay**lag
        m = np.arange(int(60 * span))
        return window / np.sum(((m + 1) * decay**m) ** 2)

    def sums(self, products: Any) -> Any:
        """Sum up the products of each frame.

        Args:
            products: float32 [batch, n, frame, order + 2]: of each sample with those 0 to `order`
                before it, and the power of its rounding.

        Returns:
            [batch, n, *shape].
        """
        weights = ops.convert_to_tensor(self.weights, "float32")
        return ops.einsum("pm,bnmc->bnpc", weights, products)

    def run(self, products: Any, before: Any) -> Any:
        """Return the running sums after each frame, [batch, n, *shape].

        Args:
            products: as for `sums`.
            before: those before the first frame, [batch, *shape].
        """
        return scans.constant(self.ageing, self.sums(products), before)

    def autocorrelation(self, running: Any) -> Any:
        """Return the windowed autocorrelation, with the rounding's power as white noise.

        Args:
            running: float32 [..., *shape].

        Returns:
            [..., windows, order + 1].
        """
        parts = ops.reshape(running, (*running.shape[:-2], len(self.spans), 3, self.order + 2))
        r = ops.sum(parts * ops.convert_to_tensor(self.lags, "float32"), axis=-2)
        power = r[..., :1] * (1.0 + WHITE) + r[..., -1:] + FLOOR
        return ops.concatenate([power, r[..., 1:-1]], axis=-1)


def levinson(r: Any) -> tuple[Any, Any, Any]:
    """Solve for the coefficients of linear prediction.

    Args:
        r: autocorrelation, float32 [..., order + 1].

    Returns:
        Coefficients [..., order], that of the newest sample first; reflections [..., order]; and
        the power of what is left, [..., 1].
    """
    order = r.shape[-1] - 1
    least, none = LEAST * r[..., :1], ops.zeros_like(r[..., 1:])
    backwards = ops.concatenate([ops.flip(r[..., 1:], axis=-1), none], axis=-1)
    places, start = ops.arange(order), [0] * (len(r.shape) - 1)

    def longer(index: Any, found: Any) -> Any:
        a, reflections, error = found
        here = ops.cast(ops.equal(places, index), "float32")

        def before(x: Any) -> Any:
            """Return x at lags index, index - 1, … 1, and zeros."""
            return ops.slice(x, (*start, order - index), (*x.shape[:-1], order))

        left = ops.sum(r[..., 1:] * here, axis=-1, keepdims=True)
        left = left - ops.sum(a * before(backwards), axis=-1, keepdims=True)
        k = ops.clip(left / error, -LARGEST_REFLECTION, LARGEST_REFLECTION)
        a_backwards = ops.concatenate([ops.flip(a, axis=-1), none], axis=-1)
        a = a - k * before(a_backwards) + k * here
        return a, reflections + k * here, ops.maximum(error * (1.0 - k * k), least)

    found = ops.fori_loop(0, order, longer, (none, none, r[..., :1]))
    return tuple(ops.stop_gradient(part) for part in found)
