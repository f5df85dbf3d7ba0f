"""params.yaml is resolved, and every mistake in it is one line that names the key."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from rawtone import files, model_settings, params
from rawtone.errors import UserError

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "workflow/schemas/params.schema.json"
GOOD = {
    "corpora": {"mine": {"sources": [{"folder": "~/music"}], "sample_rate": 8000}},
    "experiments": {"first": {"corpus": "mine", "preset": "wavenet-demo"}},
}


def changed(path: str, value: object) -> dict:
    """Give the good table with one key set, such as "corpora.mine.sources.0.folder"."""
    table = copy.deepcopy(GOOD)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place = table
    for part in parents:
        place = place[part] if isinstance(place, list) else place.setdefault(part, {})
    place[last] = value
    return table


def resolved(table: object, folder: Path) -> params.Params:
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(table))
    return params.resolve(path)


def complaint(table: object, folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        resolved(table, folder)
    text = str(caught.value)
    assert "\n" not in text
    return text.removeprefix(f"{folder / 'params.yaml'}: ")


def test_the_presets_fill_in_what_is_not_set(tmp_path):
    experiment = resolved(GOOD, tmp_path).experiments["first"]
    preset = yaml.safe_load((ROOT / "src/rawtone/presets/wavenet-demo.yaml").read_text())
    assert experiment.training.model_dump(exclude_unset=True) == preset["training"]
    assert experiment.model == model_settings.model(preset["model"])


def test_what_is_set_wins_key_by_key(tmp_path):
    before = resolved(GOOD, tmp_path).experiments["first"]
    after = resolved(changed("experiments.first.training.steps", 7), tmp_path).experiments["first"]
    assert after.training.steps == 7
    assert after.training.model_dump() | {"steps": before.training.steps} == (
        before.training.model_dump()
    )
    shorter = changed("experiments.first.model.dilations", [1, 2])
    assert resolved(shorter, tmp_path).experiments["first"].model.dilations == [1, 2]


def test_defaults_of_a_corpus(tmp_path):
    corpus = resolved(GOOD, tmp_path).corpora["mine"]
    chunk = {"seconds": 8.0, "overlap": 1.0, "partial": "keep", "silence_dbfs": -64.0}
    assert corpus.chunk.model_dump() == chunk | {"trim_dbfs": None}
    split = {"by": "track", "validation": 0.1, "test": 0.1, "gap": 0.5}
    assert corpus.split.model_dump() == split
    assert (corpus.channels, corpus.strict, corpus.ffmpeg) == (1, False, "bundled")


MISTAKES = [
    ("corpora.mine.sampel_rate", 8000, "corpora.mine: unknown key 'sampel_rate'", "'sample_rate'?"),
    ("corpora.mine.chunk.second", 8.0, "corpora.mine.chunk: unknown key", "'seconds'?"),
    ("corpus", {}, "unknown key 'corpus'", "'corpora'?"),
    ("corpora.mine.sample_rate", "8000", "corpora.mine.sample_rate: expected", "found '8000'"),
    ("corpora.mine.sample_rate", 999, "corpora.mine.sample_rate: expected", "found 999"),
    ("corpora.mine.strict", "yes", "corpora.mine.strict: expected", "found 'yes'"),
    ("corpora.mine.channels", 3, "corpora.mine.channels: expected 1 or 2", "found 3"),
    ("corpora.mine.sources", [], "corpora.mine.sources: ", "found []"),
    ("corpora.mine.sources", [{}], "corpora.mine.sources.0: ", "exactly one of"),
    ("corpora.mine.sources.0.demo", "music", "corpora.mine.sources.0: ", "exactly one of"),
    ("corpora.mine.chunk.overlap", 8.0, "corpora.mine.chunk: ", "overlap below seconds"),
    ("corpora.mine.split.by", "chunk", "corpora.mine.split.by: expected", "found 'chunk'"),
    ("experiments.first.corpus", "mien", "experiments.first.corpus: no corpus", "'mine'?"),
    ("experiments.first.preset", "wavenet-dem", "experiments.first.preset: no", "'wavenet-demo'?"),
    ("experiments.first.training.steps", 0, "experiments.first.training.steps: ", "found 0"),
    ("experiments.first.quantizer.levels", 1, "experiments.first.quantizer.levels: ", "found 1"),
    ("experiments.first.sampling.seeds", [1, 1], "experiments.first.sampling: ", "twice"),
    ("experiments.first.training.keep", 3, "experiments.first.training.keep: ", "a table of keys"),
    (
        "experiments.first.start_from",
        {"experiment": "other", "step": "first"},
        "experiments.first.start_from.step: expected",
        "or 'best' or 'last', found 'first'",
    ),
    ("experiments.first", 7, "experiments.first: expected", "found 7"),
    ("experiments.First Try", GOOD["experiments"]["first"], "experiments.First Try: ", "First Try"),
    ("experiments", {}, "experiments: ", "found {}"),
    ("corpora.mine.channels", 2, "experiments.first.model: ", "set its channels to 1"),
    ("corpora.mine.label", "mood", "corpora.mine.label: expected 'genre', 'artist'", "'mood'"),
    ("corpora.mine.split", {"by": "artists"}, "corpora.mine.split.by: expected", "found 'artists'"),
    ("corpora.mine.select", {"max_hour": 1}, "corpora.mine.select: unknown", "'max_hours'"),
    (
        "corpora.mine.select",
        {"min_seconds": 9.0, "max_seconds": 8.0},
        "corpora.mine.select: expected max_seconds of at least min_seconds",
        "found 8.0 and 9.0",
    ),
    (
        "corpora.mine.select",
        {"each": "even", "each_seconds": 2.0},
        "corpora.mine: expected select.each_seconds of at least a chunk",
        "found 2",
    ),
    ("experiments.first.sampling.labels", ["a"], "experiments.first.sampling.labels: ", "no label"),
    ("experiments.first.sampling.labels", "a", "experiments.first.sampling.labels: ", "found 'a'"),
    ("experiments.first.sampling.labels", [], "experiments.first.sampling.labels: ", "found []"),
]


@pytest.mark.parametrize(("path", "value", "where", "what"), MISTAKES)
def test_a_mistake_names_its_key_and_what_to_do(tmp_path, path, value, where, what):
    said = complaint(changed(path, value), tmp_path)
    assert said.startswith(where)
    assert what in said


def test_a_key_that_is_missing(tmp_path):
    table = copy.deepcopy(GOOD)
    del table["experiments"]["first"]["corpus"]
    assert complaint(table, tmp_path).startswith("experiments.first.corpus: expected a value")
    del table["experiments"]
    assert complaint(table, tmp_path).startswith("experiments: expected a value")


def test_labels_need_a_tag_that_is_the_label(tmp_path):
    table = changed("corpora.mine.label", None)
    resolved(table, tmp_path)
    table["experiments"]["first"]["model"] = {"global_channels": 3}
    said = complaint(table, tmp_path)
    assert said.startswith(
        "experiments.first.model: is told labels, but corpora.mine.label is null"
    )
    table["corpora"]["mine"]["label"] = "year"
    table["experiments"]["first"]["sampling"] = {"labels": ["1991"]}
    assert resolved(table, tmp_path).experiments["first"].sampling.labels == ["1991"]


def test_an_experiment_without_a_preset(tmp_path):
    table = copy.deepcopy(GOOD)
    del table["experiments"]["first"]["preset"]
    assert complaint(table, tmp_path).startswith("experiments.first.preset: expected a value")


@pytest.mark.parametrize("text", ["corpora: [", "a: b: c", "\x00", "just words", "", "- 1"])
def test_what_is_no_table_is_one_line(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        params.resolve(tmp_path / "params.yaml")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"corpora: \xff\xfe")
    with pytest.raises(UserError, match="not valid YAML"):
        params.resolve(tmp_path / "params.yaml")


def test_no_params_at_all(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        params.resolve(tmp_path / "params.yaml")


def chained(start_from: object, **of_second: object) -> dict:
    """Give three experiments, of which the second begins from what is told."""
    table = copy.deepcopy(GOOD)
    first = table["experiments"]["first"]
    second = first | {"start_from": start_from} | of_second
    table["experiments"] |= {"second": second, "third": first}
    return table


@pytest.mark.parametrize("step", ["best", "last", 900])
def test_an_experiment_begins_from_one_further_up(tmp_path, step):
    table = chained({"experiment": "first", "step": step})
    table["experiments"]["third"] = table["experiments"]["second"] | {
        "start_from": {"experiment": "second"},
        "training": {"learning_rate": 1e-4, "steps": 5},
    }
    experiments = resolved(table, tmp_path).experiments
    assert experiments["second"].start_from.step == step
    assert experiments["third"].start_from.step == "best"
    assert experiments["first"].start_from is None


@pytest.mark.parametrize(
    ("start", "where", "what"),
    [
        ({"experiment": "frist"}, ".experiment: no experiment 'frist'", "did you mean 'first'?"),
        ({"experiment": "second"}, ".experiment: expected", "found 'second' itself"),
        ({"experiment": "third"}, ".experiment: expected", "move it above 'second'"),
        ({"experiment": "first", "step": 0}, ".step", "found 0"),
        ({"experiment": "first", "step": "bets"}, ".step", "found 'bets'"),
        ({"step": 5}, ".experiment: expected a value", "found none"),
        ({"experiment": "first", "at": 5}, ": unknown key 'at'", ""),
        ("first", ": expected", "found 'first'"),
    ],
)
def test_an_origin_that_cannot_be(tmp_path, start, where, what):
    said = complaint(chained(start), tmp_path)
    assert said.startswith(f"experiments.second.start_from{where}")
    assert what in said


@pytest.mark.parametrize(
    ("part", "change", "key"),
    [
        ("model", {"dilations": [1, 2]}, "model.dilations"),
        ("model", {"skip_channels": 7, "filter_width": 2}, "model.filter_width"),
        ("quantizer", {"levels": 128}, "quantizer.levels"),
    ],
)
def test_an_origin_of_another_shape_is_refused_by_its_first_key(tmp_path, part, change, key):
    said = complaint(chained({"experiment": "first"}, **{part: change}), tmp_path)
    assert said == f"experiments.second.{key}: must be as in 'first', from which it begins"


def test_workers_divide_the_batch(tmp_path):
    eight = {
        "preset": "wavenet-demo",
        "corpus": "mine",
        "training": {"batch_size": 8, "workers": 3},
    }
    found = complaint(changed("experiments.first", eight), tmp_path)
    assert found == (
        "experiments.first.training: expected workers to divide batch_size, found 3 and 8"
    )


def test_the_schema_for_editors_is_that_of_the_code():
    assert SCHEMA.read_text() == files.canonical_json(params.schema()), (
        "write it again with rawtone.files.canonical_json(rawtone.params.schema())"
    )


def test_the_schema_accepts_what_the_code_accepts_and_points_at_mistakes():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(GOOD, schema)
    jsonschema.validate(yaml.safe_load((ROOT / "params.yaml").read_text()), schema)
    jsonschema.validate(changed("experiments.first.training.steps", 7), schema)
    regression = {"output": {"kind": "regression"}}
    jsonschema.validate(changed("experiments.first.model", regression), schema)
    for path, value in (("corpora.mine.sampel_rate", 1), ("experiments.first.preset", "x")):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(changed(path, value), schema)


LSTM = {"family": "next_sample", "units": [4]}


@pytest.mark.parametrize("name", ["first", "model"])
@pytest.mark.parametrize(
    ("model", "text"),
    [
        ({"family": "next_sampl"}, "model.family: no family 'next_sampl'; did you mean"),
        ({"output": {"kind": "two_stag"}}, "model.output.kind: no kind 'two_stag'; did you mean"),
        ({"output": {"kind": "two_stage"}}, "model.output.hidden: expected a value, found none"),
        ({"output": {}}, "model.output.kind: expected a value, found none"),
        (LSTM | {"unit": 3}, "model: unknown key 'unit'; did you mean 'units'?"),
        (LSTM | {"convolution": {"width": 1}}, "model.convolution.filters: expected a value"),
        ({"dilations": [0]}, "model.dilations.0: expected greater than or equal to 1, found 0"),
    ],
)
def test_a_mistake_in_a_model_is_named_by_its_key(tmp_path, name, model, text):
    """By the key in params.yaml, in which families and kinds of output are no part of a path."""
    table = copy.deepcopy(GOOD)
    table["experiments"] = {name: table["experiments"]["first"] | {"model": model}}
    assert complaint(table, tmp_path).startswith(f"experiments.{name}.{text}")


def test_a_model_of_another_family_has_nothing_of_the_presets(tmp_path):
    model = resolved(changed("experiments.first.model", LSTM), tmp_path).experiments["first"].model
    assert model.model_dump(exclude_unset=True) == LSTM


def test_a_softmax_over_too_many_levels_names_the_heads_that_do(tmp_path):
    table = changed("experiments.first.quantizer.levels", 65536)
    assert complaint(table, tmp_path) == (
        "experiments.first.model.output.kind: expected at most 4096 levels with softmax, found "
        "65536; set it to two_stage or logistics, or quantizer.levels to fewer"
    )
    resolved(changed("experiments.first.quantizer.levels", 4096), tmp_path)


@pytest.mark.parametrize("output", [{"kind": "two_stage", "hidden": 64}, {"kind": "regression"}])
def test_other_heads_take_any_levels(tmp_path, output):
    table = changed("experiments.first.quantizer.levels", 65536)
    table["experiments"]["first"]["model"] = {"output": output}
    assert resolved(table, tmp_path).experiments["first"].model.output.kind == output["kind"]


@pytest.mark.parametrize("preset", params.presets())
def test_every_preset_is_complete(tmp_path, preset):
    table = changed("experiments.first.preset", preset)
    table["corpora"]["mine"]["chunk"] = {"seconds": 60.0}
    resolved(table, tmp_path)
