"""What the page says when results are whole, and when they are not there yet."""

import pytest
import yaml

from rawtone.models import backend
from rawtone.report.audit import Prepared, corpus
from rawtone.report.differences import Setting, settings, side_by_side
from rawtone.report.view import Published, experiment

CLIPS = [
    {"step": step, "temperature": temperature, "seed": seed, "seconds": 10, "wav": "", "mp3": ""}
    for step in (400, 800)
    for temperature in (0.9, 1.0)
    for seed in (0, 1)
]
BITS = [
    {"step": step, "split": split, "bits": bits}
    for step, split, bits in (
        ("400", "validation", "2.5"),
        ("400", "test", "2.6"),
        ("800", "validation", "2.0"),
        ("800", "test", "2.1"),
    )
]
EVALUATION = {"best_step": 800, "flac_bits": {"validation": 6.2, "test": 6.3}, "uniform_bits": 8.0}


def test_the_newest_checkpoint_comes_first() -> None:
    view = experiment("x", "p", "c", Published(clips=CLIPS, bits=BITS, evaluation=EVALUATION))
    assert [(row.step, row.best) for row in view.checkpoints] == [(800, True), (400, False)]
    assert view.checkpoints[0].predicts == "2.00 bits per sample"
    order = [(clip.step, clip.temperature, clip.seed) for clip in view.clips]
    assert order == [(s, t, n) for s in (800, 400) for t in ("0.9", "1") for n in (0, 1)]


def test_checkpoints_stand_above_what_they_must_beat() -> None:
    lines = experiment("x", "p", "c", Published(bits=BITS, evaluation=EVALUATION)).guesses
    told = [(line.name, line.figures["validation"], line.figures["test"]) for line in lines]
    assert told == [
        ("step 400", "2.50", "2.60"),
        ("step 800", "2.00", "2.10"),
        ("FLAC", "6.20", "6.30"),
        ("Knows nothing", "8.00", "8.00"),
    ]
    assert [line.kind for line in lines][:2] == ["step", "best"]


def test_intervals_and_the_gap_are_told_where_they_are_known() -> None:
    """With few tracks there is no interval; before this was measured, no figures of train."""
    learned = {"step": "800", "split": "train", "bits": "1.9", "low": "1.7", "high": "2.1"}
    rows = [learned, *({**row, "low": "", "high": ""} for row in BITS)]
    measures = EVALUATION | {"gap_bits": 0.1, "order_1_bits": {"train": 3.3}}
    view = experiment("x", "p", "c", Published(bits=rows, evaluation=measures))
    assert view.splits == ["train", "validation", "test"]
    best = next(line for line in view.guesses if line.kind == "best")
    assert (best.intervals["train"], best.intervals["test"]) == ("1.70 to 2.10", "")
    assert "0.10 bits per sample more on the validation recordings" in view.gap
    assert [line.figures["train"] for line in view.guesses if line.name == "Counting pairs"] == [
        "3.30"
    ]
    before = experiment("x", "p", "c", Published(bits=BITS, evaluation=EVALUATION))
    assert (before.splits, before.gap) == (["validation", "test"], "")


def test_an_ears_choice_stands_above_the_figures() -> None:
    chosen = {"choice": {"step": 400, "pinned": True, "reasons": ["An ear chose it."]}}
    view = experiment("x", "p", "c", Published(evaluation=EVALUATION | chosen))
    assert view.choice is not None
    assert (view.choice.step, view.choice.pinned) == (400, True)
    assert yaml.safe_load(view.choice.pin) == {"select": {"step": 400}}
    guessed = experiment("x", "p", "c", Published(evaluation=EVALUATION)).choice
    assert guessed is not None
    assert (guessed.step, guessed.pinned) == (800, False)


def test_sets_of_clips_stand_beside_the_recordings() -> None:
    """Only measures that there are have a column; what chance gives is the last line."""
    rows = [{"step": 800, "temperature": 0.9, "clips": 4, "kernel_distance": 0.12, "recall": 0.5}]
    sets = {
        "sets": {
            "steps": rows,
            "null": {"kernel_distance": {"mean": 0.05, "low": -0.01, "high": 0.08}},
        }
    }
    table = experiment("x", "p", "c", Published(evaluation=sets)).sets
    assert table is not None
    assert [name for name, _ in table.measures] == ["distance", "recall"]
    assert table.lines[1].intervals == ["−0.010 to 0.080", ""]
    assert [(line.name, line.clips, line.figures) for line in table.lines] == [
        ("step 800, temperature 0.9", "4", ["0.120", "0.500"]),
        ("the recordings themselves", "", ["0.050", "–"]),
    ]


def test_settings_that_differ_are_told_from_those_that_do_not() -> None:
    configs = [
        {"sample_rate": 8000, "model": {"layers": layers, "biases": True}, "training": {"seed": 0}}
        for layers in ([1, 2], [1, 2, 4])
    ]
    lines = side_by_side([settings(config) for config in (*configs, {})])
    assert [line.path for line in lines if len(set(line.values[:2])) > 1] == ["model.layers"]
    assert lines[1] == Setting("model.layers", ["1, 2", "1, 2, 4", "–"])
    assert [line.differs for line in side_by_side([settings(configs[0])] * 2)] == [False] * 4


def test_a_regression_is_shown_by_its_error_and_claims_no_bits() -> None:
    rows = [row | {"loss": "0.0012", "bits": ""} for row in BITS]
    baselines = {
        "best_step": 400,
        "silence_loss": {"validation": 0.02, "test": 0.03},
        "repetition_loss": {"validation": 0.004, "test": 0.005},
    }
    config = {"model": {"output": {"kind": "regression"}}}
    history = [{"step": "1", "loss": "0.02", "bits": "", "restart": ""}]
    published = Published(
        config=config,
        clips=CLIPS,
        bits=rows,
        evaluation=baselines,
        history=history,
        curves=["x/loss.svg"],
    )
    view = experiment("x", "p", "c", published)
    assert [(line.name, line.figures["test"], line.kind) for line in view.guesses] == [
        ("step 400", "0.0012", "best"),
        ("step 800", "0.0012", "step"),
        ("Repetition", "0.005", "baseline"),
        ("Silence", "0.03", "baseline"),
    ]
    assert view.checkpoints[0].predicts == "0.0012 squared error"
    assert view.curves[0][1].startswith("Squared error over steps: 0.02 at step 1")
    assert "bits" not in view.score.unit


def test_an_experiment_without_results_has_a_section() -> None:
    view = experiment("x", "p", "c", Published())
    assert view.summary == "Not trained yet."
    assert (view.checkpoints, view.guesses, view.curves, view.headline) == ([], [], [], [])


def test_a_corpus_without_tables_has_a_section() -> None:
    view = corpus("c", Prepared())
    assert view.summary == "No recordings prepared yet."
    assert (view.splits, view.unused, view.recordings) == ([], [], [])


@pytest.mark.parametrize("seconds", [0, None])
def test_an_empty_split_is_shown(seconds: float | None) -> None:
    view = corpus("c", Prepared(totals={"seconds": {"test": seconds}}))
    assert view.splits[0].minutes == "0.00"


def test_notes_call_recordings_by_their_titles() -> None:
    row = {"id": "114fb768835d", "status": "used", "title": "Lullaby", "path": "", "seconds": "9"}
    tags = dict.fromkeys(("artist", "album", "genre", "year", "licence"), "")
    notes = {"notes": ["too few tracks: 114fb768835d stands in as test"]}
    view = corpus("c", Prepared(tracks=[row | tags], totals=notes))
    assert view.notes == ["Too few tracks: “Lullaby” stands in as test"]


def test_the_page_says_what_the_run_was_computed_on() -> None:
    """As the stage train records it: rawtone.models.backend.facts."""
    config = {"run": "3f2a9c0d1e2f", **backend.facts()}
    facts = dict(experiment("demo", "p", "demo", Published(config=config)).facts)
    assert facts["computed on"] == ", ".join(config["devices"])
    assert facts["backend"] == config["backend"]


def test_the_page_says_from_which_weights_training_began() -> None:
    """In the summary, at the curve and among the facts; nothing where chance decided them."""
    row = {"step": "1", "bits": "3", "restart": ""}
    origin = {"experiment": "band", "run": "abc", "step": 40, "sha256": "0"}
    begun, chance = (
        experiment("x", "p", "c", Published(config=config, history=[row], curves=["x/loss.svg"]))
        for config in ({"run": "def", "origin": origin}, {"run": "def"})
    )
    assert begun.summary.endswith(" Began from band, step 40 (run abc).")
    assert begun.curves[0][1].endswith(" Began from band, step 40 (run abc).")
    assert ("began from", "band, step 40 (run abc)") in begun.facts
    assert "egan from" not in repr(chance)
