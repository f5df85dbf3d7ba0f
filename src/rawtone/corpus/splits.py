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

By album or artist: the same, with the name of the album or artist in place of the track's id; so
all tracks of one are in one split.

Tracks that sound the same (`duplicate_of` in the table of tracks) are in one split: their groups
are joined. They go where the one of them goes whose number is nearest to the middle of train, and
so to train if any of them does. The promise stands, whichever came first.

By time: the end of every track is test, what comes before it validation. Each part is cut into
chunks by itself, so those of different splits share no sample. Between the parts a gap is left out,
longer than the models hear back, so that what is held out does not begin with what was learned.
"""

import hashlib
from collections.abc import Mapping, Sequence

from rawtone.corpus.chunks import Excerpt

FEWEST_TRACKS = 3
_NAMED = 8  # tracks in a note


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


def group(track: Mapping[str, str], by: str) -> str:
    """Return what a track is held out together with.

    Args:
        track: Its row in the table of tracks.
        by: "album" or "artist"; anything else holds tracks out one by one.

    Returns:
        The name of the album or artist, in which case does not count; the track's id where it has
        none.
    """
    name = track.get(by, "").casefold() if by in ("album", "artist") else ""
    return name or track["id"]


def joined(
    groups: Mapping[str, str], same: Mapping[str, str], validation: float, test: float
) -> dict[str, str]:
    """Join the groups of tracks that sound the same.

    Args:
        groups: The group of every track.
        same: Of tracks that sound as another does, that other.
        validation: Share of groups to draw for validation.
        test: Share of groups to draw for test.

    Returns:
        The group of every track: of those joined the one that is drawn for train, if any is.
    """
    heads = {name: name for name in groups.values()}

    def head(name: str) -> str:
        while heads[name] != name:
            name = heads[name]
        return name

    middle = (validation + 1 - test) / 2
    for track, other in sorted(same.items()):
        if track in groups and other in groups:
            pair = {head(groups[track]), head(groups[other])}
            nearest = min(pair, key=lambda name: (abs(place(name) - middle), name))
            heads |= dict.fromkeys(pair, nearest)
    return {track: head(name) for track, name in groups.items()}


def notes_on_duplicates(same: Mapping[str, str], by: str) -> list[str]:
    """Tell the reader of the corpus what is done with tracks that sound the same."""
    if not same:
        return []
    named = ", ".join(sorted(same)[:_NAMED])
    count = f"{len(same)} tracks sound" if len(same) > 1 else "one track sounds"
    if by == "time":
        return [
            f"{count} as another does, so what is held out of one may be learned in the other; "
            f"drop_duplicates: near leaves one: {named}"
        ]
    return [f"{count} as another does, and is in the same split: {named}"]


def notes_on_groups(groups: Mapping[str, str], by: str) -> list[str]:
    """Tell the reader of the corpus which tracks have no album or artist."""
    alone = [track for track, group in groups.items() if group == track]
    if by == "track" or not alone:
        return []
    count = f"{len(alone)} tracks have" if len(alone) > 1 else "one track has"
    return [f"{count} no {by}, and are held out one by one: {', '.join(sorted(alone)[:_NAMED])}"]


def by_group(
    groups: Mapping[str, str], validation: float, test: float
) -> tuple[dict[str, str], list[str]]:
    """Give every track to one split, all tracks of a group to the same.

    Args:
        groups: The group of every track; at least `FEWEST_TRACKS` different ones.
        validation: Share of groups to draw for validation.
        test: Share of groups to draw for test.

    Returns:
        The split of every track, and sentences for the reader of the corpus.
    """
    splits, notes = by_track(sorted(set(groups.values())), validation, test)
    return {track: splits[group] for track, group in groups.items()}, notes


def by_time(samples: int, validation: float, test: float, gap: int) -> list[tuple[str, Excerpt]]:
    """Divide one track: first train, then validation, then test.

    Validation and test keep their shares, and train gives way to the gaps. Where less than another
    gap would be left of it, the whole track is train.

    Args:
        samples: Length of the track.
        validation: Share of it for validation.
        test: Share of it for test.
        gap: Samples to leave out between two parts.

    Returns:
        Splits with their stretches, in order.
    """
    held_out = round(samples * validation), round(samples * test)
    learned = samples - sum(held_out) - 2 * gap
    if gap and learned < gap:
        return [("train", Excerpt(0, samples))]
    validation_start = learned + gap
    test_start = validation_start + held_out[0] + gap
    return [
        ("train", Excerpt(0, learned)),
        ("validation", Excerpt(validation_start, held_out[0])),
        ("test", Excerpt(test_start, held_out[1])),
    ]
