"""What evaluation adds to published results: verdicts, ranks, copies, sets; more of all."""

import csv
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from rawtone.corpus import table
from rawtone.files import write_json

VERDICTS = ("sounds right", "sounds right", "noise from 1.2 s on; clicks", "mostly silent")


LABELS = ("calm", "lively")


def judge(root: Path, pinned: bool = False) -> None:
    """Add to the results of `demo` what curation and the measures write.

    Args:
        root: of a project in which results were published.
        pinned: whether an ear has chosen.
    """
    folder = root / "results/demo"
    clips = json.loads((folder / "clips.json").read_text())
    rows = [_judgement(clip, place) for place, clip in enumerate(reversed(clips))]
    table.write(folder / "clips.csv", list(rows[0]), rows)
    evaluation = json.loads((folder / "evaluation.json").read_text())
    shutil.copyfile(folder / clips[0]["mp3"], folder / "preview.mp3")
    write_json(folder / "evaluation.json", evaluation | _measures(pinned))
    _intervals(folder / "bits.csv")


def add_experiment(root: Path, name: str = "wide") -> None:
    """Add a second experiment whose clips are others, of one more channel."""
    source, target = root / "results/demo", root / f"results/{name}"
    shutil.copytree(source, target)
    config = json.loads((target / "config.json").read_text())
    config["model"]["residual_channels"] = 64
    write_json(target / "config.json", config)
    clips = json.loads((target / "clips.json").read_text())
    for clip in clips:
        clip["sha256"] = hashlib.sha256(f"{name}{clip['sha256']}".encode()).hexdigest()
    write_json(target / "clips.json", clips)
    settings = json.loads((root / "settings/report/all.json").read_text())
    settings["experiments"][name] = {"preset": "wavenet-demo", "corpus": "demo"}
    write_json(root / "settings/report/all.json", settings)


def multiply(root: Path, count: int) -> None:
    """Make many clips of few: further seeds of two labels, each with a hash of its own."""
    folder = root / "results/demo"
    few = json.loads((folder / "clips.json").read_text())
    many: list[dict[str, Any]] = []
    for place in range(count):
        clip = few[place % len(few)]
        take = place // len(few)
        clip = clip | {"seed": take // 2, "label": LABELS[take % 2]}
        name = f"{clip['label']}-t{clip['temperature']:.2f}-s{clip['seed']}"
        stem = f"{Path(clip['wav']).parent}/{name}"
        for kind in ("wav", "mp3"):
            target = folder / f"{stem}.{kind}"
            if not target.exists():
                os.link(folder / clip[kind], target)
            clip[kind] = f"{stem}.{kind}"
        many.append(clip | {"sha256": hashlib.sha256(stem.encode()).hexdigest()})
    write_json(folder / "clips.json", many)


def _judgement(clip: dict[str, Any], place: int) -> dict[str, str]:
    verdict = VERDICTS[place % len(VERDICTS)]
    row = {key: str(clip[key]) for key in ("step", "label", "temperature", "seed") if key in clip}
    row |= {"rank": str(place + 1), "score": f"{1 / (1 + place / 8):.3f}", "verdict": verdict}
    row |= {"reasons": f"Close to the recordings in sound and rhythm; place {place + 1}."}
    row |= {"same_as": "1" if place == 1 else ""}
    row |= {"silent_share": "0.81" if "silent" in verdict else "0.02"}
    copied = {"copy_track": "a", "copy_title": "Amazing <Grace>", "copy_from_seconds": "72.4"}
    copied |= {"copy_at_seconds": "0.5", "copy_seconds": "1.2", "copy_likeness": "0.93"}
    nothing = dict.fromkeys(copied, "")
    return row | {"copy": "1" if place == 4 else ""} | (copied if place == 4 else nothing)


def _measures(pinned: bool) -> dict[str, Any]:
    sets = [
        {"step": step, "temperature": 1.0, "clips": 2, "kernel_distance": distance}
        | {"frechet_distance": 4 * distance, "precision": 0.8, "recall": 0.5, "diversity": 0.9}
        for step, distance in ((400, 0.42), (800, 0.121))
    ]
    reasons = ["Its clips sound most like the recordings.", "3 of its 4 best clips sound right."]
    return {
        "bits": {"validation": {"bits": 1.9, "low": 1.8, "high": 2.0, "tracks": 5}},
        "gap_bits": 0.12,
        "order_1_bits": {"train": 4.1, "validation": 4.2, "test": 4.3},
        "sets": {
            "steps": sets,
            "null": {"kernel_distance": {"mean": 0.05, "low": -0.01, "high": 0.08}},
        },
        "choice": {"step": 800, "pinned": pinned, "reasons": reasons},
        "preview": {"file": "preview.mp3", "clips": [1, 3, 2]},
    }


def _intervals(path: Path) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    learned = [row | {"split": "train"} for row in rows if row["split"] == "validation"]
    told = []
    for row in learned + rows:
        bits = float(row["bits"]) - (0.12 if row["split"] == "train" else 0)
        told.append(
            row | {"bits": f"{bits:.4f}", "low": f"{bits - 0.1:.4f}", "high": f"{bits + 0.1:.4f}"}
        )
    table.write(path, list(told[0]), told)
