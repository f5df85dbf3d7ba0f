"""The checkpoint that is taken predicts well, and of those that do its clips sound best."""

from rawtone.evaluation.choice import Candidate, choose

EARLY = Candidate(100, 2.0, "2.885 bits", [0.9, 0.9], 2, 0)
LATE = Candidate(200, 1.0, "1.443 bits", [0.5, 0.6], 1, 0)
LATER = Candidate(300, 1.005, "1.450 bits", [0.7, 0.8], 2, 1)


def test_a_checkpoint_that_predicts_badly_is_not_taken_for_its_clips() -> None:
    choice = choose([EARLY, LATE])
    assert choice == {
        "step": 200,
        "pinned": False,
        "reasons": [
            "It predicts validation recordings best: 1.443 bits.",
            "1 of its 2 clips have no defect that was heard.",
        ],
    }


def test_of_those_that_predict_about_as_well_the_one_with_better_clips_is_taken() -> None:
    choice = choose([EARLY, LATE, LATER])
    assert choice["step"] == 300
    assert choice["reasons"] == [
        "It predicts validation recordings within 1% of the best: 1.450 bits, step 200 1.443 bits.",
        "Of the 2 that predict about as well its clips score highest: 0.75, the others 0.55.",
        "2 of its 2 clips have no defect that was heard, 1 a copy of a recording.",
    ]


def test_an_ear_has_the_last_word_and_is_told_what_the_measures_would_take() -> None:
    choice = choose([EARLY, LATE], pinned=100)
    assert (choice["step"], choice["pinned"]) == (100, True)
    assert choice["reasons"][:2] == [
        "Pinned by select.step in params.yaml.",
        "The measures would take step 200.",
    ]


def test_losses_below_zero_are_compared_alike() -> None:
    low = Candidate(1, -2.0, "", [0.1], 0, 0)
    close = Candidate(2, -1.99, "", [0.9], 1, 0)
    far = Candidate(3, -1.9, "", [1.0], 1, 0)
    assert choose([low, close, far])["step"] == 2
