"""Sources with an address as users have them: snakemake fails, goes on, and is done."""

import hashlib
import io
import shutil
import zipfile

import numpy as np
import pytest
import soundfile

PARAMS = """\
corpora:
  far: {{sources: [{{url: "{archive}", sha256: {sum}, licence: CC0}}], sample_rate: 8000}}
  near: {{sources: [{{folder: music}}], sample_rate: 8000}}
  mixed: {{sources: [{{corpus: far}}, {{corpus: near}}], sample_rate: 8000}}
experiments:
  mine: {{corpus: mixed, preset: wavenet-demo}}
  far: {{corpus: far, preset: wavenet-demo}}
"""
TABLES = ("data/raw/mixed/files.csv", "data/raw/far/files.csv")


def tone(hertz: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(
        file, 0.3 * np.sin(2 * np.pi * hertz * np.arange(8000) / 8000), 8000, "FLOAT", format="WAV"
    )
    return file.getvalue()


@pytest.fixture
def archive() -> bytes:
    """Give a zip archive of two recordings."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for hertz in (300, 400):
            packed.writestr(zipfile.ZipInfo(f"{hertz}.wav"), tone(hertz))
    return content.getvalue()


@pytest.fixture
def mix(real, web, archive):
    """Give a project of a corpus by url, one in a folder, and the mix of both."""
    digest = hashlib.sha256(archive).hexdigest()
    project = real(PARAMS.format(archive=web.address("/tunes.zip"), sum=digest))
    (project.root / "music").mkdir()
    (project.root / "music/own.wav").write_bytes(tone(500))
    return project


def test_a_build_that_failed_goes_on_and_then_has_nothing_to_do(mix, web, archive):
    failed = mix.run("snakemake", "data/raw/mixed/files.csv", check=False)
    assert failed.returncode == 1
    said = failed.stdout + failed.stderr
    assert f"{web.address('/tunes.zip')}: expected a file, but the server answered 404" in said
    assert "Traceback" not in said
    assert len(list((mix.root / "data/raw/mixed").glob("*.wav"))) == 1  # the folder's

    web.put("/tunes.zip", archive)
    mix.run("snakemake", *TABLES)
    assert web.seen("/tunes.zip") == [None]  # for both corpora
    assert len(list((mix.root / "data/raw/mixed").glob("*.wav"))) == 3

    del web.resources["/tunes.zip"]
    assert not {"fetch@mixed", "fetch@far"} & mix.plan()
    assert not {"fetch@mixed", "fetch@far"} & mix.status()
    shutil.rmtree(mix.root / ".downloads")
    mix.edit("params.yaml", "licence: CC0", "licence: CC BY 4.0")
    mix.run("snakemake", *TABLES)
    assert "CC BY 4.0" in (mix.root / TABLES[0]).read_text()


def test_a_folder_that_dvc_has_put_away_is_asked_for(mix, web, archive):
    web.put("/tunes.zip", archive)
    mix.run("dvc", "add", "--quiet", "music")
    shutil.rmtree(mix.root / "music")
    failed = mix.run("snakemake", TABLES[0], check=False)
    assert failed.returncode == 1
    assert "sources.0.folder: no such folder: music; run: dvc pull music.dvc" in failed.stderr
    mix.run("dvc", "checkout", "music.dvc")
    mix.run("snakemake", TABLES[0])
