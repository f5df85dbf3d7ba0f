"""What sample has made it keeps: killed at random it goes on to the same clips, none made twice."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest
import soundfile

from rawtone import cli
from rawtone.audio import pcm
from rawtone.files import sha256, write_json
from rawtone.models import backend

backend.start()

from rawtone.generation import keeping, making  # noqa: E402
from rawtone.generation.progress import Progress  # noqa: E402

Publish = Callable[..., None]
RATE = 4000
RESULTS, KEPT = Path("results/mine"), Path("runs/0123456789ab/.clips/mine")
SAMPLING = {"seconds": 2.0, "temperatures": [0.9, 1.0], "seeds": [0, 1]}
# saves a state after every block, and says so
EAGER = """
import sys
from rawtone import cli
from rawtone.generation import keeping
keeping.EVERY = 0.0
save = keeping.Writer.save
def told(self, state, end):
    save(self, state, end)
    print(end, flush=True)
keeping.Writer.save = told
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture
def published(project: Path, publish: Publish) -> None:
    publish(RESULTS, steps=(20, 40))


def ask(**sampling: Any) -> None:
    write_json(Path("settings/sample/mine.json"), {"sampling": SAMPLING | sampling})


def clips(**sampling: Any) -> list[dict[str, Any]]:
    """Return the rows of clips.json when clips were made."""
    ask(**sampling)
    assert cli.main(["sample", "mine"]) == 0
    rows: list[dict[str, Any]] = json.loads((RESULTS / "clips.json").read_text())
    for row in rows:
        assert pcm.sha256(RESULTS / row["wav"]) == row["sha256"]
        assert all((RESULTS / row[kind]).is_file() for kind in sampling.get("formats", ["mp3"]))
    return rows


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the streams that engines make."""
    counts: list[int] = []

    def generate(engine: Any, streams: Any, *more: Any) -> Any:
        counts.append(len(streams))
        return original(engine, streams, *more)

    original = making.generate
    monkeypatch.setattr(making, "generate", generate)
    return counts


def test_a_clip_that_is_there_is_not_made_again(published: None, made: list[int]) -> None:
    first = clips()
    assert sum(made) == 8
    assert clips() == first
    assert sum(made) == 8
    more = clips(seeds=[0, 1, 2])
    assert sum(made) == 12
    assert [row for row in more if row["seed"] < 2] == first


def test_nothing_of_other_settings_or_checkpoints_or_code_is_taken(
    published: None, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    clips()
    for other in ({"seconds": 1.0}, {"top_p": 0.9}, {"engine": "loop"}):
        made.clear()
        rows = clips(**other)
        assert sum(made) == 8, other
        assert all(row["engine"] == other.get("engine", "kernel") for row in rows)
    clips()
    made.clear()
    (weights,) = RESULTS.glob("checkpoints/*40.npz")
    changed = {**np.load(weights)}
    changed["wavenet/causal"] = -changed["wavenet/causal"]
    np.savez(weights, **changed)
    published_rows = json.loads((RESULTS / "checkpoints.json").read_text())
    published_rows["checkpoints"][1]["sha256"] = sha256(weights)
    write_json(RESULTS / "checkpoints.json", published_rows)
    clips()
    assert sum(made) == 4
    monkeypatch.setattr("rawtone.generation.maker._digest_of_code", lambda: "another")
    clips()
    assert sum(made) == 4 + 8


def test_a_damaged_clip_is_made_anew_and_what_nobody_asks_for_is_swept_away(
    published: None, made: list[int]
) -> None:
    first = clips()
    made.clear()
    wav = min(KEPT.glob("*.wav"))
    wav.unlink()  # published under the same name of the disk
    wav.write_bytes(b"RIFF")
    assert clips() == first
    assert made == [1]
    clips(seeds=[0])
    assert len(list(KEPT.glob("*.wav"))) == 4
    assert {path.suffix for path in KEPT.iterdir()} == {".wav", ".mp3", ".json", ".csv", ""}


def test_other_formats_and_tags_are_written_from_the_same_samples(
    published: None, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = clips()
    bytes_of_wavs = [(RESULTS / row["wav"]).read_bytes() for row in first]
    made.clear()
    rows = clips(formats=["flac", "ogg"])
    for before, row, wav in zip(first, rows, bytes_of_wavs, strict=True):
        assert {"wav", "flac", "ogg"} == row.keys() & {"wav", "flac", "ogg", "mp3"}
        assert (RESULTS / row["wav"]).read_bytes() == wav
        heard, _ = soundfile.read(RESULTS / row["flac"], dtype="int16")
        np.testing.assert_array_equal(heard, pcm.read(RESULTS / before["wav"]))
    assert {path.suffix for path in KEPT.iterdir()} == {
        ".wav",
        ".flac",
        ".ogg",
        ".json",
        ".csv",
        "",
    }
    assert "mp3" not in clips(formats=[])[0]
    with monkeypatch.context() as later:
        later.setattr("rawtone.generation.tags.VERSION", "0.2.0")
        assert clips() == first
        assert mutagen.File(RESULTS / first[0]["mp3"])["TSSE"] == "rawtone 0.2.0"
    assert clips() == first
    assert [(RESULTS / row["wav"]).read_bytes() for row in first] == bytes_of_wavs
    assert not made


def test_a_clip_of_two_equal_checkpoints_is_made_once(published: None, made: list[int]) -> None:
    one, other = sorted(RESULTS.glob("checkpoints/*.npz"))
    other.write_bytes(one.read_bytes())
    table = json.loads((RESULTS / "checkpoints.json").read_text())
    table["checkpoints"][1]["sha256"] = table["checkpoints"][0]["sha256"]
    write_json(RESULTS / "checkpoints.json", table)
    rows = clips()
    assert sum(made) == 4
    assert [row["sha256"] for row in rows[:4]] == [row["sha256"] for row in rows[4:]]


@pytest.mark.parametrize("engine", ["kernel", "loop"])
def test_killed_at_random_it_goes_on_to_the_same_clips(published: None, engine: str) -> None:
    expected = clips(engine=engine, seconds=3.0)
    for path in KEPT.iterdir():
        path.unlink()
    (RESULTS / "clips.json").unlink()
    chance, ends = random.Random(engine), []
    for _ in range(2):
        ends.append(killed(after_saves=chance.randint(1, 3), wait=chance.random() / 20))
    assert clips(engine=engine, seconds=3.0) == expected
    assert ends[1] != ends[0]  # it went on, and did not begin again


def test_control_c_ends_all_threads_and_what_they_saved_is_gone_on_with(
    published: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = clips(seconds=30.0, seeds=[0])
    shutil.rmtree(KEPT)
    signals = [signal.SIGINT]

    def interrupt(*_: Any) -> None:
        if signals:
            os.kill(os.getpid(), signals.pop())

    with monkeypatch.context() as interrupted:
        interrupted.setattr(keeping, "EVERY", 0.0)
        interrupted.setattr(Progress, "made", interrupt)
        capsys.readouterr()
        assert cli.main(["sample", "mine"]) == 128 + signal.SIGINT
        assert capsys.readouterr().err == "sample mine: stopped\n"
    assert list(KEPT.glob("*/state.npz"))
    assert not [thread for thread in threading.enumerate() if "generation" in thread.name]
    assert clips(seconds=30.0, seeds=[0]) == expected


def killed(after_saves: int, wait: float) -> str:
    """Start sampling and kill it some time after a state is saved; return what was saved first."""
    command = [sys.executable, "-c", EAGER, "sample", "mine"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ends = [process.stdout.readline() for _ in range(after_saves)]
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
    return ends[0]


def test_memory_does_not_grow_with_the_length_of_clips(
    published: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made is appended, and read in parts: twice as long takes no more."""
    monkeypatch.setattr(pcm, "_BLOCK", 10_000)  # that both are longer
    clips(temperatures=[1.0], seeds=[0])  # imports and compiles
    peaks = []
    for seconds in (60.0, 120.0):
        tracemalloc.start()
        rows = clips(seconds=seconds, temperatures=[1.0], seeds=[0])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert soundfile.info(RESULTS / rows[0]["wav"]).frames == seconds * RATE
    assert peaks[1] < peaks[0] + 1e5


def test_a_kept_prime_is_the_beginning_of_the_clip(published: None) -> None:
    tone = np.round(9000 * np.sin(np.arange(RATE) / 5)).astype(np.int16)
    soundfile.write("prime.wav", tone, RATE)
    prime = {"recording": "prime.wav", "sha256": sha256(Path("prime.wav")), "seconds": 0.5}
    cut = clips(prime=prime, seeds=[0], temperatures=[1.0])
    whole = clips(prime=prime | {"keep": True}, seeds=[0], temperatures=[1.0])
    assert "keep" not in cut[0]["prime"]
    for one, other in zip(cut, whole, strict=True):
        assert other["prime"]["keep"] is True
        assert (one["seconds"], other["seconds"]) == (2.0, 2.5)
        heard, _ = soundfile.read(RESULTS / other["wav"], dtype="int16")
        np.testing.assert_array_equal(heard[: RATE // 2], tone[: RATE // 2])
        rest = heard[RATE // 2 :]
        assert len(rest) == 2 * RATE
    heard, _ = soundfile.read(RESULTS / clips(prime=prime)[0]["wav"], dtype="int16")
    assert len(heard) == 2 * RATE


def test_two_at_once_are_refused(published: None, capsys: pytest.CaptureFixture[str]) -> None:
    from rawtone.training.lock import exclusive

    ask()
    with exclusive(KEPT, "sampled"):
        assert cli.main(["sample", "mine"]) == 1
    assert "already being sampled by process" in capsys.readouterr().err
