"""settings: params.yaml and the listing of source folders -> one file of settings for each stage.

Each file changes only when its content does; it is what the workflow engines look at. Runs whenever
the Snakefile is read, so it has to be quick.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rawtone import files, params
from rawtone.corpus import genres, sidecar, table
from rawtone.corpus.sources import FILES, Checksums, listing
from rawtone.corpus.splits import FEWEST_TRACKS
from rawtone.corpus_settings import (
    LABELS,
    LATER_OF_CHUNKING,
    LATER_OF_CORPUS,
    LATER_OF_SPLIT,
    Corpus,
    Source,
)
from rawtone.errors import UserError, nearest
from rawtone.sampling_settings import LATER_OF_PRIME, LATER_OF_SAMPLING
from rawtone.settings import NOT_DECISIVE, Experiment, Params, StartFrom
from rawtone.stages import layout

_SHORTEST_GAP = 0.5  # seconds
_CACHE = Path("settings/.listing-cache.json")
_Tables = dict[str, dict[str, Any]]


def run() -> None:
    """Resolve params.yaml and write the settings of every stage.

    Raises:
        UserError: something in params.yaml cannot work, or a folder of recordings is not there.
    """
    resolved, checksums = params.resolve(), Checksums(_CACHE)
    try:
        found = list(_all(resolved, checksums))
        checksums.forget_others()
    finally:
        checksums.save()  # to read all recordings may take an hour, and may be broken off
    wanted = {path: files.canonical_json(value) for path, value in found}
    for path, content in wanted.items():
        files.write_if_changed(path, content)
    for path in Path("settings").glob("*/*.json"):
        if path not in wanted:
            path.unlink()


def _all(resolved: Params, checksums: Checksums) -> Iterator[tuple[Path, dict[str, Any]]]:
    corpora = {name: _corpus(name, resolved, checksums) for name in resolved.corpora}
    for name, stages in corpora.items():
        for stage, table_of_stage in stages.items():
            yield layout.settings(stage, name), table_of_stage
    for name, experiment in resolved.experiments.items():
        yield layout.settings("train", name), _train(resolved, experiment, corpora)
        yield layout.settings("sample", name), _sample(name, experiment, checksums)
        yield layout.settings("parse-log", name), {}
        yield layout.settings("evaluate", name), _evaluate(experiment)
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
    later = {key: full[key] for key in LATER_OF_CORPUS if full[key] != LATER_OF_CORPUS[key]}
    return {
        "fetch": {"sources": found} | ({"strict": True} if strict else {}),
        "convert": form
        | {key: full[key] for key in ("strict", "ffmpeg")}
        | later
        | _tables_of_the_user(name, corpus),
        "chunk": form | {"label": corpus.label} | _cutting(name, resolved, found),
    }


def _tables_of_the_user(name: str, corpus: Corpus) -> dict[str, Any]:
    """Read them into the settings, so that an edit shows and the stage needs no other file."""
    tables: dict[str, Any] = {}
    where = f"corpora.{name}"
    if corpus.tags is not None:
        rows = tables["tags"] = sidecar.read(Path(corpus.tags), f"{where}.tags")
        columns = {*LABELS, *(rows[0] if rows else [])}
        if corpus.label is not None and corpus.label not in columns:
            hint = nearest(corpus.label, sorted(columns))
            raise UserError(f"{where}.label: {corpus.tags} has no column '{corpus.label}'; {hint}")
    if corpus.genres is not None:
        tables["genres"] = genres.read(Path(corpus.genres), f"{where}.genres")
    return tables


def _cutting(name: str, resolved: Params, sources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    corpus = resolved.corpora[name]
    chunk, split = corpus.chunk.model_dump(), corpus.split.model_dump()
    if split["by"] == "time" or sum(map(_recordings_of, sources)) < FEWEST_TRACKS:
        split["gap"] = _long_enough(split["gap"], _longest_context(name, resolved))
    tables = {
        "chunk": {k: v for k, v in chunk.items() if v != LATER_OF_CHUNKING.get(k, ...)},
        "split": {k: v for k, v in split.items() if v != LATER_OF_SPLIT.get(k, ...)},
    }
    each = corpus.select.each_seconds
    return tables | ({"each": {"seconds": each, "which": corpus.select.each}} if each else {})


def _recordings_of(source: dict[str, Any]) -> int:
    """Return how many recordings a source has; enough of them where that is not known here."""
    if source.get("demo") == "sine":
        return 1
    return len(source["files"]) if "files" in source else FEWEST_TRACKS


def _long_enough(gap: float, context: float) -> float:
    """Double a gap until models do not hear across it: most edits of a model leave it as it is."""
    while gap <= context:
        gap = 2 * gap or _SHORTEST_GAP
    return gap


def _longest_context(name: str, resolved: Params) -> float:
    """Return how many seconds the models of a corpus hear back, at most."""
    rate = resolved.corpora[name].sample_rate
    learning = [e for e in resolved.experiments.values() if e.corpus == name]
    return max((experiment.model.context / rate for experiment in learning), default=0.0)


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


def _evaluate(experiment: Experiment) -> dict[str, Any]:
    select = experiment.select.model_dump(exclude_defaults=True)
    return {"corpus": experiment.corpus} | ({"select": select} if select else {})


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
