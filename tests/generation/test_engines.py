"""Which engine is taken, by itself and when asked for."""

import pytest

from rawtone.errors import UserError
from rawtone.generation import engines
from rawtone.generation.kernel import Kernel
from rawtone.generation.loop import Loop
from rawtone.models import backend
from tests.generation.kernels.wavenets import wavenet

RATE = 16_000


def test_a_cpu_takes_the_kernel_where_there_is_one() -> None:
    assert isinstance(engines.make(wavenet(), RATE), Kernel)
    assert isinstance(engines.make(wavenet(output={"kind": "regression"}), RATE), Loop)


def test_an_accelerator_takes_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "device", lambda: "GPU of some kind, memory growth on")
    assert isinstance(engines.make(wavenet(), RATE), Loop)
    assert isinstance(engines.make(wavenet(), RATE, "kernel"), Kernel)
    with pytest.raises(
        UserError, match=r"sampling.precision: there is no kernel .* on this device"
    ):
        engines.make(wavenet(), RATE, precision="int8")


def test_the_loop_can_be_had() -> None:
    assert isinstance(engines.make(wavenet(), RATE, "loop"), Loop)


def test_a_kernel_that_there_is_not_is_an_error() -> None:
    model = wavenet(output={"kind": "regression"})
    with pytest.raises(
        UserError, match=r"sampling.engine: there is no kernel for a wavenet with output regression"
    ):
        engines.make(model, RATE, "kernel")
    with pytest.raises(UserError, match=r"--precision: there is no kernel"):
        engines.choose(model, precision="int8", where="--")
