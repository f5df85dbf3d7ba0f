"""What the page says when results are whole, and when they are not there yet."""

import pytest

from rawtone.models import backend
from rawtone.report.audit import Prepared, corpus
from rawtone.report.view import Published, asset, experiment

CLIPS = [
    {"step": step, "temperature": temperature, "seed": seed, "seconds": 10}
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


def test_the_newest_checkpoint_is_heard_first() -> None:
    view = experiment("x", "p", "c", Published(clips=CLIPS, bits=BITS, evaluation=EVALUATION))
    assert [(row.step, row.best) for row in view.checkpoints] == [(800, True), (400, False)]
    assert [column.temperature for column in view.checkpoints[0].columns] == ["0.9", "1"]
    assert [clip.seed for clip in view.checkpoints[0].columns[0].clips] == [0, 1]


def test_clips_whose_temperature_changes_have_a_column_and_files_of_their_own() -> None:
    words, stem = "1 at 0 s to 0.8 at 5 s", "t1.00-at-0-to-0.80-at-5-s0"
    wav = f"clips/step-00000800/{stem}.wav"
    falls = {"step": 800, "temperature": words, "seed": 0, "seconds": 10, "wav": wav}
    melody = [{"step": "800", "temperature": words, "seed": "0", "voiced": "0.9", "notes": "60"}]
    view = experiment("x", "p", "c", Published(clips=[falls, *CLIPS], melody=melody))
    columns = view.checkpoints[0].columns
    assert [column.temperature for column in columns] == ["0.9", "1", words]
    assert columns[2].meaning == "changes along the clip"
    (clip,) = columns[2].clips
    assert clip.label == f"step 800, temperature {words}, seed 0"
    assert clip.melody.startswith("C4")
    assert asset("x", falls) == f"x/step-00000800-{stem}"


def test_checkpoints_stand_above_what_they_must_beat() -> None:
    lines = experiment("x", "p", "c", Published(bits=BITS, evaluation=EVALUATION)).guesses
    assert [(line.name, line.validation, line.test) for line in lines] == [
        ("step 400", "2.50", "2.60"),
        ("step 800", "2.00", "2.10"),
        ("FLAC", "6.20", "6.30"),
        ("Linear prediction", "–", "–"),
        ("Counting values", "–", "–"),
        ("Knows nothing", "8.00", "8.00"),
    ]
    assert [line.kind for line in lines][:2] == ["step", "best"]


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
    assert [(line.name, line.test, line.kind) for line in view.guesses] == [
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


def test_nearby_temperatures_have_files_of_their_own() -> None:
    clips = [{"step": 1, "temperature": t, "seed": 0} for t in (0.951, 0.952, 1.0)]
    assert len({asset("x", clip) for clip in clips}) == 3


def told(label: str, temperature: float, seed: int = 0) -> dict[str, object]:
    """Return a clip of a label, as the stage sample lists it."""
    wav = f"clips/step-00000001/{label.strip('<>')}-t{temperature}-s{seed}.wav"
    return {"step": 1, "label": label, "temperature": temperature, "seed": seed, "wav": wav}


def test_clips_of_labels_stand_side_by_side() -> None:
    """A column for every label at every temperature; what was heard goes to its own clip."""
    clips = [told(label, t, seed) for label in ("a", "<b>") for t in (1.0, 0.9) for seed in (1, 0)]
    heard = [
        {"step": "1", "label": label, "temperature": "0.9", "seed": "0", "onsets_per_second": n}
        for label, n in (("a", "1"), ("<b>", "2"))
    ]
    view = experiment("x", "p", "c", Published(clips=clips, melody=heard))
    columns = view.checkpoints[0].columns
    assert [(c.label, c.temperature) for c in columns] == [
        ("<b>", "0.9"), ("<b>", "1"), ("a", "0.9"), ("a", "1")
    ]  # fmt: skip
    assert [clip.seed for clip in columns[0].clips] == [0, 1]
    assert columns[0].clips[0].label == "step 1, <b>, temperature 0.9, seed 0"
    assert [columns[i].clips[0].melody[:3] for i in (0, 2)] == ["2.0", "1.0"]
    assert columns[0].clips[0].asset == "x/step-00000001-b-t0.9-s0"
    assert len({asset("x", clip) for clip in clips}) == len(clips)


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
