"""Which engine makes the streams of a model."""

from typing import Literal

from rawtone.errors import UserError
from rawtone.generation.kernel import FamilyKernel, Kernel, Precision
from rawtone.generation.kernels.lpc_lru import LpcLruKernel
from rawtone.generation.kernels.next_sample import NextSampleKernel
from rawtone.generation.kernels.samplernn import SampleRNNKernel
from rawtone.generation.kernels.wavenet import WaveNetKernel
from rawtone.generation.loop import Loop
from rawtone.models import backend
from rawtone.models.family import Family

Wanted = Literal["auto", "kernel", "loop"]

KERNELS: tuple[type[FamilyKernel], ...] = (
    LpcLruKernel,
    NextSampleKernel,
    SampleRNNKernel,
    WaveNetKernel,
)


def kernel_of(model: Family) -> type[FamilyKernel] | None:
    """Return the kernel that a model's family has, if it can do all that its settings ask for."""
    return next((kernel for kernel in KERNELS if kernel.fits(model)), None)


def choose(
    model: Family,
    wanted: Wanted = "auto",
    precision: Precision = "float32",
    where: str = "sampling.",
) -> type[FamilyKernel] | None:
    """Return the kernel that is to make the streams of a model; None for the compiled loop.

    Args:
        model: of a family.
        wanted: the kernel, the compiled loop, or whichever is faster: the kernel, where there is
            one and a CPU computes.
        precision: of a kernel's weights.
        where: stands before the names of keys that are to be mended.

    Raises:
        UserError: no kernel does what is wanted.
    """
    kernel = kernel_of(model)
    if wanted != "loop" and kernel is not None and (wanted == "kernel" or on_a_cpu()):
        return kernel
    for key, found, expected in (
        ("engine", wanted == "kernel", "auto or loop"),
        ("precision", precision != "float32", "float32"),
    ):
        if found:
            kind = f"a {model.name} with output {model.settings.output.kind}"
            chosen = " if the engine is to be the loop" if wanted == "loop" else " on this device"
            raise UserError(
                f"{where}{key}: there is no kernel for {kind}{chosen}; set it to {expected}"
            )
    return None


def make(
    model: Family,
    sample_rate: int,
    wanted: Wanted = "auto",
    precision: Precision = "float32",
) -> Kernel | Loop:
    """Make an engine for a model as its weights are now.

    Args:
        model: of a family.
        sample_rate: samples a second.
        wanted: as `choose` says.
        precision: of a kernel's weights.

    Raises:
        UserError: no kernel does what is wanted.
    """
    kernel = choose(model, wanted, precision)
    if kernel is None:
        return Loop(model, sample_rate)
    return Kernel(kernel(model, precision), model.audio, sample_rate)


def on_a_cpu() -> bool:
    """Return whether the backend computes on a CPU."""
    return backend.device().startswith("CPU")
