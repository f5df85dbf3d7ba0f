"""settings: params.yaml and the listing of source folders -> one file of settings for each stage.

Each file changes only when its content does; it is what the workflow engines look at. Runs whenever
the Snakefile is read, so it has to be quick.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rawtone import files, params
from rawtone.corpus import table
from rawtone.corpus.sources import FILES, Checksums, listing
from rawtone.errors import UserError
from rawtone.settings import (
    LATER_OF_PRIME,
    LATER_OF_SAMPLING,
    NOT_DECISIVE,
    Experiment,
    Params,
    Source,
    StartFrom,
)
from rawtone.stages import layout

_CACHE = Path("settings/.listing-cache.json")
_Tables = dict[str, dict[str, Any]]


def run() -> None:
    """Resolve params.yaml and write the settings of every stage.

    Raises:
        UserError: something in params.yaml cannot work, or a folder of recordings is not there.
    """
    checksums = Checksums(_CACHE)
    found = _all(params.resolve(), checksums)
    wanted = {path: files.canonical_json(value) for path, value in found}
    for path, content in wanted.items():
        files.write_if_changed(path, content)
    for path in Path("settings").glob("*/*.json"):
        if path not in wanted:
            path.unlink()
    checksums.save()


def _all(resolved: Params, checksums: Checksums) -> Iterator[tuple[Path, dict[str, Any]]]:
    corpora = {name: _corpus(name, resolved, checksums) for name in resolved.corpora}
    for name, stages in corpora.items():
        for stage, table_of_stage in stages.items():
            yield layout.settings(stage, name), table_of_stage
    for name, experiment in resolved.experiments.items():
        yield layout.settings("train", name), _train(resolved, experiment, corpora)
        yield layout.settings("sample", name), _sample(name, experiment, checksums)
        yield layout.settings("parse-log", name), {}
        yield layout.settings("evaluate", name), {"corpus": experiment.corpus}
    yield layout.settings("report"), _report(resolved)


def _corpus(name: str, resolved: Params, checksums: Checksums) -> _Tables:
    corpus = resolved.corpora[name]
    full = corpus.model_dump()
    form = {key: full[key] for key in ("sample_rate", "channels")}
    found = [_source(name, i, source, checksums) for i, source in enumerate(corpus.sources)]
    return {
        "fetch": {"sources": found},
        "convert": form | {key: full[key] for key in ("strict", "ffmpeg")},
        "chunk": form | {key: full[key] for key in ("chunk", "label", "split")},
    }


def _train(resolved: Params, experiment: Experiment, corpora: dict[str, _Tables]) -> dict[str, Any]:
    full = experiment.model_dump()
    learned = {key: full[key] for key in ("corpus", "model", "quantizer", "training")}
    corpus = resolved.corpora[experiment.corpus]
    learned |= {"sample_rate": corpus.sample_rate, "channels": corpus.channels}
    if experiment.start_from is not None:
        decides = _decides(resolved, experiment.start_from, corpora)
        learned["start_from"] = full["start_from"] | {"decides": decides}
    return learned


def _sample(name: str, experiment: Experiment, checksums: Checksums) -> dict[str, Any]:
    sampling = _said(experiment.sampling.model_dump(exclude_none=True), LATER_OF_SAMPLING)
    if experiment.sampling.prime is not None:
        recording = experiment.sampling.prime.recording
        prime = _said(sampling["prime"], LATER_OF_PRIME)
        sampling["prime"] = prime | {"sha256": _sha256_of_prime(name, recording, checksums)}
    return {"sampling": sampling}


def _said(table: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Leave out keys that came later where they are as if there were none."""
    return {k: v for k, v in table.items() if k not in later or v != later[k]}


def _sha256_of_prime(name: str, recording: str, checksums: Checksums) -> str:
    where = f"experiments.{name}.sampling.prime.recording"
    try:
        return checksums.of(Path(recording).expanduser())
    except FileNotFoundError:
        before = _remembered_prime(name)
        if before.get("recording") != recording:
            raise UserError(
                f"{where}: no such file: {recording}; put it there, or name another"
            ) from None
        return str(before["sha256"])
    except OSError as error:
        raise UserError(f"{where}: {recording} cannot be read ({error.strerror})") from None


def _remembered_prime(name: str) -> dict[str, Any]:
    """Return what the settings say of a prime so far: its recording may be elsewhere."""
    path = layout.settings("sample", name)
    before: dict[str, Any] = json.loads(path.read_text())["sampling"] if path.exists() else {}
    prime: dict[str, Any] = before.get("prime", {})
    return prime


def _decides(resolved: Params, start: StartFrom, corpora: dict[str, _Tables]) -> str:
    """Digest all settings that decide the weights from which an experiment begins.

    An edit of any of them so changes the experiment's own file, too: dvc.yaml cannot say that one
    experiment depends on another, and another on none.
    """
    origin = resolved.experiments[start.experiment]
    learned = _train(resolved, origin, corpora)
    # Which checkpoint is the best depends on which there are.
    ignored = set(NOT_DECISIVE) - ({"keep"} if start.step == "best" else set())
    training = {key: v for key, v in learned["training"].items() if key not in ignored}
    decisive = learned | {"corpus": corpora[origin.corpus], "training": training}
    return hashlib.sha256(files.canonical_json(decisive).encode()).hexdigest()


def _report(resolved: Params) -> dict[str, Any]:
    experiments = {
        name: {"preset": experiment.preset, "corpus": experiment.corpus}
        for name, experiment in resolved.experiments.items()
    }
    in_use = sorted({experiment["corpus"] for experiment in experiments.values()})
    return {"corpora": in_use, "experiments": experiments}


def _source(corpus: str, index: int, source: Source, checksums: Checksums) -> dict[str, Any]:
    if source.folder is None:
        return {"demo": source.demo}
    where = f"corpora.{corpus}.sources.{index}.folder"
    folder = Path(source.folder).expanduser()
    if folder.is_dir():
        found = listing(folder, checksums)
    elif folder.exists():
        raise UserError(f"{where}: expected a folder, found a file: {source.folder}")
    else:
        found = _remembered(corpus, source.folder)
        if not found:
            raise UserError(f"{where}: no such folder: {source.folder}")
    if not found:
        raise UserError(f"{where}: no recordings in {source.folder}, at any depth")
    return {"folder": source.folder, "files": found}


def _remembered(corpus: str, folder: str) -> list[dict[str, Any]]:
    """List a folder that is not on this machine, as it was when it was fetched."""
    fetched = layout.raw(corpus) / FILES
    if not fetched.exists():
        return []
    return [
        {"path": row["path"], "size": int(row["size"]), "sha256": row["sha256"]}
        for row in table.read(fetched)
        if row["source"] == folder and row["size"]
    ]
