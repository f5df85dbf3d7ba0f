"""sampling.prime: clips go on from a recording, and are made anew when it changes."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from rawtone import cli, model_settings, params
from rawtone.audio import quantizers
from rawtone.errors import UserError
from rawtone.files import sha256, write_json
from rawtone.models import backend
from rawtone.stages import layout, settings
from rawtone.training.checkpoints import write_arrays

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402

RESULTS, RECORDING = Path("results/mine"), Path("prime.flac")
MODEL = {"dilations": [1, 2], "residual_channels": 2, "dilation_channels": 2, "skip_channels": 2}
SAMPLING = {"seconds": 0.1, "temperatures": [1.0], "seeds": [0, 1]}
PRIME = {"recording": str(RECORDING), "seconds": 0.5}


def record(hertz: float = 200) -> Path:
    """Write a second of a tone at 8 kHz to the prime's place."""
    soundfile.write(RECORDING, 0.3 * np.sin(2 * np.pi * hertz * np.arange(8000) / 8000), 8000)
    return RECORDING


def write(prime: dict[str, Any] | None, preset: str = "wavenet-demo") -> None:
    """Write params.yaml of an experiment `mine` at 4 kHz whose clips go on from a prime."""
    corpus = {"sources": [{"demo": "sine"}], "sample_rate": 4000}
    sampling = SAMPLING | ({} if prime is None else {"prime": prime})
    mine = {"corpus": "demo", "preset": preset, "sampling": sampling}
    if preset == "wavenet-demo":
        mine["model"] = MODEL
    text = yaml.safe_dump({"corpora": {"demo": corpus}, "experiments": {"mine": mine}})
    Path("params.yaml").write_text(text)


def sample_settings(prime: dict[str, Any] | None = PRIME) -> dict[str, Any]:
    """Return what `rawtone settings` writes for the sample stage."""
    write(prime)
    settings.run()
    return dict(layout.read_settings("sample", "mine")["sampling"])


@pytest.fixture
def recording(project: Path) -> Path:
    return record()


@pytest.fixture
def published(recording: Path) -> None:
    """Publish a model that learned nothing, of large weights, so that what it heard shows."""
    sample_settings()
    learned = layout.read_settings("train", "mine")
    # TensorFlow has begun with its own number of threads in this process
    training = learned["training"] | {"threads": None}
    config = learned | {"run": "0123456789ab", "training": training}
    model = build(model_settings.model(config["model"]), Audio(quantizers.make("mu-law", 256)))
    (RESULTS / "checkpoints").mkdir(parents=True)
    weights = RESULTS / "checkpoints/step-00000020.npz"
    random = np.random.default_rng(0)
    write_arrays(weights, {v.path: random.normal(size=v.shape).astype("f4") for v in model.weights})
    row = {"step": 20, "file": f"checkpoints/{weights.name}", "sha256": sha256(weights)}
    write_json(RESULTS / "checkpoints.json", {"run": config["run"], "checkpoints": [row]})
    write_json(RESULTS / "config.json", config)


def clips(prime: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the rows of clips.json when clips were made with a prime."""
    sample_settings(prime)
    assert cli.main(["sample", "mine"]) == 0
    rows: list[dict[str, Any]] = json.loads((RESULTS / "clips.json").read_text())
    return rows


def test_primed_clips_are_others_and_clips_json_says_of_what(published: None) -> None:
    plain, primed = clips(None), clips(PRIME)
    checksum = sha256(RECORDING)
    for one, other in zip(plain, primed, strict=True):
        assert one["sha256"] != other["sha256"]
        assert "prime" not in one
        assert other["prime"] == PRIME | {"start": 0.0, "sha256": checksum}
    assert clips(PRIME | {"start": 0.251})[0]["sha256"] != primed[0]["sha256"]
    assert clips(PRIME) == primed


def test_a_recording_that_changed_since_makes_no_clips(
    published: None, capsys: pytest.CaptureFixture[str]
) -> None:
    sample_settings()
    record(hertz=300)
    assert cli.main(["sample", "mine"]) == 1
    assert "error: sampling.prime.recording: prime.flac is not the one" in capsys.readouterr().err
    assert not (RESULTS / "clips").exists()


def test_settings_are_others_when_the_recordings_content_is(recording: Path) -> None:
    before = sample_settings()
    assert before["prime"]["sha256"] == sha256(recording)
    recording.touch()
    assert sample_settings() == before
    record(hertz=300)
    assert sample_settings()["prime"]["sha256"] == sha256(recording) != before["prime"]["sha256"]


def test_settings_without_a_prime_say_nothing_of_it(project: Path) -> None:
    assert sample_settings(None) == SAMPLING | {"labels": "all"}


def test_a_recording_that_is_elsewhere_stays_as_it_was(recording: Path) -> None:
    before = sample_settings()
    recording.unlink()
    assert sample_settings() == before
    assert sample_settings(PRIME | {"start": 0.1})["prime"]["sha256"] == before["prime"]["sha256"]


def test_another_recording_that_is_not_there_is_refused(recording: Path) -> None:
    sample_settings()
    with pytest.raises(
        UserError,
        match=r"^experiments\.mine\.sampling\.prime\.recording: no such file: other\.wav; put",
    ):
        sample_settings({"recording": "other.wav"})
    shutil.rmtree("settings")
    recording.unlink()
    with pytest.raises(UserError, match=r"no such file: prime\.flac"):
        sample_settings()


def test_a_folder_is_no_recording(project: Path) -> None:
    Path("music").mkdir()
    with pytest.raises(UserError, match=r"recording: music cannot be read \(Is a directory\)"):
        sample_settings({"recording": "music"})


def test_less_than_the_model_hears_at_once_is_refused(project: Path) -> None:
    write({"recording": "prime.flac", "seconds": 0.02}, preset="spectral-demo")
    with pytest.raises(
        UserError, match=r"prime\.seconds: expected at least 0\.032, .* found 0\.02"
    ):
        params.resolve()
