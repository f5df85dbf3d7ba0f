"""What a training will need: refused with the setting to change where it cannot fit."""

from importlib import resources
from pathlib import Path

import pytest
import yaml

from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.errors import UserError
from rawtone.models import backend
from rawtone.settings import Keep
from rawtone.training import estimate
from tests import trainings

backend.start()

from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402

TRAINING = trainings.plain(
    steps=1000, batch_size=8, window=100, validate_every=100, checkpoint_every=100
)


def test_a_step_that_does_not_fit_is_refused_with_the_batch_size_that_does() -> None:
    with pytest.raises(
        UserError, match=r"needs about 8\.00 GB .*batch_size to 2 .*accumulate to 4"
    ):
        estimate.require_memory(8_000_000_000, 2_000_000_000, TRAINING)
    with pytest.raises(UserError, match=r"shorter training\.window"):
        estimate.require_memory(8_000_000_000, 500_000_000, TRAINING)
    estimate.require_memory(8, 8, TRAINING)


def test_checkpoints_that_do_not_fit_on_the_disk_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"need 10\.0 PB of disk.*training\.keep"):
        estimate.require_disk(10**16, tmp_path)
    estimate.require_disk(1000, tmp_path)


def test_what_is_kept_decides_what_a_training_takes_on_disk() -> None:
    few = TRAINING.model_copy(update={"keep": Keep(last=2, best=1)})
    assert estimate.published(TRAINING) == 10
    assert estimate.published(few) == 3
    weights = 4 * 1000
    assert estimate.disk(1000, TRAINING) - estimate.disk(1000, few) == 7 * weights


def test_the_memory_of_a_step_is_foretold_within_a_quarter() -> None:
    # peaks of processes of their own, less what the imports took; see docs/log.md
    measured = {("wavenet-demo", 32, 8192): 3.65e9, ("wavenet-default", 2, 32000): 5.09e9}
    audio = Audio(quantizers.make("mu-law", 256))
    for (preset, batch, window), peak in measured.items():
        text = resources.files("rawtone.presets").joinpath(f"{preset}.yaml").read_text()
        model = build(model_settings.model(yaml.safe_load(text)["model"]), audio)
        needed = estimate.memory(
            model.count_params(),
            len(model.weights),
            model.activations(batch, window),
            TRAINING.model_copy(update={"batch_size": batch, "window": window}),
        )
        assert needed == pytest.approx(peak, rel=0.25)
