"""Start Keras and its backend: without its chatter, and reproducibly."""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rawtone.errors import UserError

_DETERMINISTIC = "--xla_gpu_deterministic_ops"
# What Keras imports if it is there, for things that nobody here asks of it: a fifth of every start.
_UNNEEDED = ("h5py", "matplotlib", "pandas")


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Hold back what C libraries print while they load; show it only if loading fails."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(terminal, kept.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


@contextmanager
def _leaving_out(packages: tuple[str, ...]) -> Iterator[None]:
    """Let packages that nobody imported yet seem to be missing."""
    hidden = [name for name in packages if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # as the import system has it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def start(deterministic: bool = True, threads: int | None = None, workers: int = 1) -> None:
    """Import Keras, with TensorFlow unless KERAS_BACKEND names another backend.

    Args:
        deterministic: GPUs give the same bytes again, at a cost. CPUs do under XLA, always.
            (TensorFlow's enable_op_determinism would turn XLA off in Keras's trainer.)
        threads: to compute with on the CPU; None takes as many as the machine has. Sums are split
            by threads, so their last bits depend on this, and not on how many cores there are.
        workers: processes that train together.

    Raises:
        UserError: the backend cannot be told how many threads to take, or several workers cannot
            train with it.
    """
    # where one of several ends, TensorFlow tells at length what all the others know already
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if workers == 1 else "3")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if deterministic:
        _make_deterministic()
    with _without_chatter(), _leaving_out(_UNNEEDED):
        import keras

        if keras.backend.backend() == "tensorflow":
            import tensorflow

            if threads is not None:
                tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
            for gpu in tensorflow.config.list_physical_devices("GPU"):
                tensorflow.config.experimental.set_memory_growth(gpu, True)
    if keras.backend.backend() != "tensorflow":
        _refuse("threads", threads, None)
        _refuse("workers", workers, 1)


def _refuse(name: str, found: int | None, expected: int | None) -> None:
    import keras

    if found != expected:
        wanted = "null" if expected is None else expected
        raise UserError(
            f"training.{name}: expected {wanted} with the backend {keras.backend.backend()}, found "
            f"{found}; change it, or let KERAS_BACKEND be tensorflow"
        )


def _make_deterministic() -> None:
    """Ask XLA for it, which reads its flags once, unless the user has said something about it."""
    flags = os.environ.get("XLA_FLAGS", "")
    if _DETERMINISTIC not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_DETERMINISTIC}=true".strip()


def compiled(function: Callable[..., Any], jit: bool = True) -> Callable[..., Any]:
    """Compile a function of tensors for the backend in use.

    Args:
        function: of tensors, whose gradients nobody needs.
        jit: whether by XLA, where the backend has another way, too.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        fast: Callable[..., Any] = tensorflow.function(function, jit_compile=jit)
        return fast
    if keras.backend.backend() == "jax":
        import jax

        jitted: Callable[..., Any] = jax.jit(function)
        return jitted
    return _without_gradients(function)


def _without_gradients(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let PyTorch record nothing, and take arrays: it multiplies a tensor by no array."""
    import keras
    import torch

    def run(*inputs: Any) -> Any:
        with torch.no_grad():
            return function(*keras.tree.map_structure(keras.ops.convert_to_tensor, inputs))

    return run


def device() -> str:
    """Say in words what computes: a GPU and how it takes its memory, or how many threads."""
    import keras

    backend = keras.backend.backend()
    name, grows = _ACCELERATORS.get(backend, lambda: ("", False))()
    if not name:
        return f"CPU, {threads()} threads"
    return f"{name}, memory growth {'on' if grows else 'off'}"


def _of_tensorflow() -> tuple[str, bool]:
    from tensorflow import config

    for gpu in config.list_physical_devices("GPU")[:1]:
        name = config.experimental.get_device_details(gpu).get("device_name", "of unknown name")
        return f"GPU {name}", config.experimental.get_memory_growth(gpu)
    return "", False


def _of_jax() -> tuple[str, bool]:
    import jax

    first = jax.devices()[0]
    name = "" if first.platform == "cpu" else f"{first.platform.upper()} {first.device_kind}"
    return name, os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"].lower() in ("false", "0")


# What computes in place of the CPU, if anything, and whether it takes memory only as needed.
_ACCELERATORS = {"tensorflow": _of_tensorflow, "jax": _of_jax}


@contextmanager
def explaining_memory(hint: str) -> Iterator[None]:
    """Turn the backend's failure to find memory into a line that helps.

    Args:
        hint: which settings would take less.

    Raises:
        UserError: the device's memory did not suffice.
    """
    try:
        yield
    except Exception as error:
        if not _is_out_of_memory(error):
            raise
        raise UserError(f"out of memory on this device ({device()}): {hint}") from error


def _is_out_of_memory(error: Exception) -> bool:
    """Tell TensorFlow's ResourceExhaustedError, and JAX's runtime error of that status."""
    kind = type(error).__name__
    said = "RESOURCE_EXHAUSTED" in str(error)
    return kind == "ResourceExhaustedError" or (kind.endswith("RuntimeError") and said)


def threads() -> int:
    """Return with how many threads the CPU is to compute."""
    import keras

    if keras.backend.backend() == "tensorflow":
        from tensorflow import config

        if chosen := int(config.threading.get_intra_op_parallelism_threads()):
            return chosen
    return cores()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if Path("/proc").exists() else os.cpu_count() or 1


def cpu() -> str:
    """Return the kind of CPU, by its name where the system tells one: kinds differ in last bits."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def facts() -> dict[str, Any]:
    """Return what a run's record says of the machinery: versions, threads, device."""
    import keras
    import numpy

    backend = keras.backend.backend()
    return {
        "backend": backend,
        "versions": {
            "keras": keras.__version__,
            backend: __import__(backend).__version__,
            "numpy": numpy.__version__,
            "python": ".".join(map(str, sys.version_info[:3])),
        },
        "cpu": cpu(),
        "threads": threads(),
        "devices": sorted({device.split(":")[0] for device in keras.distribution.list_devices()}),
    }
