"""sample: checkpoints -> clips, over all labels, temperatures and seeds.

Clips are made beside the run's states, where a kill leaves what is made so far, and are linked to
where they are published.
"""

import itertools
import json
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.files import sha256, write_json
from rawtone.generation import grid, priming, tags
from rawtone.models import backend
from rawtone.models.backend import cores
from rawtone.sampling_settings import Sampling
from rawtone.settings import Training
from rawtone.stages import layout
from rawtone.training import tensorboard
from rawtone.training.lock import exclusive

if TYPE_CHECKING:
    from rawtone.generation.maker import Maker

_log = logging.getLogger("rawtone")


def run(experiment: str) -> None:
    """Make the clips of every published checkpoint of an experiment.

    Args:
        experiment: its name in params.yaml.

    Raises:
        UserError: nothing is published yet, a checkpoint is damaged, the model has no such label,
            clips cannot be primed as asked for, or TensorBoard is asked for and not installed.
    """
    folder = layout.results(experiment)
    table = layout.read_settings("sample", experiment)["sampling"]
    prime_sha256 = table.get("prime", {}).pop("sha256", "")
    sampling = Sampling(**table)
    config = json.loads((folder / "config.json").read_text())
    training = Training(**config["training"])
    backend.start(training.deterministic, training.threads)
    published = json.loads((folder / "checkpoints.json").read_text())["checkpoints"]
    if training.tensorboard:
        tensorboard.require()
    # hidden from what carries unfinished runs to other machines: there clips are made anew
    kept = layout.run(config["run"]) / ".clips" / experiment
    with exclusive(kept, "sampled"):
        clips = _Sampling(experiment, config, sampling, prime_sha256, kept).clips(folder, published)
    write_json(folder / "clips.json", clips)
    if training.tensorboard:
        tensorboard.show_clips(layout.run(config["run"]) / "tensorboard/clips", folder, clips)
    _log.info("%d clips of %g s in %s", len(clips), sampling.seconds, folder / "clips")


@dataclass(frozen=True)
class _Clip:
    """A clip of a checkpoint.

    Attributes:
        checkpoint: its row of checkpoints.json.
        asked: what is asked for.
        key: that stands for all that decides it.
    """

    checkpoint: dict[str, Any]
    asked: grid.Clip
    key: str

    def place(self, kind: str) -> Path:
        """Return where its file of a format is published, in the folder of the experiment."""
        folder = Path("clips", f"step-{self.checkpoint['step']:08d}")
        return folder / f"{self.asked.stem}.{kind}"


class _Sampling:
    """All that the clips of an experiment have in common.

    Args:
        experiment: its name.
        config: of the training.
        sampling: settings.
        prime_sha256: of the recording that they go on from, if there is one.
        kept: folder of what is made.
    """

    def __init__(
        self,
        experiment: str,
        config: dict[str, Any],
        sampling: Sampling,
        prime_sha256: str,
        kept: Path,
    ) -> None:
        from rawtone.generation.kept import Kept
        from rawtone.generation.maker import Maker, Primed

        self.experiment, self.sampling = experiment, sampling
        self.maker = Maker(config, sampling.engine, sampling.precision)
        self.grid = grid.grid(sampling, self.maker.labels)
        self.samples = round(sampling.seconds * self.maker.sample_rate)
        self.prime, self.origin, self.seconds = None, {}, sampling.seconds
        if sampling.prime is not None:
            keep = sampling.prime.keep
            pcm = priming.part(
                sampling.prime, prime_sha256, self.maker.sample_rate, self.maker.channels
            )
            self.prime = Primed(pcm, self.maker, keep)
            self.origin = {"prime": _told(sampling, prime_sha256)}
            self.seconds += sampling.prime.seconds if keep else 0
        self.kept = Kept(kept, sampling.formats)

    def clips(self, folder: Path, published: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Make all clips and publish them.

        Args:
            folder: of what the experiment publishes.
            published: its checkpoints, as checkpoints.json has them.

        Returns:
            The rows of clips.json.
        """
        for checkpoint in published:
            _require_whole(folder, checkpoint)
        shutil.rmtree(folder / "clips", ignore_errors=True)
        clips = [
            _Clip(row, asked, self.maker.key(row["sha256"], asked.stream, self.samples, self.prime))
            for row in published
            for asked in self.grid
        ]
        self._make(folder, clips)
        self.kept.sweep(clip.key for clip in clips)
        tell_cost(self.maker, folder / published[-1]["file"])
        facts = [self._facts(clip) for clip in clips]
        self._tell_times(clips, facts)
        return sorted(map(self._row, clips, facts), key=_place)

    def _facts(self, clip: _Clip) -> dict[str, Any]:
        """Return what is known of a clip that was made."""
        facts = self.kept.facts(clip.key)
        if facts is None:
            raise UserError(f"{self.kept.folder}: clips were changed while they were made")
        return facts

    def _tell_times(self, clips: list[_Clip], facts: list[dict[str, Any]]) -> None:
        """Write how long clips took beside them: no result, as it is another one each time."""
        from rawtone.generation.kept import TIMES

        rows = [
            {"clip": clip.place("wav").with_suffix(""), "seconds": self.seconds, "took": took}
            for clip, known in zip(clips, facts, strict=True)
            if (took := known.get("took")) is not None
        ]
        table.write(self.kept.folder / TIMES, ("clip", "seconds", "took"), rows)

    def _make(self, folder: Path, clips: list[_Clip]) -> None:
        """Make what there is not yet, and publish each clip as soon as it is there."""
        from rawtone.generation.filling import Asked, Filling, OfCheckpoint
        from rawtone.generation.making import Making
        from rawtone.generation.progress import Progress

        wanted: dict[str, dict[str, Asked]] = {}
        places: dict[str, list[_Clip]] = {}
        for clip in clips:
            asked = Asked(clip.asked.stream, self._tags(clip))
            wanted.setdefault(clip.checkpoint["file"], {})[clip.key] = asked
            places.setdefault(clip.key, []).append(clip)

        def publish(key: str) -> None:
            for clip, kind in itertools.product(places[key], self.kept.kinds):
                _link(self.kept.file(key, kind), folder / clip.place(kind))

        progress = Progress(len(clips) * self.samples, self.maker.sample_rate)
        try:
            making = Making(self.maker, self.samples, self.prime, progress)
            checkpoints = [OfCheckpoint(folder / file, asked) for file, asked in wanted.items()]
            Filling(self.kept, making, publish).make(checkpoints, cores())
        finally:
            progress.close()

    def _tags(self, clip: _Clip) -> dict[str, str]:
        config, row = self.maker.config, clip.checkpoint
        origin = tags.Origin(
            self.experiment, config["model"]["family"], config["run"], row["step"], row["sha256"]
        )
        prime = self.origin.get("prime")
        settings = {
            "engine": self.maker.engine_name,
            "precision": self.sampling.precision,
            "prime": prime
            and tags.of_prime(
                Path(prime["recording"]), prime["start"], prime["seconds"], prime["sha256"]
            ),
        }
        return tags.tags(origin, clip.asked.stream, self.maker.labels, settings)

    def _row(self, clip: _Clip, facts: dict[str, Any]) -> dict[str, Any]:
        """Return a clip's row of clips.json."""
        return {
            "step": clip.checkpoint["step"],
            **clip.asked.told,
            **self.origin,
            **self._told_of_engine(),
            "seconds": self.seconds,
            "sample_rate": self.maker.sample_rate,
            **{kind: str(clip.place(kind)) for kind in self.kept.kinds},
            "sha256": facts["sha256"],
            "fingerprint": facts["fingerprint"],
        }

    def _told_of_engine(self) -> dict[str, Any]:
        unusual = {"precision": "float32", "top_p": 1.0}
        told = {key: getattr(self.sampling, key) for key in unusual}
        engine = {"engine": self.maker.engine_name}
        return engine | {key: value for key, value in told.items() if value != unusual[key]}


def tell_cost(maker: "Maker", weights: Path) -> None:
    """Say what weights of fewer bits cost, where the held-out audio is here to hear it on.

    Args:
        maker: of the clips.
        weights: of the checkpoint that is measured.
    """
    from rawtone.corpus.chunks import Chunks
    from rawtone.evaluation.held_out import HeldOut
    from rawtone.evaluation.precision import cost

    chunks = layout.chunks(str(maker.config.get("corpus")))
    kernel: Any = maker.kernel
    if maker.precision == "float32" or not hasattr(kernel, "score"):
        return
    if not (chunks / "corpus.json").exists():
        _log.info("what %s weights cost in bits is not known without %s", maker.precision, chunks)
        return
    held_out = HeldOut(Chunks.open(chunks), "validation", dict(maker.config))
    maker.load(weights)
    _log.info("%s", cost(lambda kept: kernel(maker.model, kept), maker.precision, held_out).words)


def _told(sampling: Sampling, prime_sha256: str) -> dict[str, Any]:
    """Say what clips go on from; that it is cut from them goes without saying."""
    table = sampling.prime.model_dump() if sampling.prime else {}
    kept = {"keep": True} if table.pop("keep", False) else {}
    return table | kept | {"sha256": prime_sha256}


def _place(clip: dict[str, Any]) -> tuple[Any, ...]:
    """Return where a row stands in clips.json: schedules come after constant temperatures."""
    heat = clip["temperature"]
    varies = isinstance(heat, str)
    order = (0.0, heat) if varies else (heat, "")
    return (clip["step"], clip.get("label", ""), varies, *order, clip["seed"])


def _require_whole(folder: Path, checkpoint: dict[str, Any]) -> None:
    weights = folder / checkpoint["file"]
    if not weights.exists() or sha256(weights) != checkpoint["sha256"]:
        raise UserError(
            f"{weights}: not the file that checkpoints.json names; publish it anew by "
            f"running: rawtone train {folder.name}"
        )


def _link(source: Path, target: Path) -> None:
    """Give a finished file a second name, or copy it where the file system has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
