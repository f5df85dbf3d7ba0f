"""Which engine makes the streams of a model."""

from typing import Any, Literal

from rawtone.errors import UserError
from rawtone.generation.engine import Engine
from rawtone.generation.kernel import FamilyKernel, Kernel, Precision
from rawtone.generation.kernels.next_sample import NextSampleKernel
from rawtone.generation.kernels.samplernn import SampleRNNKernel
from rawtone.generation.kernels.wavenet import WaveNetKernel
from rawtone.generation.loop import Loop
from rawtone.models import backend
from rawtone.models.family import Family

Wanted = Literal["auto", "kernel", "loop"]

KERNELS: tuple[type[FamilyKernel], ...] = (NextSampleKernel, SampleRNNKernel, WaveNetKernel)


def kernel_of(model: Family) -> type[FamilyKernel] | None:
    """Return the kernel that a model's family has, if it can do all that its settings ask for."""
    return next((kernel for kernel in KERNELS if kernel.fits(model)), None)


def make(
    model: Family,
    sample_rate: int,
    wanted: Wanted = "auto",
    precision: Precision = "float32",
    threads: int | None = None,
    lanes: int | None = None,
    before: Engine | None = None,
) -> Engine:
    """Make an engine for a model. After its weights have changed, make another.

    Args:
        model: of a family.
        sample_rate: samples a second.
        wanted: the kernel, the compiled loop, or whichever is faster: the kernel, where there is
            one and a CPU computes.
        precision: of a kernel's weights.
        threads: of a kernel; None takes as many as there are cores.
        lanes: streams that are made together at most; None takes what suits the engine.
        before: what was made for the same model with other weights, and the same of all else; what
            it has compiled is used again.

    Raises:
        UserError: no kernel does what is wanted.
    """
    kernel = kernel_of(model)
    chosen = wanted
    if wanted == "auto":
        on_cpu = backend.device().startswith("CPU")
        chosen = "kernel" if kernel is not None and on_cpu else "loop"
    if chosen == "loop":
        if precision != "float32":
            raise UserError(_needs_kernel("precision", precision, "float32", kernel, model))
        if isinstance(before, Loop) and before.model is model:
            return before
        return Loop(model, sample_rate, **({} if lanes is None else {"lanes": lanes}))
    if kernel is None:
        raise UserError(_needs_kernel("engine", "kernel", "auto or loop", kernel, model))
    packed: Any = kernel(model, precision)
    return Kernel(packed, model.audio, sample_rate, threads, lanes)


def _needs_kernel(key: str, found: str, expected: str, kernel: Any, model: Family) -> str:
    reason = (
        f"the engine is the compiled loop on this device ({backend.device()})"
        if kernel is not None
        else f"there is no kernel for {model.name} with output {model.settings.output.kind}"
    )
    return f"sampling.{key}: expected {expected}, found {found}: {reason}; set it to {expected}"
