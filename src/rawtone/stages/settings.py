"""settings: params.yaml and the listing of source folders -> one file of settings for each stage.

Each file changes only when its content does; it is what the workflow engines look at. Runs whenever
the Snakefile is read, so it has to be quick.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rawtone import files, params
from rawtone.corpus import table
from rawtone.corpus.sources import FILES, Checksums, listing
from rawtone.errors import UserError
from rawtone.settings import Params, Source
from rawtone.stages import layout

_CACHE = Path("settings/.listing-cache.json")


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
    for name, corpus in resolved.corpora.items():
        full = corpus.model_dump()
        form = {key: full[key] for key in ("sample_rate", "channels", "strict")}
        found = [_source(name, i, source, checksums) for i, source in enumerate(corpus.sources)]
        yield layout.settings("fetch", name), {"sources": found}
        yield layout.settings("convert", name), form | {"ffmpeg": full["ffmpeg"]}
        yield layout.settings("chunk", name), form | {k: full[k] for k in ("chunk", "split")}
    for name, experiment in resolved.experiments.items():
        full = experiment.model_dump()
        corpus_name = experiment.corpus
        learned = {key: full[key] for key in ("corpus", "model", "quantizer", "training")}
        rate = resolved.corpora[corpus_name].sample_rate
        yield layout.settings("train", name), learned | {"sample_rate": rate}
        yield layout.settings("sample", name), {"sampling": full["sampling"]}
        yield layout.settings("parse-log", name), {}
        yield layout.settings("evaluate", name), {"corpus": corpus_name}
    yield layout.settings("report"), _report(resolved)


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
