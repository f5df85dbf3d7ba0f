"""A warm start takes exactly the weights that the settings name, or says why it cannot."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.errors import UserError
from rawtone.files import canonical_json, sha256, write_json
from rawtone.model_settings import WaveNet
from rawtone.stages import layout, origin
from rawtone.training.checkpoints import Arrays, write_arrays

BITS = {10: 3.5, 20: 2.5, 30: 2.5, 40: None}
MODEL = WaveNet(
    family="wavenet",
    dilations=[1, 2],
    filter_width=2,
    residual_channels=4,
    dilation_channels=4,
    skip_channels=4,
    biases=True,
)


def run_key(settings: dict[str, Any]) -> str:
    """Name a run as the stage train does: by its settings, the chunks and the origin's weights."""
    found = origin.find(settings, run_key)
    chunks = sha256(layout.chunks(settings["corpus"]) / "chunks.npy")
    own = {key: value for key, value in settings.items() if key != "start_from"}
    decisive = own | {"chunks": chunks, "origin": found.sha256 if found else None}
    return hashlib.sha256(canonical_json(decisive).encode()).hexdigest()[:12]


def settings_of(name: str, **keys: Any) -> dict[str, Any]:
    """Write and return an experiment's settings of the stage train."""
    table = {"corpus": "mine", "seed": name} | keys
    write_json(layout.settings("train", name), table)
    return table


def begin(name: str, step: Any = "best") -> dict[str, Any]:
    """Return the key `start_from` of settings."""
    return {"start_from": {"experiment": name, "step": step, "decides": "0"}}


def publish(name: str, arrays: Arrays | None = None) -> str:
    """Publish checkpoints as the stage train does; return the run."""
    settings = layout.read_settings("train", name)
    key, folder, listed = run_key(settings), layout.results(name), []
    for step, bits in BITS.items():
        file = f"checkpoints/step-{step:08d}.npz"
        write_arrays(folder / file, arrays or {"w": np.full(3, step, np.float32)})
        entry = {"step": step, "file": file, "sha256": sha256(folder / file)}
        listed.append(entry | {"validation_loss": bits})
    found = origin.find(settings, run_key)
    own = {"origin": found.facts} if found else {}
    write_json(folder / "config.json", settings | {"run": key} | own)
    write_json(folder / "checkpoints.json", {"run": key, "checkpoints": listed})
    return key


@pytest.fixture
def band(project: Path) -> Path:
    """Publish an experiment `band`; return the folder of its results."""
    chunks = layout.chunks("mine") / "chunks.npy"
    chunks.parent.mkdir(parents=True)
    chunks.write_bytes(b"sound")
    settings_of("band")
    publish("band")
    return layout.results("band")


def found(step: Any = "best") -> origin.Origin:
    """Find what an experiment that begins from band begins from."""
    result = origin.find(settings_of("mix", **begin("band", step)), run_key)
    assert result is not None
    return result


def complaint(step: Any = "best") -> str:
    """Return the one line that says why band cannot be begun from."""
    with pytest.raises(UserError) as caught:
        found(step)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_an_origin_there_is_none(band: Path) -> None:
    assert origin.find(layout.read_settings("train", "band"), run_key) is None


@pytest.mark.parametrize(("step", "number"), [("best", 20), ("last", 40), (10, 10), (40, 40)])
def test_the_checkpoint_is_the_one_asked_for(band: Path, step: Any, number: int) -> None:
    """Of two that are equally good, the earlier is the best."""
    result = found(step)
    run = json.loads((band / "config.json").read_text())["run"]
    digest = sha256(band / f"checkpoints/step-{number:08d}.npz")
    assert (result.path, result.sha256) == (band / f"checkpoints/step-{number:08d}.npz", digest)
    facts = {"experiment": "band", "run": run, "step": number, "sha256": digest}
    assert result.facts == facts


def test_a_step_that_is_not_published(band: Path) -> None:
    assert complaint(25).startswith("start_from.step: 'band' has no checkpoint '25'; expected one")
    assert "(10, 20, 30, 40)" in complaint(25)


def test_nothing_was_validated(band: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.BITS", {10: None})
    publish("band")
    assert "of those validated: none" in complaint("best")
    assert found("last").step == 10


@pytest.mark.parametrize("lost", ["config.json", "checkpoints.json"])
def test_an_origin_that_is_not_trained(band: Path, lost: str) -> None:
    (band / lost).unlink()
    assert complaint() == (
        "start_from.experiment: 'band' is not trained as params.yaml has it now; run `snakemake` "
        "or `dvc repro train@band` first"
    )


def test_an_origin_whose_settings_or_sounds_changed_since(band: Path) -> None:
    settings_of("band", seed="another")
    assert "is not trained as params.yaml has it now" in complaint()
    settings_of("band")
    assert found().step == 20
    chunks = layout.chunks("mine") / "chunks.npy"
    chunks.write_bytes(b"other sound")
    assert "is not trained as params.yaml has it now" in complaint()
    chunks.unlink()
    assert "is not trained as params.yaml has it now" in complaint()


def test_a_publication_that_was_cut_short(band: Path) -> None:
    """config.json is new, checkpoints.json still that of the run before."""
    manifest = json.loads((band / "checkpoints.json").read_text())
    write_json(band / "checkpoints.json", manifest | {"run": "0123456789ab"})
    assert "is not trained as params.yaml has it now" in complaint()


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_damaged_weights(band: Path, damage: Any) -> None:
    damage(band / "checkpoints/step-00000020.npz")
    assert "publish it anew by running: rawtone train band" in complaint()
    assert found("last").step == 40


def test_a_chain_is_told_whole_and_followed_down(band: Path) -> None:
    settings_of("mix", **begin("band"))
    publish("mix")
    more = settings_of("more", **begin("mix", "last"))
    result = origin.find(more, run_key)
    assert result is not None
    assert (result.facts["experiment"], result.facts["step"]) == ("mix", 40)
    assert result.facts["origin"] == found().facts
    settings_of("band", seed="another")
    with pytest.raises(UserError, match="'band' is not trained"):
        origin.find(more, run_key)
    publish("band", {"w": np.zeros(3, np.float32)})  # now mix is what it was no longer trained from
    with pytest.raises(UserError, match="'mix' is not trained"):
        origin.find(more, run_key)


@pytest.fixture(scope="module")
def model() -> Any:
    """Build a tiny model."""
    from rawtone.models.families import build
    from rawtone.models.family import Audio

    return build(MODEL, Audio(quantizers.make("mu-law", 16)), seed=1)


def weights_of(model: Any) -> Arrays:
    """Return what is published of a model."""
    return {variable.path: variable.numpy() for variable in model.weights}


def test_the_model_gets_the_weights(band: Path, model: Any) -> None:
    wanted = {path: array + 1 for path, array in weights_of(model).items()}
    publish("band", wanted)
    found().load(model)
    got = weights_of(model)
    assert all(np.array_equal(got[path], wanted[path]) for path in wanted)


@pytest.mark.parametrize("change", ["absent", "extra", "shape"])
def test_weights_of_another_model_are_refused_and_change_nothing(
    band: Path, model: Any, change: str
) -> None:
    before = weights_of(model)
    arrays = {path: array + 1 for path, array in before.items()}
    path = max(arrays)
    if change == "absent":
        del arrays[path]
    elif change == "extra":
        arrays["zzz"] = np.zeros(1)
    else:
        arrays[path] = np.zeros((1, 2, 3))
    publish("band", arrays)
    with pytest.raises(UserError, match=r"does not fit the model: .* in the file") as caught:
        found().load(model)
    assert "\n" not in str(caught.value)
    assert all(np.array_equal(array, before[path]) for path, array in weights_of(model).items())
