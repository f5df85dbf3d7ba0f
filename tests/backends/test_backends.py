"""The code of all families trains and generates the same on every backend of Keras.

Each backend computes in a process of its own, from the same weights and the same batches.
"""

import json
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from rawtone.models import backend
from rawtone.models.families import FAMILIES

backend.start()

pytestmark = pytest.mark.backends
HERE = Path(__file__).parent
MODELS = yaml.safe_load((HERE / "models.yaml").read_text())


def installed(name: str) -> Any:
    """Give a parameter that is skipped, with what to do, where a backend is not installed."""
    missing = find_spec(name) is None
    reason = f"{name} is not installed; run: make test-backends"
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=reason))


@cache
def computed(name: str, *arguments: str) -> dict[str, list[Any]]:
    """Return what compute.py prints with a backend."""
    result = subprocess.run(
        [sys.executable, HERE / "compute.py", *arguments],
        env=os.environ | {"KERAS_BACKEND": name},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, list[Any]] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_every_family_is_tried() -> None:
    assert {table["family"] for table in MODELS.values()} == set(FAMILIES)


@pytest.mark.parametrize("other", [installed("jax"), installed("torch")])
def test_losses_of_training_are_those_of_tensorflow(other: str) -> None:
    expected, found = computed("tensorflow", "train"), computed(other, "train")
    assert list(found) == list(MODELS)
    for name, losses in found.items():
        assert losses == pytest.approx(expected[name], rel=1e-4), name


@pytest.mark.parametrize("other", [installed("jax")])
def test_generated_codes_are_those_of_tensorflow(other: str) -> None:
    names = ("wavenet", "samplernn", "next_sample with a convolution")
    assert computed(other, "generate", *names) == computed("tensorflow", "generate", *names)
