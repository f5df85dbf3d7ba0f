"""params.yaml and presets -> resolved settings; all is checked before anything runs."""

import math
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rawtone.corpus_settings import Corpus
from rawtone.errors import UserError, nearest
from rawtone.model_settings import WITH_TOP_P
from rawtone.settings import Experiment, Params

PARAMS = Path("params.yaml")
# More than so many logits for every sample would fill the memory and learn next to nothing.
MOST_LEVELS_OF_A_SOFTMAX = 4096


# Tables of several kinds, and the key that tells which: their other keys depend on it.
_TAGS = {"model": "family", "output": "kind"}


def presets() -> list[str]:
    """Return the names of all presets, sorted."""
    folder = resources.files("rawtone.presets")
    return sorted(
        f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")
    )


def _merge(base: Any, override: Any, tag: str = "") -> Any:
    """Let keys of a table win over those of another, unless both are of different kinds."""
    if not (isinstance(base, dict) and isinstance(override, dict)):
        return override
    if tag and tag in override and override[tag] != base.get(tag):
        return override
    inner = {k: _merge(base[k], v, _TAGS.get(k, "")) for k, v in override.items() if k in base}
    return base | override | inner


def _with_preset(where: str, experiment: Any) -> Any:
    if not isinstance(experiment, dict) or not isinstance(experiment.get("preset"), str):
        return experiment
    name = experiment["preset"]
    if name not in presets():
        raise UserError(f"{where}.preset: no preset '{name}'; {nearest(name, presets())}")
    text = resources.files("rawtone.presets").joinpath(f"{name}.yaml").read_text()
    return _merge(yaml.safe_load(text), experiment)


def _one_line(error: ValidationError) -> str:
    first, *others = error.errors()
    path = _key_of(first)
    if first["type"] in ("missing", "union_tag_not_found"):
        return f"{path}: expected a value, found none"
    alternatives = [_words(first), *(_words(other) for other in others if _key_of(other) == path)]
    message = " or ".join(
        [alternatives[0], *(a.removeprefix("expected ") for a in alternatives[1:])]
    )
    if first["type"] not in ("unknown_key", "value_error", "union_tag_invalid"):
        message = f"{message}, found {first['input']!r}"
    return f"{path}: {message}" if path else message


def _key_of(error: ErrorDetails) -> str:
    """Return the path of a key as params.yaml has it, without pydantic's names of alternatives."""
    parts = [str(part) for part in error["loc"] if part != "[key]"]
    if parts[:1] == ["experiments"] and parts[2:3] == ["model"]:
        del parts[3:4]  # the family
        if parts[3:4] == ["output"]:
            del parts[4:5]
    if error["type"].startswith("union_tag"):
        parts.append(_tag(error))
    return ".".join(part for part in parts if not part.startswith(("constrained-", "literal[")))


def _tag(error: ErrorDetails) -> str:
    return str(error["ctx"]["discriminator"]).strip("'")


def _words(error: ErrorDetails) -> str:
    if error["type"] == "union_tag_invalid":
        found, known = error["ctx"]["tag"], str(error["ctx"]["expected_tags"])
        hint = nearest(found, known.strip("'").split("', '"))
        return f"no {_tag(error)} '{found}'; {hint}"
    if error["type"] in ("model_type", "model_attributes_type"):
        return "expected a table of keys"
    return error["msg"].replace("Input should be", "expected").removeprefix("Value error, ")


def _check_mixes(params: Params, where: str) -> None:
    """Refuse a corpus of corpora that are not there, or that comes to itself again."""
    for name in params.corpora:
        _follow(params, where, name, (name,))


def _follow(params: Params, where: str, name: str, way: tuple[str, ...]) -> None:
    for index, source in enumerate(params.corpora[name].sources):
        if source.corpus is None:
            continue
        key = f"{where}: corpora.{name}.sources.{index}.corpus"
        if source.corpus not in params.corpora:
            hint = nearest(source.corpus, [other for other in params.corpora if other != name])
            raise UserError(f"{key}: no corpus '{source.corpus}'; {hint}")
        if source.corpus in way:
            circle = " -> ".join((*way, source.corpus))
            raise UserError(f"{key}: expected a corpus that does not lead back, found {circle}")
        _follow(params, where, source.corpus, (*way, source.corpus))


def _check_together(params: Params, where: str) -> None:
    _check_mixes(params, where)
    for name, experiment in params.experiments.items():
        path = f"{where}: experiments.{name}"
        if experiment.corpus not in params.corpora:
            hint = nearest(experiment.corpus, list(params.corpora))
            raise UserError(f"{path}.corpus: no corpus '{experiment.corpus}'; {hint}")
        corpus = params.corpora[experiment.corpus]
        chunk = round(corpus.chunk.seconds * corpus.sample_rate)
        needed = experiment.model.context
        if chunk < needed:
            raise UserError(
                f"{path}.model: its receptive field is {needed} samples, but a chunk of corpus "
                f"'{experiment.corpus}' has {chunk}; set corpora.{experiment.corpus}.chunk.seconds "
                f"to at least {math.ceil(100 * needed / corpus.sample_rate) / 100} or let the "
                "model hear less"
            )
        _check_model(path, experiment, corpus)
        _check_start(params, name, path)


def _check_model(path: str, experiment: Experiment, corpus: Corpus) -> None:
    """Refuse what a family cannot do."""
    model, training = experiment.model, experiment.training
    if corpus.channels != 1 and not model.stereo:
        raise UserError(
            f"{path}.model: family '{model.family}' makes mono audio, but corpus "
            f"'{experiment.corpus}' has {corpus.channels} channels; set its channels to 1"
        )
    _check_labels(path, experiment, corpus)
    _check_prime(path, experiment, corpus)
    _check_top_p(path, experiment)
    if training.window % model.stride:
        raise UserError(
            f"{path}.training.window: expected a multiple of {model.stride}, which family "
            f"'{model.family}' predicts together, found {training.window}; set it to "
            f"{training.window - training.window % model.stride or model.stride}"
        )
    if model.recurrent and training.workers > 1:
        raise UserError(
            f"{path}.training.workers: expected 1 with family '{model.family}', which carries "
            f"state from window to window, found {training.workers}"
        )
    levels = experiment.quantizer.levels
    if model.output.kind == "softmax" and levels > MOST_LEVELS_OF_A_SOFTMAX:
        raise UserError(
            f"{path}.model.output.kind: expected at most {MOST_LEVELS_OF_A_SOFTMAX} levels with "
            f"softmax, found {levels}; set it to two_stage or logistics, or quantizer.levels to "
            "fewer"
        )


def _check_labels(path: str, experiment: Experiment, corpus: Corpus) -> None:
    """Refuse labels where there are none, and where nobody is told them."""
    if experiment.model.labelled and corpus.label is None:
        raise UserError(
            f"{path}.model: is told labels, but corpora.{experiment.corpus}.label is null; set "
            "that to the tag that is the label, or to folder"
        )
    if not experiment.model.labelled and experiment.sampling.labels != "all":
        raise UserError(
            f"{path}.sampling.labels: expected none, as the model is told no labels, found "
            f"{experiment.sampling.labels}; set model.global_channels of a wavenet to tell it them"
        )


def _check_prime(path: str, experiment: Experiment, corpus: Corpus) -> None:
    """Refuse a prime of which nothing would be heard."""
    prime, hop = experiment.sampling.prime, experiment.model.hop
    if prime is not None and round(prime.seconds * corpus.sample_rate) < hop:
        least = math.ceil(1000 * hop / corpus.sample_rate) / 1000
        raise UserError(
            f"{path}.sampling.prime.seconds: expected at least {least:g}, which family "
            f"'{experiment.model.family}' hears at once, found {prime.seconds:g}"
        )


def _check_top_p(path: str, experiment: Experiment) -> None:
    """Refuse to leave out unlikely codes where codes have no probabilities to draw from."""
    top_p, kind = experiment.sampling.top_p, experiment.model.output.kind
    if top_p < 1 and kind not in WITH_TOP_P:
        raise UserError(
            f"{path}.sampling.top_p: expected 1 with model.output.kind {kind}, which draws values "
            f"and not codes, found {top_p:g}; lower temperatures instead"
        )


def _check_start(params: Params, name: str, path: str) -> None:
    """Refuse an origin that is not further up, so that there are no circles, or does not fit."""
    start = params.experiments[name].start_from
    if start is None:
        return
    key, names = f"{path}.start_from.experiment", list(params.experiments)
    if start.experiment not in names:
        hint = nearest(start.experiment, [other for other in names if other != name])
        raise UserError(f"{key}: no experiment '{start.experiment}'; {hint}")
    if start.experiment == name:
        raise UserError(f"{key}: expected an experiment further up, found '{name}' itself")
    if names.index(start.experiment) > names.index(name):
        raise UserError(
            f"{key}: expected an experiment further up, but '{start.experiment}' stands below; "
            f"move it above '{name}'"
        )
    differing = _first_difference(params.experiments[start.experiment], params.experiments[name])
    if differing:
        raise UserError(
            f"{path}.{differing}: must be as in '{start.experiment}', from which it begins"
        )


def _first_difference(origin: Experiment, experiment: Experiment) -> str | None:
    """Return the first key that decides what the weights mean and is not the same in both."""
    tables = (origin.model_dump(), experiment.model_dump())
    for part in ("model", "quantizer"):
        before, after = (table[part] for table in tables)
        for key in before | after:
            if before.get(key) != after.get(key):
                return f"{part}.{key}"
    return None


def resolve(path: Path = PARAMS) -> Params:
    """Read, complete and check params.yaml.

    Args:
        path: the file, in the format of params.yaml.

    Returns:
        All settings, with every preset filled in.

    Raises:
        UserError: something in it cannot work; the message gives the key, what was expected and
            what was found.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file; run rawtone in the folder that holds it")
    try:
        table = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(table, dict):
        raise UserError(f"{path}: expected the tables 'corpora' and 'experiments', found {table!r}")
    experiments = table.get("experiments")
    if isinstance(experiments, dict):
        filled = {k: _with_preset(f"{path}: experiments.{k}", v) for k, v in experiments.items()}
        table = table | {"experiments": filled}
    try:
        params = Params.model_validate(table)
    except ValidationError as error:
        raise UserError(f"{path}: {_one_line(error)}") from None
    _check_together(params, str(path))
    return params


def schema() -> dict[str, Any]:
    """Return the JSON schema of params.yaml, in which a preset may stand for any other key."""
    full = Params.model_json_schema()
    for name, table in full["$defs"].items():
        if name != "Corpus":
            table.pop("required", None)
        for key in table["properties"].values():
            if "discriminator" in key:  # without the key that tells, a table may be of any kind
                key["anyOf"] = key.pop("oneOf")
    full["$defs"]["Experiment"]["required"] = ["corpus", "preset"]
    full["$defs"]["Experiment"]["properties"]["preset"]["enum"] = presets()
    return full
