"""Start Keras and its backend: without its chatter, and reproducibly."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


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


def start() -> None:
    """Import Keras, with TensorFlow unless KERAS_BACKEND names another backend."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _without_chatter():
        import keras

        if keras.backend.backend() == "tensorflow":
            import tensorflow

            for gpu in tensorflow.config.list_physical_devices("GPU"):
                tensorflow.config.experimental.set_memory_growth(gpu, True)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors for the backend in use."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        fast: Callable[..., Any] = tensorflow.function(function, jit_compile=True)
        return fast
    if keras.backend.backend() == "jax":
        import jax

        jitted: Callable[..., Any] = jax.jit(function)
        return jitted
    return function


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
        "threads": len(os.sched_getaffinity(0)) if Path("/proc").exists() else os.cpu_count(),
        "devices": sorted({device.split(":")[0] for device in keras.distribution.list_devices()}),
    }
