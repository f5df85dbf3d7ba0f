"""rawtone sample CHECKPOINT OUTPUT: two words make a clip, and every mistake is one line."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from rawtone import cli
from rawtone.audio.pcm import endless_header
from rawtone.files import sha256, write_json
from rawtone.generation import keeping
from rawtone.generation.progress import Progress
from rawtone.models import backend
from rawtone.version import VERSION

backend.start()

Publish = Callable[..., None]
RATE = 4000
RESULTS = Path("results/mine")
WEIGHTS = RESULTS / "checkpoints/step-00000020.npz"


@pytest.fixture
def published(project: Path, publish: Publish) -> Path:
    publish(RESULTS, steps=(20, 40))
    return project


def make(*words: str) -> np.ndarray:
    """Make a clip of the words and return its samples, int16."""
    assert cli.main(["sample", *words, "--seconds", "0.5"]) == 0
    audio, rate = soundfile.read(words[1], dtype="int16")
    assert rate == RATE or words[1].endswith("mp3")  # knows no rate so low
    return audio


def test_two_words_make_the_clip_that_the_stage_makes(published: Path) -> None:
    sampling = {"seconds": 0.5, "temperatures": [1.0], "seeds": [0]}
    write_json(Path("settings/sample/mine.json"), {"sampling": sampling})
    assert cli.main(["sample", "mine"]) == 0
    of_stage, _ = soundfile.read(RESULTS / "clips/step-00000020/t1.00-s0.wav", dtype="int16")
    for word in ("mine", "mine@20", "mine@best", str(WEIGHTS), str(RESULTS)):
        np.testing.assert_array_equal(make(word, "clip.wav"), of_stage)
    assert (make("mine@last", "clip.wav") != of_stage).any()
    np.testing.assert_array_equal(make("mine@40", "40.wav"), make("mine@last", "clip.wav"))
    assert sorted(path.name for path in published.glob("*.wav")) == ["40.wav", "clip.wav"]
    assert not list(published.glob(".*"))  # nothing is left beside it


def test_it_works_from_any_folder(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = make("mine@20", "clip.wav")
    (published / "elsewhere").mkdir()
    shutil.copy(WEIGHTS, "elsewhere/weights.npz")
    shutil.copy(RESULTS / "config.json", "elsewhere")
    monkeypatch.chdir("elsewhere")
    np.testing.assert_array_equal(make("weights.npz", "new/clip.wav"), expected)
    np.testing.assert_array_equal(make(f"../{WEIGHTS}", "clip.wav"), expected)


def test_what_was_begun_is_gone_on_with_and_leaves_nothing(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["sample", "mine", "clip.wav", "--seconds", "4"]
    assert cli.main(words) == 0
    expected = Path("clip.wav").read_bytes()
    Path("clip.wav").unlink()
    with monkeypatch.context() as interrupted:
        interrupted.setattr(keeping, "EVERY", 0.0)
        interrupted.setattr(Progress, "made", lambda *_: signal.raise_signal(signal.SIGINT))
        assert cli.main(words) == 128 + signal.SIGINT
    (begun,) = published.glob(".clip.wav.*")
    assert not Path("clip.wav").exists()
    skipped: list[int] = []
    skip = Progress.skip
    monkeypatch.setattr(Progress, "skip", lambda self, n: skipped.append(n) or skip(self, n))
    assert cli.main(words) == 0
    assert skipped[0] == 2000  # a block
    assert Path("clip.wav").read_bytes() == expected
    assert not begun.exists()


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg"])
def test_the_ending_is_the_format(published: Path, suffix: str) -> None:
    wav, other = make("mine", "clip.wav"), make("mine", f"clip.{suffix}")
    assert soundfile.info(f"clip.{suffix}").format == suffix.upper()
    if suffix == "flac":
        np.testing.assert_array_equal(wav, other)


def test_a_clip_says_what_it_is_of(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which model, checkpoint, seed and settings; where nobody knows the experiment, not that."""
    make("mine", "before.wav")
    words = ("--seed", "3", "--temperature", "0:1,0.1:0.5", "--top-p", "0.9")
    make("mine@40", "clip.flac", *words, "--prime", "before.wav", "--prime-seconds", "0.5")
    checkpoint = sha256(RESULTS / "checkpoints/step-00000040.npz")
    expected = {
        "title": "mine, step 40, temperature 1 at 0 s to 0.5 at 0.1 s, seed 3",
        "encoder": f"rawtone {VERSION}",
        "experiment": "mine",
        "family": "wavenet",
        "run": "0123456789ab",
        "step": "40",
        "checkpoint": checkpoint,
        "seed": "3",
        "temperature": "1 at 0 s to 0.5 at 0.1 s",
        "top_p": "0.9",
        "engine": "kernel",
        "precision": "float32",
        "prime": f"0.5 s of before.wav from 0 s on, sha256 {sha256(Path('before.wav'))}",
    }
    assert {name.lower(): value for name, value in mutagen.File("clip.flac").tags} == expected
    (published / "elsewhere").mkdir()
    shutil.copy(WEIGHTS, "elsewhere/weights.npz")
    shutil.copy(RESULTS / "config.json", "elsewhere")
    monkeypatch.chdir("elsewhere")
    make("weights.npz", "clip.WAV")
    tags = mutagen.File("clip.WAV").tags
    assert tags["TIT2"] == "wavenet, temperature 1, seed 0"
    assert "TXXX:step" not in tags


def test_what_is_asked_for_is_heard(published: Path) -> None:
    plain = make("mine", "clip.wav")
    asked = (
        ["--seed", "1"],
        ["--temperature", "0.5"],
        ["--temperature", "0:1.0,0.1:0.2"],
        ["--top-p", "0.5"],
    )
    for words in asked:
        assert (make("mine", "clip.wav", *words) != plain).any(), words
    np.testing.assert_array_equal(make("mine", "clip.wav", "--temperature", "0:1,9:1"), plain)


def test_labels_and_morphs(
    project: Path, publish: Publish, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(RESULTS, labels=("high: up", "low"))
    plain = make("mine", "clip.wav")
    assert "label high: up, the first of: high: up, low" in capsys.readouterr().err
    np.testing.assert_array_equal(make("mine", "clip.wav", "--label", "high: up"), plain)
    low = make("mine", "clip.wav", "--label", "low")
    assert (low != plain).any()
    np.testing.assert_array_equal(make("mine", "clip.wav", "--label", "0:low,1:low"), low)
    assert cli.main(["sample", "mine", "clip.wav", "--label", "lwo"]) == 1
    assert "--label: the model has learned no label 'lwo'; did you mean 'low'? It has: " in (
        capsys.readouterr().err
    )


def test_a_clip_is_continued_and_begins_with_what_was_there(published: Path) -> None:
    first = make("mine", "first.wav")
    longer = make("mine", "longer.wav", "--continue", "first.wav")
    np.testing.assert_array_equal(longer[: len(first)], first)
    assert len(longer) == 2 * len(first)
    cut = make("mine", "cut.wav", "--continue", "first.wav", "--cut-prime")
    np.testing.assert_array_equal(cut, longer[len(first) :])
    seconds = ("--prime-seconds", "0.25", "--prime-start", "0.25")
    primed = make("mine", "primed.wav", "--prime", "first.wav", *seconds)
    # the receptive field ends with both
    np.testing.assert_array_equal(primed, cut)
    kept = make("mine", "kept.wav", "--prime", "first.wav", *seconds, "--keep-prime")
    np.testing.assert_array_equal(kept, longer[len(first) // 2 :])


def piped(*words: str, head: int = -1) -> tuple[bytes, int, str]:
    """Return what a pipe gets, up to some bytes after which it is closed, and how that ends."""
    command = [sys.executable, "-m", "rawtone", "sample", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        out = process.stdout.read(head)
        process.stdout.close()
        said = process.stderr.read().decode()
    return out, process.returncode, said


def test_a_pipe_gets_a_wav_of_unknown_length(published: Path) -> None:
    expected = make("mine", "clip.wav")
    out, status, _ = piped("mine", "--output", "-", "--seconds", "0.5")
    assert status == 0
    header = endless_header(1, RATE)
    assert out[: len(header)] == header
    np.testing.assert_array_equal(np.frombuffer(out[len(header) :], "<i2"), expected)


def test_a_pipe_that_is_closed_ends_it_quietly(published: Path) -> None:
    out, status, said = piped("mine", "-", "--seconds", "100000", head=5000)
    assert (len(out), status) == (5000, 0)
    assert "rror" not in said


def test_players_take_the_header(published: Path) -> None:
    out, _, _ = piped("mine", "-", "--seconds", "0.5")
    from rawtone.audio import ffmpeg

    raw = ffmpeg.run(["-f", "wav", "-i", "pipe:0", "-f", "s16le", "pipe:1"], stdin=out)
    assert raw == out[44:]


MISTAKES = {
    "mien clip.wav": "mien: no published experiment, and no file of weights; did you mean 'mine'?",
    "mine@30 clip.wav": "mine@30: no such checkpoint; expected best, last, or one of its steps: 20",
    "gone.npz clip.wav": "gone.npz: no such checkpoint; name a published file of weights",
    "mine clip.xyz": "clip.xyz: expected a name that ends with .wav, .flac, .mp3, .ogg, or - for",
    "mine --seed 1": "expected one place to write the clip to, found 0; as in: rawtone sample mine",
    "mine a.wav --output b.wav": "expected one place to write the clip to, found 2",
    "mine clip.wav --temperature=-1": "--temperature: expected a number from 0 on, found -1",
    "mine clip.wav --temperature 0:1,x:2": "expected seconds from 0 on, found 'x'",
    "mine clip.wav --temperature 0:1": "--temperature: expected temperatures at two seconds or",
    "mine clip.wav --top-p 0": "--top-p: expected a number above 0, and at most 1, found 0",
    "mine clip.wav --seconds nan": "--seconds: expected a number above 0, found nan",
    "mine clip.wav --seed=-1": "--seed: expected a number from 0 on, found -1",
    "mine clip.wav --label x": "--label: the model is told no labels; leave it out",
    "mine clip.wav --prime gone.wav": "--prime: gone.wav cannot be read (No such file",
    "mine clip.wav --prime junk.wav": "--prime: junk.wav cannot be decoded: ",
    "mine clip.wav --prime short.wav": "a recording of at least 1 s (start + seconds), but",
    "mine clip.wav --continue gone.wav": "--continue: gone.wav cannot be read",
    "mine clip.wav --prime-start 1": "--prime-start: expected --prime with it; name one",
    "mine clip.wav --prime a --continue b": "--continue: expected no --prime with it",
}


@pytest.mark.parametrize(("words", "line"), MISTAKES.items())
def test_a_mistake_is_one_line(
    published: Path, words: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("junk.wav").write_text("no sound")
    soundfile.write("short.wav", np.ones(100), RATE)
    assert cli.main(["sample", *words.split()]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert line in said
    assert not Path("clip.wav").exists()


def test_a_prime_of_another_rate_is_converted_and_a_silent_one_told(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write("prime.wav", np.zeros((44100, 2)), 44100)
    make("mine", "clip.wav", "--prime", "prime.wav", "--prime-seconds", "0.5")
    said = capsys.readouterr().err
    assert "prime.wav has 44100 Hz and 2 channels; converted to 4000 Hz and 1" in said
    assert "the part of prime.wav is silent" in said


def test_damaged_and_strange_checkpoints_are_refused(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def complaint() -> str:
        assert cli.main(["sample", str(WEIGHTS), "clip.wav"]) == 1
        (said,) = capsys.readouterr().err.splitlines()
        return said

    weights, config = WEIGHTS.read_bytes(), json.loads((RESULTS / "config.json").read_text())
    WEIGHTS.write_bytes(weights[: len(weights) // 2])
    assert "half-copied or another one than results/mine/checkpoints.json names" in complaint()
    (RESULTS / "checkpoints.json").rename("aside.json")
    assert "cannot be read as weights" in complaint()
    WEIGHTS.write_bytes(weights)
    wider = config["model"] | {"skip_channels": 5}
    write_json(RESULTS / "config.json", config | {"model": wider})
    assert "the weights are of another model" in complaint()
    write_json(RESULTS / "config.json", config | {"model": {"family": "magic"}})
    assert "of no model that this rawtone knows (family magic)" in complaint()
    (RESULTS / "config.json").write_text("{")
    assert "config.json: missing or half-copied; copy it again" in complaint()
    (RESULTS / "config.json").unlink()
    assert "expected config.json of its training beside it or one folder above" in complaint()


def test_what_the_family_cannot_do_is_refused(
    project: Path, publish: Publish, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(RESULTS, output={"kind": "logistics", "components": 2})
    for words, line in {
        "--top-p 0.5": "--top-p: expected 1 with a model of output logistics, which draws values",
        "--engine kernel": "--engine: there is no kernel for a wavenet with output logistics",
        "--precision int8": "--precision: there is no kernel for a wavenet with output logistics",
    }.items():
        assert cli.main(["sample", "mine", "clip.wav", *words.split()]) == 1
        assert line in capsys.readouterr().err
