"""Publishing a finished run: what others need of it, under an experiment's name.

What is published is the same bytes wherever it was trained, and however often it was interrupted.
How the training went on this machine, with its times and restarts, stays with the run.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from rawtone.files import sha256, write_atomically, write_json
from rawtone.settings import Training
from rawtone.training import checkpoints
from rawtone.training.measures import NATS, Measure
from rawtone.training.plain_log import plain
from rawtone.training.run_folder import Facts, RunFolder


def publish(
    run: Path, results: Path, record: dict[str, Any], facts: Facts, measure: Measure = NATS
) -> None:
    """Publish weights without optimizer slots, the log, and what they are.

    Done anew as a whole whenever it is called, so a kill in between costs nothing.

    Args:
        run: the folder of the run, finished.
        results: the folder of the experiment.
        record: what config.json shall say beside the machinery.
        facts: of the run's last state.
        measure: what its losses measure.
    """
    shutil.rmtree(results / "checkpoints", ignore_errors=True)
    (results / "checkpoints").mkdir(parents=True)
    published = [
        _published(weights, results, facts, measure)
        for weights in sorted((run / "weights").glob("*.npz"))
    ]
    write_json(results / "config.json", record | _machinery(facts))
    _publish_log(run, results, Training(**record["training"]))
    manifest = {"run": record["run"], "checkpoints": published}
    write_json(results / "checkpoints.json", manifest)


def _publish_log(run: Path, results: Path, training: Training) -> None:
    text = (run / "train.log").read_text("utf-8", "replace")
    rollbacks = RunFolder(run, training).rollbacks()
    write_atomically(results / "train.log", plain(text, rollbacks, training.rollback))


def _published(weights: Path, results: Path, facts: Facts, measure: Measure) -> dict[str, Any]:
    step, file = checkpoints.step_of(weights), f"checkpoints/{weights.name}"
    _link(weights, results / file)
    loss = facts.validated.get(step)
    bits = None if loss is None else measure.bits(loss)
    return {
        "step": step,
        "file": file,
        "sha256": sha256(results / file),
        "validation_loss": None if loss is None else float(f"{loss:.6g}"),
        "validation_bits": None if bits is None else round(bits, 4),
    }


def _machinery(facts: Facts) -> dict[str, Any]:
    """Return what the run was computed on in the end and, where that changed, before."""
    last = {k: v for k, v in facts.machinery[-1].items() if k != "from_step"}
    return last if len(facts.machinery) == 1 else last | {"machinery": facts.machinery}


def _link(source: Path, target: Path) -> None:
    """Give a finished file a second name, or copy it where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
