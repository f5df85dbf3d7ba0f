"""sample shows its clips in TensorBoard where the experiment asks for it, and only there."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from rawtone import cli, model_settings
from rawtone.audio import quantizers
from rawtone.files import sha256, write_json
from rawtone.models import backend
from rawtone.training.checkpoints import write_arrays

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402

MODEL = {"dilations": [1, 2], "residual_channels": 2, "dilation_channels": 2, "skip_channels": 2}
RESULTS, SHOWN = Path("results/mine"), Path("runs/0123456789ab/tensorboard/clips")


@pytest.fixture
def published(project: Path) -> dict[str, Any]:
    """Publish a model that learned nothing, and give its config.json."""
    preset = yaml.safe_load((Path(cli.__file__).parent / "presets/wavenet-demo.yaml").read_text())
    config = {
        "run": "0123456789ab",
        "model": preset["model"] | MODEL,
        "quantizer": preset["quantizer"],
        "sample_rate": 4000,
        "channels": 1,
        "training": preset["training"] | {"tensorboard": True, "threads": None},
    }
    model = build(model_settings.model(config["model"]), Audio(quantizers.make("mu-law", 256)))
    (RESULTS / "checkpoints").mkdir(parents=True)
    weights = RESULTS / "checkpoints/step-00000020.npz"
    write_arrays(weights, {v.path: v.numpy() for v in model.weights})
    row = {"step": 20, "file": f"checkpoints/{weights.name}", "sha256": sha256(weights)}
    write_json(RESULTS / "checkpoints.json", {"run": config["run"], "checkpoints": [row]})
    write_json(RESULTS / "config.json", config)
    sampling = {"seconds": 0.1, "temperatures": [0.9, 1.0], "seeds": [0, 1]}
    write_json(Path("settings/sample/mine.json"), {"sampling": sampling})
    return config


def test_each_clip_is_heard_once_however_often_sample_ran(published: dict[str, Any]) -> None:
    for _ in range(2):
        assert cli.main(["sample", "mine"]) == 0
    shown = EventAccumulator(str(SHOWN)).Reload()
    clips = json.loads((RESULTS / "clips.json").read_text())
    assert len(clips) == len(shown.Tags()["tensors"]) == 4
    for clip in clips:
        (heard,) = shown.Tensors(f"temperature {clip['temperature']:g}/seed {clip['seed']}")
        assert heard.step == clip["step"]
        assert heard.tensor_proto.string_val[0] == (RESULTS / clip["wav"]).read_bytes()


def test_nothing_is_shown_unasked(published: dict[str, Any]) -> None:
    published["training"]["tensorboard"] = False
    write_json(RESULTS / "config.json", published)
    assert cli.main(["sample", "mine"]) == 0
    assert not list(Path("runs").glob("*/tensorboard"))


def test_a_missing_package_is_told_before_anything_is_made(
    published: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert cli.main(["sample", "mine"]) == 1
    assert "pip install 'rawtone[tensorboard]'" in capsys.readouterr().err
    assert not (RESULTS / "clips").exists()
