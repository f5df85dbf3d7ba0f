"""Which audio is learned from, which is measured on while training, and which is left for the end.

By track: a track's id, hashed, is a number from 0 to 1. Below the share of validation the track is
validation, from 1 minus the share of test on it is test, in between train. Where nothing falls into
validation (test), the track with the smallest (largest) number goes there. A draw of its own for
each track makes a promise possible:

    Adding tracks never moves a track from train into a held-out split.

A held-out track may move to train: one that stood in where the draw left a split empty.
The promise has one exception: where that rule leaves nothing to train on (a handful of tracks and
bad luck), only the smallest and the largest number are held out, and a track that so came to train
may be held out later. The notes say so when it happens.

By time: the end of every track is test, what comes before it validation. Each part is cut into
chunks by itself, so those of different splits share no sample and no audio is lost at the borders.
"""

import hashlib
from collections.abc import Sequence

from rawtone.corpus.chunks import Excerpt

FEWEST_TRACKS = 3


def place(track: str) -> float:
    """Draw a track's number, from 0 up to but not 1, from its id alone."""
    digest = hashlib.sha256(track.encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def by_track(
    tracks: Sequence[str], validation: float, test: float
) -> tuple[dict[str, str], list[str]]:
    """Give every track to one split; see the top of this file for what is promised.

    Args:
        tracks: Ids of at least `FEWEST_TRACKS` different tracks, in any order.
        validation: Share of tracks to draw for validation.
        test: Share of tracks to draw for test.

    Returns:
        The split of every track, and sentences for the reader of the corpus.
    """
    order = sorted(tracks, key=lambda track: (place(track), track))
    drawn = {
        "validation": [track for track in order if place(track) < validation],
        "test": [track for track in order if place(track) >= 1 - test],
    }
    notes = []
    for split, stand_in in (("validation", order[0]), ("test", order[-1])):
        if not drawn[split]:
            drawn[split] = [stand_in]
            notes.append(f"too few tracks for a draw: {stand_in} stands in as {split}")
    if len({*drawn["validation"], *drawn["test"]}) == len(order):
        drawn = {"validation": order[:1], "test": order[-1:]}
        notes = ["too few tracks for a draw: one each is held out for validation and test"]
    splits = dict.fromkeys(tracks, "train")
    splits |= {track: split for split, held_out in drawn.items() for track in held_out}
    return splits, notes


def by_time(samples: int, validation: float, test: float) -> list[tuple[str, Excerpt]]:
    """Divide one track: first train, then validation, then test.

    Args:
        samples: Length of the track.
        validation: Share of it for validation.
        test: Share of it for test.

    Returns:
        Splits with their stretches, which follow each other without a gap.
    """
    test_start = samples - round(samples * test)
    validation_start = test_start - round(samples * validation)
    return [
        ("train", Excerpt(0, validation_start)),
        ("validation", Excerpt(validation_start, test_start - validation_start)),
        ("test", Excerpt(test_start, samples - test_start)),
    ]
