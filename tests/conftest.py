"""Small recordings for tests, and a project to run stages in."""

import gc
import importlib.util
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import hypothesis
import numpy as np
import pytest
import soundfile
import yaml

# What a shell has started in the background, or nohup, ignores these, and so would all that tests
# start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# How long an example takes says something about the machine, and what else it does, alone.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

RATE = 8000
# Two processes share the files out in this order; a long one that came last would keep one idle.
LONGEST_FIRST = (
    "stages/test_kills.py",
    "workflow/test_scenarios.py",
    "workflow/test_notebook.py",
    "workflow/test_warm_start.py",
    "workflow/test_another_machine.py",
    "workflow/test_kills.py",
    "workflow/test_experiments.py",
    "stages/test_workers.py",
    "workflow/test_kill_each_stage.py",
    "workflow/test_agreement.py",
    "stages/test_train_to_evaluate.py",
    "generation/kernels/test_samplernn.py",
    "generation/kernels/test_lpc_lru.py",
    "workflow/test_sources.py",
    "workflow/test_stereo.py",
    "training/test_trainer.py",
    "workflow/test_links.py",
    "models/test_lpc_lru.py",
    "models/test_next_sample_learning.py",
    "stages/test_regression.py",
    "training/test_shared.py",
    "models/test_spectral_learning.py",
    "generation/kernels/test_next_sample.py",
    "generation/kernels/test_wavenet.py",
    "corpus/test_downloads.py",
    "stages/test_hostile_folder.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    tests = Path(__file__).parent
    place = {tests / name: order for order, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def melody(seconds: float, seed: int = 0, amplitude: float = 0.3) -> np.ndarray:
    """Make audio that is nowhere silent and differs by seed: float64 [samples] at 8 kHz."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * (200 + 37 * seed) * time)
    return amplitude * tone * (0.75 + 0.25 * np.sin(2 * np.pi * 3 * time))


def record(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Write samples in the format that the ending of `path` names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty project folder, and work in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def recordings(project: Path) -> Path:
    """Give a folder `music` of four good recordings of 20 s, in the project."""
    folder = project / "music"
    for seed, name in enumerate(("a.wav", "b.flac", "deep/er/c.ogg", "deep/d.wav")):
        record(folder / name, melody(20, seed))
    return folder


@pytest.fixture
def write_params(project: Path):
    """Give a function that writes params.yaml for a corpus `mine`, with changes to its table."""

    def write(**corpus: object) -> None:
        mine = {"sources": [{"folder": "music"}], "sample_rate": RATE} | corpus
        experiment = {"corpus": "mine", "preset": "wavenet-demo"}
        table = {"corpora": {"mine": mine}, "experiments": {"mine": experiment}}
        (project / "params.yaml").write_text(yaml.safe_dump(table))

    return write


def _loopback() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "loopback", Path(__file__).with_name("loopback.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["loopback"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def web() -> Iterator[object]:
    """Give a server on loopback (loopback.py) that has nothing yet."""
    server, end = _loopback().serving()
    yield server
    end()


@pytest.fixture
def free_port() -> int:
    """Give a port of loopback on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


@pytest.fixture
def yt_dlp() -> Iterator[None]:
    """Skip where yt-dlp is not installed, and leave none of its connections to other tests.

    It leaves those of refused requests to the garbage collector; tests that take this fixture
    ignore the warnings for it.
    """
    pytest.importorskip("yt_dlp", reason="yt-dlp is not installed: pip install 'rawtone[pages]'")
    yield
    gc.collect()
