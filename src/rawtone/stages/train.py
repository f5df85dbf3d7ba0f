"""train: chunks -> checkpoints. Resumes by being run again."""

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.corpus import labels
from rawtone.corpus.chunks import Chunks
from rawtone.files import canonical_json, sha256
from rawtone.models import backend
from rawtone.settings import LATER, NOT_DECISIVE, Quantizer, Training
from rawtone.stages import layout, origin
from rawtone.training import estimate, roles, together
from rawtone.training.batches import FROM_SILENCE
from rawtone.training.follower import Follower
from rawtone.training.measures import measure
from rawtone.training.order import Order, order
from rawtone.training.together import Team

if TYPE_CHECKING:
    from rawtone.models.family import Family

# Raise by hand when training code changes what is learned; then finished runs are trained anew.
CODE_VERSION = 4


def run(experiment: str) -> None:
    """Train an experiment to its end and publish what others need.

    Args:
        experiment: its name in params.yaml.

    Raises:
        UserError: the corpus cannot serve, another process trains the same run, …
        Stopped: a signal asked for it; the state is saved.
    """
    settings = layout.read_settings("train", experiment)
    chunks = Chunks.open(layout.chunks(settings["corpus"]))
    begins = origin.find(settings, run_key)
    key = _key(settings, begins)
    training = settings["training"]
    role = roles.find(training["workers"])
    with together.taking_place(role, layout.run(key), key, experiment) as team:
        backend.start(training["deterministic"], training["threads"], role.size)
        smaller = "set a smaller training.batch_size or training.window"
        with backend.explaining_memory(smaller):
            _train(experiment, key, settings, chunks, begins, team)


def run_key(settings: dict[str, Any]) -> str:
    """Return the name of a run: a hash of everything that decides its result.

    Args:
        settings: resolved, of the train stage.

    Returns:
        12 hexadecimal digits.

    Raises:
        UserError: it begins from an experiment that is not trained as its settings are now.
    """
    return _key(settings, origin.find(settings, run_key))


def _key(settings: dict[str, Any], begins: origin.Origin | None) -> str:
    folder = layout.chunks(settings["corpus"])
    training = {
        name: value
        for name, value in settings["training"].items()
        if name not in NOT_DECISIVE and (name not in LATER or value != LATER[name])
    }
    decisive = {
        "chunks": {name: sha256(folder / name) for name in ("chunks.csv", "chunks.npy")},
        "code_version": CODE_VERSION,
        "model": settings["model"],
        "origin": begins.sha256 if begins else None,
        "quantizer": settings["quantizer"],
        "sample_rate": settings["sample_rate"],
        "training": training,
    }
    return hashlib.sha256(canonical_json(decisive).encode()).hexdigest()[:12]


def _train(
    experiment: str,
    key: str,
    settings: dict[str, Any],
    chunks: Chunks,
    begins: origin.Origin | None,
    team: Team,
) -> None:
    sums = together.collective(team)
    from rawtone.training.loop import Loop
    from rawtone.training.publishing import publish

    training = Training(**settings["training"])
    sizes = model_settings.model(settings["model"])
    known = labels.learned(chunks, settings["corpus"]) if sizes.labelled else ()
    model = _model(settings, known, begins)
    train, validation = _orders(settings, chunks, known)
    trainer = together.trainer(model, training, team, sums)
    if isinstance(team, Follower):
        from rawtone.training.shared import follow

        raise SystemExit(follow(trainer, train, validation, team))
    losses = measure(sizes.density)
    loop = Loop(
        layout.run(key),
        key,
        trainer,
        training,
        train=train,
        validation=validation,
        machinery=backend.facts(),
        uniform_loss=losses.uniform(settings["quantizer"]["levels"]),
        place=partial(_place, chunks, train.excerpts.rows),
        require_room=partial(_require_room, model, training, layout.run(key), team),
        notes=[*_notes(begins), *together.notes(team, trainer)],
        measure=losses,
    )
    loop.run()
    record = _record(settings, key, model, begins) | ({"labels": list(known)} if known else {})
    publish(layout.run(key), layout.results(experiment), record, loop.facts, losses)


def _model(
    settings: dict[str, Any], known: tuple[str, ...], begins: origin.Origin | None
) -> "Family":
    from rawtone.models.families import build
    from rawtone.models.family import Audio

    audio = Audio(quantizers.make(**settings["quantizer"]), settings["channels"], len(known))
    training = Training(**settings["training"])
    sizes = model_settings.model(settings["model"])
    model = build(sizes, audio, training.seed, training.precision)
    if begins:
        begins.require_labels(known)
        begins.load(model)
    return model


def _orders(
    settings: dict[str, Any], chunks: Chunks, known: tuple[str, ...]
) -> tuple[Order, Order]:
    """Return the windows learned from, and those that validate."""
    training, quantizer = Training(**settings["training"]), Quantizer(**settings["quantizer"])
    sizes = model_settings.model(settings["model"])
    shape = (training.batch_size, training.window)
    train, validation = (
        order(chunks, split, quantizer, sizes, shape, training.seed, silent, known)
        for split, silent in (("train", FROM_SILENCE), ("validation", 0.0))
    )
    return train, validation


def _record(
    settings: dict[str, Any], key: str, model: Any, begins: origin.Origin | None
) -> dict[str, Any]:
    """Return what config.json says of the run beside its machinery."""
    record = {k: v for k, v in settings.items() if k != "start_from"} | {
        "run": key,
        "code_version": CODE_VERSION,
        "parameters": int(model.count_params()),
        "receptive_field": model.settings.context,
    }
    return record | ({"origin": begins.facts} if begins else {})


def _notes(begins: origin.Origin | None) -> list[str]:
    device = [f"device: {backend.device()}"]
    return device + ([f"began from {begins.experiment}, step {begins.step}"] if begins else [])


def _require_room(model: Any, training: Training, folder: Path, team: Team) -> int:
    """Refuse what would be killed for its memory or would fill the disk; return bytes of disk."""
    parameters = int(model.count_params())
    activations = model.activations(training.batch_size // training.workers, training.window)
    here = team.role.neighbours if team else 1
    needed = here * estimate.memory(parameters, len(model.weights), activations, training)
    estimate.require_memory(needed, estimate.available_memory(), training)
    disk = estimate.disk(parameters, training)
    estimate.require_disk(disk, folder)
    return disk


def _place(chunks: Chunks, rows: Any, chunk: int, sample: int) -> str:
    row = int(rows[chunk])
    seconds = (int(chunks.starts[row]) + sample) / chunks.sample_rate
    return f"{chunks.tracks[row]} at {seconds:.2f} s"
