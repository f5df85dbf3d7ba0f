"""Drawing a code for each stream."""

from typing import Any

from numba import njit

from rawtone.generation.kernels.sampling import choose


@njit(nogil=True)  # type: ignore[untyped-decorator]
def draw(
    logits: Any,
    levels: int,
    temperatures: Any,
    top_p: Any,
    uniforms: Any,
    own: Any,
    codes: Any,
) -> None:
    """Draw a code for each stream.

    Args:
        logits: float32 [outputs, lanes], of which the first `levels` count.
        levels: number of codes.
        temperatures: float32 [lanes].
        top_p: float32 [lanes].
        uniforms: float32 [lanes].
        own: float32 [outputs]; overwritten.
        codes: int32 [lanes]. Written.
    """
    for lane in range(len(codes)):
        for code in range(len(own)):
            own[code] = logits[code, lane]
        codes[lane] = choose(own, levels, temperatures[lane], top_p[lane], uniforms[lane])
