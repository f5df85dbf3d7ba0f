"""What an experiment's stages leave behind, in their real formats and with names from strangers."""

import math
from pathlib import Path

import numpy as np

from rawtone.audio import ffmpeg, pcm
from rawtone.corpus import table
from rawtone.files import sha256, write_json
from rawtone.stages import parse_log
from rawtone.training.plain_log import plain

RATE = 8000
HOSTILE = '<script>document.title="owned"</script>"><img src=http://example.org/x.png>'
BEST = 800


def publish(
    root: Path,
    steps: tuple[int, ...] = (400, 800),
    seeds: tuple[int, ...] = (0, 1),
    seconds: float = 2.0,
) -> None:
    """Write results of the experiment `demo`, and the settings of `waiting`, which has none.

    Args:
        root: the project's root, which must be the current directory.
        steps: checkpoints.
        seeds: clips for each of two temperatures.
        seconds: length of a clip.
    """
    experiments = {
        name: {"preset": "wavenet-demo", "corpus": "demo"} for name in ("demo", "waiting")
    }
    write_json(root / "settings/report/all.json", {"corpora": ["demo"], "experiments": experiments})
    write_json(root / "settings/parse-log/demo.json", {})
    _corpus(root)
    _training(root / "results/demo", steps)
    _clips(root / "results/demo", steps, seeds, seconds)
    parse_log.run("demo")


def _corpus(root: Path) -> None:
    columns = ("id", "file", "source", "path", "size", "sha256", "licence", "status")
    text = {"path": "notes.txt", "status": "not audio by its ending .txt"}
    taken = {"id": "a", "path": f"{HOSTILE}.mp3", "status": "taken"}
    table.write(root / "data/raw/demo/files.csv", columns, [taken, text])
    columns = ("id", "file", "status", "title", "artist", "album", "genre", "year", "licence")
    columns += ("path", "seconds")
    used = {"id": "a", "status": "used", "title": HOSTILE, "artist": "Grieg", "genre": "classical"}
    broken = {"id": "b", "path": "fake & co.mp3", "status": "no audio stream"}
    tunes = ("Amazing Grace", "Frère Jacques", "Oh! Susanna", "Jingle Bells")
    rows = [used | {"seconds": "21.4", "licence": "public domain"}, broken]
    rows += [used | {"title": title, "seconds": "15.2", "artist": "Traditional"} for title in tunes]
    table.write(root / "data/tracks/demo/tracks.csv", columns, rows)
    totals = {
        "sample_rate": RATE,
        "channels": 1,
        "tracks": {"train": 3, "validation": 1, "test": 1},
        "seconds": {"train": 51.8, "validation": 15.2, "test": 15.2},
        "chunks": {"train": 8, "validation": 2, "test": 2},
        "dropped": {"silent": 2},
        "notes": ["Too few tracks for a draw; the last ones were taken."],
    }
    write_json(root / "data/chunks/demo/corpus.json", totals)


def _training(folder: Path, steps: tuple[int, ...]) -> None:
    model = {"family": "wavenet", "dilations": [1, 2, 4, 8], "biases": True}
    config = {
        "experiment": "demo",
        "corpus": "demo",
        "sample_rate": RATE,
        "model": model,
        "quantizer": {"kind": "mu-law", "levels": 256},
        "training": {"steps": max(steps), "seed": 7},
        "run": "3f2a9c0d1e2f",
        "code_version": 1,
        "parameters": 132480,
        "receptive_field": 4097,
        "versions": {"keras": "3.15.0", "python": "3.11.2"},
        "threads": 2,
        "devices": ["cpu"],
        "backend": "tensorflow",
    }
    write_json(folder / "config.json", config)
    kept = [{"step": s, "file": f"checkpoints/step-{s:08d}.npz", "sha256": "0"} for s in steps]
    write_json(folder / "checkpoints.json", {"run": "3f2a9c0d1e2f", "checkpoints": kept})
    log = folder.parents[1] / "runs/3f2a9c0d1e2f/train.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(_log(max(steps)))
    (folder / "train.log").write_text(plain(log.read_text(), [], None))
    columns = ("step", "split", "bits", "samples")
    bits = [
        {"step": str(s), "split": split, "bits": f"{_loss(s) / math.log(2) + extra:.4f}"}
        for s in steps
        for split, extra in (("test", 0.06), ("validation", 0.0))
    ]
    table.write(folder / "bits.csv", columns, bits)
    evaluation = {
        "best_step": BEST,
        "flac_bits": {"validation": 6.21, "test": 6.34},
        "linear_prediction_bits": {"validation": 5.12, "test": 5.23},
        "entropy_bits": {"validation": 6.98, "test": 7.02},
        "uniform_bits": 8.0,
        "melody": {"sentence": "Sounds like a melody: 96 % of voiced frames are in tune."},
    }
    write_json(folder / "evaluation.json", evaluation)


def _loss(step: int) -> float:
    return 1.2 + 4.3 * math.exp(-step / 130)


def _log(total: int) -> str:
    noise = np.random.default_rng(0)
    lines = [f"start at step 0 of {total}: run 3f2a, 2026-11-21T02:00:00Z, host, pid 1, 2 threads"]
    for step in range(10, total + 1, 10):
        loss, seconds = _loss(step) + noise.normal(0, 0.1), 0.12 + abs(noise.normal(0, 0.01))
        lines.append(f"step {step} - loss = {loss:.3f}, ({seconds:.3f} sec/step)")
        if step % 100 == 0:
            nats = _loss(step) + 0.1
            lines.append(f"validation at step {step} - loss = {nats:.3f}, {nats / 0.6931:.3f} bits")
        if step == 300:
            lines += ["stop at step 300: SIGTERM", _resume(300, total, "SIGTERM")]
        if step == 550:
            lines += ["step 551 - lo", _resume(500, total, "no word (killed or crashed)")]
    return "\n".join([*lines, f"done at step {total}", ""])


def _resume(step: int, total: int, reason: str) -> str:
    return (
        f"resume at step {step} of {total}: after {reason}, run 3f2a, 2026, host, pid 2, 2 threads"
    )


def _clips(folder: Path, steps: tuple[int, ...], seeds: tuple[int, ...], seconds: float) -> None:
    clips, melody = [], []
    for step in steps:
        for temperature in (0.9, 1.0):
            for seed in seeds:
                stem = f"clips/step-{step:08d}/t{temperature:.2f}-s{seed}"
                clip = {"step": step, "temperature": temperature, "seed": seed}
                _sound(folder / stem, step, seed, seconds)
                files = {"wav": f"{stem}.wav", "mp3": f"{stem}.mp3"}
                about = {"seconds": seconds, "sample_rate": RATE}
                clips.append(clip | about | files | {"sha256": sha256(folder / files["wav"])})
                melody.append({k: str(v) for k, v in clip.items()} | _heard(step))
    write_json(folder / "clips.json", clips)
    table.write(folder / "melody.csv", list(melody[0]), melody)


def _heard(step: int) -> dict[str, str]:
    figures = {"in_tune": "0.97", "onsets_per_second": "2.1", "level_dbfs": "-18.2"}
    voiced = "0.91" if step >= BEST else "0.32"
    return {"voiced": voiced, "notes": "60 62 64 67", "silent_fraction": "0.02"} | figures


def _sound(stem: Path, step: int, seed: int, seconds: float) -> None:
    noise = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    notes = noise.choice([60, 62, 64, 65, 67, 69, 72], int(seconds * 2.5) + 1)
    pitch = 440 * 2 ** ((notes[(time * 2.5).astype(int)] - 69) / 12)
    fading = np.exp(-4 * (time * 2.5 % 1))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k**1.5 for k in range(1, 7)) * fading * 0.3
    sound = tone + noise.normal(0, 20 / (step + 50), len(time)) * 0.5
    stem.parent.mkdir(parents=True, exist_ok=True)
    wav = stem.with_name(f"{stem.name}.wav")
    pcm.write(wav, (np.clip(sound, -1, 1) * 32767).astype(np.int16), RATE)
    ffmpeg.run(["-i", str(wav), "-b:a", "64k", str(stem.with_name(f"{stem.name}.mp3"))])
