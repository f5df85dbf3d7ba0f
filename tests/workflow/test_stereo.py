"""Two channels, from recordings to the page, by the real stages."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rawtone.audio import ffmpeg

pytestmark = pytest.mark.timeout(600)

PARAMS = """\
corpora:
  stereo:
    sources: [{folder: music}]
    sample_rate: 4000
    channels: 2
    chunk: {seconds: 1, overlap: 0.2}
    split: {by: time}
experiments:
  density: &small
    corpus: stereo
    preset: spectral-demo
    model: {frame: 32, layers: [{units: 16}]}
    training:
      {steps: 120, batch_size: 2, window: 320, validate_every: 60, validation_batches: 2,
       checkpoint_every: 60}
    sampling: {seconds: 1.5, temperatures: [1.0], seeds: [0, 1]}
  mean:
    <<: *small
    preset: niisan-half-spectrum
    model: {frame: 32, window: sine, layers: [{units: 16}]}
"""


def record(folder: Path) -> None:
    """Write stereo recordings: a tone on the left, another, and more quietly, on the right."""
    folder.mkdir()
    for name, (left, right) in {"a": (300, 500), "b": (400, 350), "c": (250, 600)}.items():
        tones = f"0.5*sin(2*PI*{left}*t)|0.1*sin(2*PI*{right}*t)"
        form = ["-f", "lavfi", "-i", f"aevalsrc={tones}:s=4000:d=10"]
        ffmpeg.run([*form, "-y", str(folder / f"{name}.wav")])


@pytest.fixture(scope="module")
def built(real, tmp_path_factory):
    """Return a project that Snakemake built from stereo recordings."""
    project = real(PARAMS)
    record(project.root / "music")
    project.run("snakemake", "--cores", "1")
    return project


@pytest.mark.parametrize("experiment", ["density", "mean"])
def test_clips_have_two_channels_of_their_own(built, experiment: str) -> None:
    results = built.root / "results" / experiment
    clips = json.loads((results / "clips.json").read_text())
    assert clips
    for clip in clips:
        audio, rate = soundfile.read(results / clip["wav"])
        assert (audio.shape, rate) == ((6000, 2), 4000)
        assert np.any(audio[:, 0] != audio[:, 1])
        assert soundfile.info(results / clip["mp3"]).channels == 2
        assert len(clip["fingerprint"]) == 4 * 6


def test_bits_are_those_of_a_sample_of_a_channel(built) -> None:
    """So that they compare with mono audio's, as FLAC's and the entropy's do."""
    evaluation = json.loads((built.root / "results/density/evaluation.json").read_text())
    assert 0 < evaluation["validation_bits"] < 8
    assert evaluation["uniform_bits"] == 8
    for figure in ("flac_bits", "entropy_bits", "order_1_bits"):
        assert all(1 < bits < 9 for bits in evaluation[figure].values())
    samples = evaluation["samples"]
    assert samples["test"] == samples["validation"] == 12000
    assert 12000 <= samples["train"] < 12000 + 4000  # whole chunks are drawn


def test_what_predicts_a_mean_has_an_error_and_no_bits(built) -> None:
    evaluation = json.loads((built.root / "results/mean/evaluation.json").read_text())
    assert evaluation["validation_bits"] is None
    assert 0 < evaluation["validation_loss"] < 1


def test_the_page_shows_and_plays_them(built) -> None:
    page = built.root / "report"
    told = (page / "index.html").read_text()
    assert "as stereo at 4,000 samples a second" in told
    for experiment in ("density", "mean"):
        assert len(list((page / experiment).rglob("*.spectrum.png"))) == 4
        assert len(list((page / experiment).rglob("step-*.mp3"))) == 4


def test_nothing_is_left_to_do(built) -> None:
    assert built.plan() == set()
