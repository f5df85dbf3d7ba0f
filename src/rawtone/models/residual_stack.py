"""WaveNet's residual blocks on a CPU: all of them, and their gradients, by kernels of our own.

XLA and oneDNN multiply matrices of 32 and 64 columns at a fraction of what the processor can do,
and write what they join, shift and gate to memory and back. Here a block goes through a window once
forward and twice back, and what it needs in between stays in the cache. Sums are always taken in
the same order, whatever the number of threads.
"""

import itertools
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from rawtone.model_settings import WaveNet
from rawtone.models import backend

Array = NDArray[np.float32]
PARTS = 8  # that a window is cut into; each has its own sums, which are then added in order
NOTHING = np.empty((0, 0, 0), np.float32)


def fits(settings: WaveNet, dtype: str) -> bool:
    """Tell whether there are kernels for a network, here.

    Args:
        settings: of the network.
        dtype: that it computes in.
    """
    sizes = (settings.residual_channels, settings.dilation_channels)
    if keras.backend.backend() != "tensorflow" or dtype != "float32" or any(n % 16 for n in sizes):
        return False
    from llvmlite import binding
    from tensorflow import config

    wide = binding.get_host_cpu_features().get("avx512f", False)
    return bool(wide) and not config.list_physical_devices("GPU")


class Memory:
    """Arrays whose memory is used again: a window's are large, and fresh pages cost much."""

    def __init__(self) -> None:
        self._free: dict[int, list[Array]] = {}
        self._lock = Lock()

    def take(self, *shape: int) -> Array:
        """Return an array that begins at a multiple of 64 bytes, of any content."""
        size = int(np.prod(shape))
        with self._lock:
            if not self._free.get(size):
                # windows of another length are over, or will have to wait
                self._free = {kept: [] for kept in self._free}
                self._free.setdefault(size, []).append(np.empty(size + 16, np.float32))
            raw = self._free[size].pop()
        return np.asarray(_Lease(self, size, raw)).reshape(shape)

    def give_back(self, size: int, raw: Array) -> None:
        """Take an array's memory back."""
        self._free.setdefault(size, []).append(raw)


class _Lease:
    """Holds memory for as long as an array of it is in use, by us or by TensorFlow."""

    def __init__(self, memory: Memory, size: int, raw: Array) -> None:
        pointer = (raw.ctypes.data + 63) // 64 * 64
        self.__array_interface__ = {
            "data": (pointer, False),
            "typestr": raw.dtype.str,
            "shape": (size,),
            "version": 3,
        }
        weakref.finalize(self, memory.give_back, size, raw).atexit = False


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "residual")


def each_part(work: Callable[[int], None], threads: int) -> None:
    """Call a function for every part; whichever thread is free takes the next.

    Args:
        work: takes a part's number, and computes without Python's lock.
        threads: to take, 1 or more.
    """
    parts = itertools.count()  # next() on it is atomic

    def run() -> None:
        while (part := next(parts)) < PARTS:
            work(part)

    others = [_pool(threads).submit(run) for _ in range(threads - 1)]
    run()
    for other in others:
        other.result()


class ResidualStack:
    """All residual blocks of a network.

    Args:
        settings: of the network, that `fits`.
    """

    def __init__(self, settings: WaveNet) -> None:
        self.dilations = settings.dilations
        self.memory = Memory()

    def _lengths(self, x: Array, taps: int) -> list[int]:
        """Return the steps that go into each block, and those that come out of the last."""
        spans = [-(taps - 1) * dilation for dilation in self.dilations]
        return list(itertools.accumulate(spans, initial=x.shape[1]))

    def _views(self, flat: Array, batch: int, lengths: Sequence[int], width: int) -> list[Array]:
        ends = itertools.accumulate(batch * n * width for n in lengths)
        return [
            flat[end - batch * n * width : end].reshape(batch, n, width)
            for n, end in zip(lengths, ends, strict=True)
        ]

    def forward(
        self, x: Array, kernels: Array, biases: Array, dense: Array, dense_bias: Array, scored: int
    ) -> tuple[Array, Array, Array]:
        """Go through all blocks.

        Args:
            x: [batch, time, residual].
            kernels: [blocks, taps, residual, 2 * channels], filter beside gate.
            biases: [blocks, batch, 2 * channels].
            dense: [blocks, channels, residual].
            dense_bias: [blocks, residual].
            scored: steps that are wanted.

        Returns:
            What the gates let through, [batch, scored, blocks * channels]; the inputs of all blocks
            but the first, and their tanh and sigmoid, both flat.
        """
        from rawtone.kernels import residual

        (blocks, taps, size, gates), batch = kernels.shape, x.shape[0]
        lengths = self._lengths(x, taps)
        flat_inputs = self.memory.take(batch * size * sum(lengths[1:-1]))
        flat_gates = self.memory.take(batch * gates * sum(lengths[1:]))
        gated = self.memory.take(batch, scored, blocks * gates // 2)
        inputs = [x, *self._views(flat_inputs, batch, lengths[1:-1], size), NOTHING]
        opened = self._views(flat_gates, batch, lengths[1:], gates)
        threads = backend.threads()
        for i, dilation in enumerate(self.dilations):
            weights = (kernels[i], biases[i], dense[i], dense_bias[i])
            place = (dilation, i * gates // 2)
            arrays = (inputs[i], *weights, opened[i], inputs[i + 1], gated)
            each_part(_with(residual.forward, place, arrays), threads)
        return gated, flat_inputs, flat_gates

    def backward(
        self,
        d_gated: Array,
        x: Array,
        flat_inputs: Array,
        flat_gates: Array,
        kernels: Array,
        dense: Array,
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Return the gradients by `x`, `kernels`, `biases`, `dense` and `dense_bias`.

        Args:
            d_gated: the gradient by what `forward` returned first.
            x: as for `forward`.
            flat_inputs: as `forward` returned it.
            flat_gates: as `forward` returned it.
            kernels: as for `forward`.
            dense: as for `forward`.
        """
        from rawtone.kernels import residual

        (blocks, taps, size, gates), batch = kernels.shape, x.shape[0]
        lengths = self._lengths(x, taps)
        inputs = [x, *self._views(flat_inputs, batch, lengths[1:-1], size)]
        opened = self._views(flat_gates, batch, lengths[1:], gates)
        kernels_t = np.ascontiguousarray(kernels.swapaxes(2, 3))
        dense_t = np.ascontiguousarray(dense.swapaxes(1, 2))
        shapes = (kernels.shape, (blocks, batch, gates), dense.shape, (blocks, size))
        sums = [np.zeros((PARTS, *shape), np.float32) for shape in shapes]
        threads, scratch = backend.threads(), self.memory.take(batch * lengths[1] * gates)
        dy = NOTHING
        for i in reversed(range(blocks)):
            place = (self.dilations[i], i * gates // 2)
            dh = scratch[: opened[i].size].reshape(opened[i].shape)
            arrays = (d_gated, inputs[i], opened[i], dh, dense_t[i], dy)
            each_part(_with(residual.backward, place, arrays, [s[:, i] for s in sums]), threads)
            dx = self.memory.take(*inputs[i].shape)
            each_part(_with(residual.to_input, place[:1], (dh, kernels_t[i], dy, dx)), threads)
            dy = dx
        d_kernels, d_biases, d_dense, d_dense_bias = (s.sum(axis=0) for s in sums)
        return dy, d_kernels, d_biases, d_dense, d_dense_bias

    def gated(
        self, x: Any, kernels: Any, biases: Any, dense: Any, dense_bias: Any, scored: int
    ) -> Any:
        """Return for tensors what `forward` returns first, with its gradient.

        Args:
            x: as for `forward`, as those that follow.
            kernels: see there.
            biases: see there.
            dense: see there.
            dense_bias: see there.
            scored: see there.
        """
        import tensorflow as tf

        shape = (x.shape[0], scored, kernels.shape[0] * kernels.shape[3] // 2)

        def forward(*given: Array) -> tuple[Array, ...]:
            x, kernels, biases, dense, dense_bias = given
            return self.forward(x, kernels, biases, dense, dense_bias, scored)

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def run(*inputs: Any) -> Any:
            out = tf.numpy_function(forward, inputs, [tf.float32] * 3)
            gated, kept = tf.ensure_shape(out[0], shape), out[1:]

            def gradient(upstream: Any) -> Any:
                x, kernels, _, dense, _ = inputs
                given = (upstream, x, *kept, kernels, dense)
                found = tf.numpy_function(self.backward, given, [tf.float32] * 5)
                return [tf.ensure_shape(d, i.shape) for d, i in zip(found, inputs, strict=True)]

            return gated, gradient

        return run(x, kernels, biases, dense, dense_bias)


def _with(
    kernel: Callable[..., None],
    place: tuple[int, ...],
    arrays: tuple[Array, ...],
    sums: Sequence[Array] = (),
) -> Callable[[int], None]:
    """Return a function of a part's number; of `sums`, each part has its own."""
    return lambda part: kernel(part, PARTS, *place, *arrays, *[s[part] for s in sums])
