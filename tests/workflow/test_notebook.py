"""The notebook for borrowed GPUs, executed cell by cell, killed, and gone on with elsewhere."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="install nbformat")
nbclient = pytest.importorskip("nbclient", reason="install nbclient")
pytest.importorskip("ipykernel", reason="install ipykernel")

# Of these packages' own: asyncio loops and sockets that their threads leave to the collector.
pytestmark = [
    pytest.mark.timeout(300),
]

NOTEBOOK = Path(__file__).parents[2] / "notebooks/borrowed_gpu.ipynb"
PARAMS = """
corpora:
  mine:
    sources: [{{folder: {music}}}]
    sample_rate: 4000
    chunk: {{seconds: 1.0, overlap: 0.2}}
experiments:
  mine:
    corpus: mine
    preset: wavenet-demo
    model: {{dilations: [1, 2, 4], residual_channels: 4, dilation_channels: 4, skip_channels: 4}}
    training: {{steps: 900, window: 100, validate_every: 300, checkpoint_every: 300}}
    sampling: {{seconds: 0.25, temperatures: [1.0], seeds: [0]}}
"""
