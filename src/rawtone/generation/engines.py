"""Which engine makes the streams of a model."""

from typing import Any, Literal

from rawtone.generation.engine import Engine
from rawtone.generation.kernel import Kernel, Precision
from rawtone.generation.kernels.wavenet import WaveNetKernel
from rawtone.generation.loop import Loop
from rawtone.models import backend
from rawtone.models.family import Family

Wanted = Literal["auto", "kernel", "loop"]

KERNELS: tuple[Any, ...] = (WaveNetKernel,)


def make(
    model: Family,
    sample_rate: int,
    wanted: Wanted = "auto",
    precision: Precision = "float32",
    threads: int | None = None,
    lanes: int | None = None,
) -> Engine:
    """Make an engine for a model with the weights that it has now.

    Args:
        model: of a family.
        sample_rate: samples a second.
        wanted: the kernel, the compiled loop, or whichever is faster: the kernel, where there is
            one and a CPU computes.
        precision: of a kernel's weights.
        threads: of a kernel; None takes as many as there are cores.
        lanes: streams that are made together at most; None takes what suits the engine.
    """
    fitting = next((kernel for kernel in KERNELS if kernel.fits(model)), None)
    on_cpu = backend.device().startswith("CPU")
    if fitting is not None and (wanted == "kernel" or (wanted == "auto" and on_cpu)):
        kernel = fitting(model, precision)
        return Kernel(kernel, model.audio, sample_rate, threads, lanes or 256)
    return Loop(model, sample_rate, lanes or 16)
