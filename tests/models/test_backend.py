"""How the backend is started, what it says of the device, and how it runs out of memory.

Starting decides for a whole process, so those tests start processes of their own.
"""

import os
import re
import subprocess
import sys

import pytest

from rawtone.errors import UserError
from rawtone.models import backend

XLA = (
    "import keras, tensorflow as tf; from rawtone.models.backend import compiled;"
    "print(float(compiled(lambda x: x + 1)(tf.ones(()))))"
)


def in_a_process(start: str, then: str, **environment: str) -> str:
    """Return what a process prints that starts the backend and goes on."""
    code = f"import os; from rawtone.models import backend; backend.{start}; {then}"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("XLA_", "TF_", "KERAS_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.removesuffix("\n")


@pytest.mark.parametrize(
    ("start", "before", "after"),
    [
        ("start(); backend.start()", "", "--xla_gpu_deterministic_ops=true"),
        (
            "start()",
            "--xla_cpu_enable_fast_math=false",
            "--xla_cpu_enable_fast_math=false --xla_gpu_deterministic_ops=true",
        ),
        ("start()", "--xla_gpu_deterministic_ops=false", "--xla_gpu_deterministic_ops=false"),
        ("start(deterministic=False)", "", ""),
    ],
)
def test_determinism_is_added_to_what_the_user_has_and_xla_takes_it(
    start: str, before: str, after: str
) -> None:
    # XLA ends a process that gives it a flag it does not know.
    then = f"print(os.environ.get('XLA_FLAGS', '')); {XLA}"
    environment = {"XLA_FLAGS": before} if before else {}
    assert in_a_process(start, then, **environment).split("\n") == [after, "2.0"]


def test_tables_and_plots_that_nobody_asks_keras_for_cost_no_time() -> None:
    """And are there for whoever does ask."""
    then = "import sys; print({'pandas', 'matplotlib'} & {*sys.modules}); import matplotlib, pandas"
    assert in_a_process("start()", then) == "set()"


def test_as_many_threads_compute_as_the_settings_say() -> None:
    """Whatever the machine has, so that another one gets the same last bits."""
    printed = in_a_process(
        "start(threads=3)", "print(backend.device(), backend.facts()['threads'])"
    )
    assert printed == "CPU, 3 threads 3"


def test_several_workers_are_refused_on_a_backend_that_they_were_not_tried_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend.start()
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match=r"workers: expected 1 with the backend jax, found 2"):
        backend.start(workers=2)


def test_the_device_is_one_line_with_what_there_is_of_it() -> None:
    backend.start()
    line = backend.device()
    assert re.fullmatch(r"CPU, \d+ threads|GPU .+, memory growth (on|off)", line)
    if line.startswith("CPU"):
        assert line == f"CPU, {backend.facts()['threads']} threads"


def test_running_out_of_memory_tells_which_setting_helps() -> None:
    backend.start()
    import tensorflow

    with (
        pytest.raises(UserError, match=r"out of memory on this device \(.+\): lower batch_size"),
        backend.explaining_memory("lower batch_size"),
    ):
        tensorflow.zeros([1 << 44])


def test_jax_running_out_of_memory_is_told_by_its_status() -> None:
    class XlaRuntimeError(RuntimeError):
        """As JAX raises it, which is not installed here."""

    with (
        pytest.raises(UserError, match="lower batch_size"),
        backend.explaining_memory("lower batch_size"),
    ):
        raise XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 17179869184 bytes.")


@pytest.mark.parametrize(
    "error", [ValueError("RESOURCE_EXHAUSTED of ideas"), RuntimeError("INTERNAL: a bug")]
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)), backend.explaining_memory("lower it"):
        raise error
