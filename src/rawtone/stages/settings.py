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
from rawtone.settings import NOT_DECISIVE, Experiment, Params, Source, StartFrom
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
    found: list[dict[str, Any]] = []
    for origin, index, source in _sources(name, resolved):
        listed = _source((name, origin), index, source, checksums)
        if listed not in found:
            found.append(listed)
    strict = corpus.strict and any({"url", "page"} & source.keys() for source in found)
    return {
        "fetch": {"sources": found} | ({"strict": True} if strict else {}),
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
    sampling = experiment.sampling.model_dump(exclude_none=True)
    if experiment.sampling.prime is not None:
        recording = experiment.sampling.prime.recording
        sampling["prime"]["sha256"] = _sha256_of_prime(name, recording, checksums)
    return {"sampling": sampling}


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


def _sources(name: str, resolved: Params) -> Iterator[tuple[str, int, Source]]:
    """Give a corpus's sources, those of other corpora in their place, with where they are set."""
    for index, source in enumerate(resolved.corpora[name].sources):
        if source.corpus is None:
            yield name, index, source
        else:
            yield from _sources(source.corpus, resolved)


def _source(
    corpora: tuple[str, str], index: int, source: Source, checksums: Checksums
) -> dict[str, Any]:
    """List one source.

    Args:
        corpora: the corpus it is for, and the one that names it.
        index: its place in the latter.
        source: its settings.
        checksums: where checksums come from.
    """
    licence = {"licence": source.licence} if source.licence else {}
    if source.demo is not None:
        return {"demo": source.demo}
    if source.url is not None:
        return {"url": source.url, "sha256": str(source.sha256).lower()} | licence
    if source.page is not None:
        return {"page": source.page, "look": source.look} | licence
    where = f"corpora.{corpora[1]}.sources.{index}.folder"
    folder = str(source.folder)
    return {"folder": folder, "files": _files(where, folder, corpora, checksums)} | licence


def _files(
    where: str, folder: str, corpora: tuple[str, str], checksums: Checksums
) -> list[dict[str, Any]]:
    place = Path(folder).expanduser()
    if place.is_dir():
        found = listing(place, checksums)
    elif place.exists():
        raise UserError(f"{where}: expected a folder, found a file: {folder}")
    else:
        found = next(filter(None, (_remembered(corpus, folder) for corpus in corpora)), [])
        if not found:
            raise UserError(f"{where}: no such folder: {folder}{_in_dvc(place)}")
    if not found:
        raise UserError(f"{where}: no recordings in {folder}, at any depth")
    return found


def _in_dvc(place: Path) -> str:
    """Say what brings a folder that DVC keeps, or one further up; nothing where it keeps none."""
    for folder in (place, *place.parents):
        tracked = folder.with_name(f"{folder.name}.dvc") if folder.name else folder
        if tracked.is_file():
            return f"; run: dvc pull {tracked}"
    return ""


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
