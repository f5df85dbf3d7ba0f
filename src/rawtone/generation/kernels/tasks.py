"""What a kernel is asked to do with codes: to hear them, to score them, to make them.

One compiled function does all three, as compiling takes seconds.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rawtone.generation.kernels.sampling import choose, log_probability
from rawtone.generation.kernels.turning import set_apart

HEAR, SCORE, MAKE = 0, 1, 2
Floats = NDArray[np.float32]
Codes = NDArray[np.int32]


class Task(NamedTuple):
    """What to do with n samples of each stream.

    Attributes:
        kind: HEAR, SCORE or MAKE.
        codes: int32 [n, lanes]; to make, written.
        scores: float64 [n, lanes], natural logarithms of probabilities; to score, written.
        temperatures: float32 [n, lanes].
        top_p: float32 [lanes].
        uniforms: float32 [n, 2, lanes].
    """

    kind: int
    codes: Codes
    scores: NDArray[np.float64]
    temperatures: Floats
    top_p: Floats
    uniforms: Floats


def hearing(codes: Codes, lanes: int) -> Task:
    """Let all streams hear codes [n]."""
    return _given(HEAR, np.repeat(codes[:, None], lanes, axis=1), 0)


def scoring(codes: Codes) -> Task:
    """Find how likely codes [n, lanes] are."""
    return _given(SCORE, np.ascontiguousarray(codes), len(codes))


def _given(kind: int, codes: Codes, scored: int) -> Task:
    lanes = codes.shape[1]
    none = np.zeros((0, lanes), np.float32)
    return Task(kind, codes, np.zeros((scored, lanes)), none, none[:, 0], none[:, None])


@njit(nogil=True)  # type: ignore[untyped-decorator]
def settle(task: Any, sample: int, logits: Any, levels: int, own: Any, code: Any) -> None:
    """Set the code of each stream to the next one: drawn, or given.

    Args:
        task: `Task`.
        sample: which of its samples.
        logits: float32 [outputs, lanes], of which the first `levels` count.
        levels: number of codes.
        own: float32 [lanes, outputs]; overwritten.
        code: int32 [1, lanes]. Written.
    """
    if task.kind != HEAR:
        set_apart(logits, own)
    for lane in range(code.shape[1]):
        if task.kind == MAKE:
            temperature, uniform = task.temperatures[sample, lane], task.uniforms[sample, 0, lane]
            top_p = task.top_p[lane]
            task.codes[sample, lane] = choose(own[lane], levels, temperature, top_p, uniform)
        code[0, lane] = task.codes[sample, lane]
        if task.kind == SCORE:
            task.scores[sample, lane] = log_probability(own[lane], levels, code[0, lane])
