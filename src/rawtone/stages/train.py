"""train: chunks -> checkpoints. Resumes by being run again."""

import hashlib
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from rawtone.audio import quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.errors import UserError
from rawtone.files import canonical_json, sha256, write_json
from rawtone.models import backend
from rawtone.settings import Quantizer, Training, WaveNet
from rawtone.stages import layout
from rawtone.training import checkpoints
from rawtone.training.batches import FROM_SILENCE, Windows
from rawtone.training.lock import exclusive
from rawtone.training.log import bits

# Raise by hand when training code changes what is learned; then finished runs are trained anew.
CODE_VERSION = 1


def run(experiment: str) -> None:
    """Train an experiment to its last step and publish what others need.

    Args:
        experiment: its name in params.yaml.

    Raises:
        UserError: the corpus cannot serve, another process trains the same run, …
        Stopped: a signal asked for it; the state is saved.
    """
    backend.start()
    settings = layout.read_settings("train", experiment)
    chunks = Chunks.open(layout.chunks(settings["corpus"]))
    key = run_key(settings)
    with exclusive(layout.run(key)):
        parameters = _train(key, settings, chunks)
        _publish(experiment, key, settings, parameters)


def run_key(settings: dict[str, Any]) -> str:
    """Return the name of a run: a hash of everything that decides its result.

    Args:
        settings: resolved, of the train stage.

    Returns:
        12 hexadecimal digits.
    """
    folder = layout.chunks(settings["corpus"])
    decisive = {k: v for k, v in settings.items() if k != "corpus"} | {
        "chunks": {name: sha256(folder / name) for name in ("chunks.csv", "chunks.npy")},
        "code_version": CODE_VERSION,
    }
    return hashlib.sha256(canonical_json(decisive).encode()).hexdigest()[:12]


def _train(key: str, settings: dict[str, Any], chunks: Chunks) -> int:
    from rawtone.models.families import build
    from rawtone.training.loop import Loop
    from rawtone.training.trainer import Trainer

    training = Training(**settings["training"])
    quantizer = Quantizer(**settings["quantizer"])
    model = build(WaveNet(**settings["model"]), quantizer.levels, training.seed)
    draw = partial(_windows, chunks, quantizer, model.receptive_field, training)
    loop = Loop(
        layout.run(key),
        key,
        Trainer(model, training),
        training,
        train=draw("train", FROM_SILENCE),
        validation=draw("validation", 0.0),
        threads=backend.facts()["threads"],
    )
    loop.run()
    return int(model.count_params())


def _windows(
    chunks: Chunks,
    quantizer: Quantizer,
    context: int,
    training: Training,
    split: str,
    from_silence: float,
) -> Windows:
    rows = chunks.rows(split)
    if not len(rows):
        raise UserError(f"the corpus has no {split} chunks; see its corpus.json for the reasons")
    codec = quantizers.make(quantizer.kind, quantizer.levels)
    return Windows(
        chunks.pcm,
        rows,
        chunks.lengths[rows],
        codec.table(),
        int(codec.silence),
        context,
        training.window,
        training.batch_size,
        training.seed,
        from_silence,
    )


def _publish(experiment: str, key: str, settings: dict[str, Any], parameters: int) -> None:
    source, target = layout.run(key), layout.results(experiment)
    shutil.rmtree(target / "checkpoints", ignore_errors=True)
    (target / "checkpoints").mkdir(parents=True)
    last = checkpoints.newest(source / "checkpoints")
    loss = checkpoints.read_facts(last)["validation_loss"] if last else {}
    published = []
    for weights in sorted((source / "weights").glob("step-*.npz")):
        place = target / "checkpoints" / weights.name
        _link(weights, place)
        step = int(weights.stem.removeprefix("step-"))
        published.append(
            {
                "step": step,
                "file": f"checkpoints/{weights.name}",
                "sha256": sha256(place),
                "validation_bits": _bits(loss.get(str(step))),
            }
        )
    record = settings | {
        "run": key,
        "code_version": CODE_VERSION,
        "parameters": parameters,
        "receptive_field": WaveNet(**settings["model"]).receptive_field,
    }
    write_json(target / "config.json", record | backend.facts())
    shutil.copyfile(source / "train.log", target / "train.log")
    write_json(target / "checkpoints.json", {"run": key, "checkpoints": published})


def _bits(nats: float | None) -> float | None:
    return None if nats is None else round(bits(nats), 4)


def _link(source: Path, target: Path) -> None:
    """Give a finished file a second name, or copy it where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
