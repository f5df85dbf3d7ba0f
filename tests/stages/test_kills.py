"""A training killed at a hundred random moments ends with the same bytes as an undisturbed one."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rawtone.files import sha256

KILLS = 100
PARAMS = """
corpora:
  mine: {sources: [{folder: music}], sample_rate: 2000, chunk: {seconds: 1.0, overlap: 0.2}}
experiments:
  mine:
    corpus: mine
    preset: wavenet-demo
    quantizer: {levels: 16}
    model: {dilations: [1], residual_channels: 4, dilation_channels: 4, skip_channels: 4}
    training:
      steps: 3000
      window: 32
      log_every: 1
      validate_every: 40
      validation_batches: 1
      checkpoint_every: 40
      keep: {last: 3, every: 400, best: 2}
      save_minutes: 0.0005
      ema: 0.99
"""


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two equal projects that are ready to train, the second to be disturbed."""
    roots = (tmp_path_factory.mktemp("undisturbed"), tmp_path_factory.mktemp("killed"))
    for root in roots:
        (root / "music").mkdir()
        (root / "params.yaml").write_text(PARAMS)
        for name in range(4):
            tone = 0.3 * np.sin(np.arange(6000) * (0.1 + name / 20))
            soundfile.write(root / f"music/{name}.wav", tone, 2000)
        for stage in ("settings", "fetch", "convert", "chunk"):
            command = [sys.executable, "-m", "rawtone", stage, "mine"]
            subprocess.run(command[: None if stage != "settings" else -1], cwd=root, check=True)
    return roots


def bytes_of(root: Path) -> dict[str, str]:
    """Return checksums of what was published, the log too, and of the last state."""
    (run,) = (root / "runs").iterdir()
    last = max((run / "checkpoints").iterdir())
    results = root / "results/mine"
    files = [*sorted((results / "checkpoints").iterdir()), *sorted((run / "weights").iterdir())]
    files += [results / name for name in ("checkpoints.json", "config.json", "train.log")]
    files += sorted(last.iterdir())
    return {str(file.relative_to(root)): sha256(file) for file in files}


@pytest.mark.timeout(1200)
def test_a_hundred_kills_change_no_byte(projects: tuple[Path, Path]) -> None:
    undisturbed, killed = projects
    script = [sys.executable, Path(__file__).parent / "killer.py", "mine"]
    subprocess.run([*script, "0", "0"], cwd=undisturbed, check=True)
    done = subprocess.run(
        [*script, str(KILLS), "1"], cwd=killed, check=True, stdout=subprocess.PIPE, text=True
    )
    moments = json.loads(done.stdout)
    assert sum(moments.values()) == KILLS
    assert set(moments) == {"anywhere", "step", "checkpoint", "weights", "publishing"}
    assert bytes_of(killed) == bytes_of(undisturbed)
