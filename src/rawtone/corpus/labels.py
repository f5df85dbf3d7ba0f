"""Labels: by what recordings are told apart, and which of them a model learns."""

from collections.abc import Mapping, Sequence

from rawtone.corpus.chunks import SPLITS, Chunks
from rawtone.errors import UserError

_LISTED = 8


def of_track(track: Mapping[str, str], kind: str | None) -> str:
    """Return the label of a track.

    Args:
        track: its row in the table of tracks.
        kind: the column that is the label; "folder" is the recording's folder within its source;
            None gives no track a label.

    Returns:
        The label; empty where the track has no such tag, or lies in no folder of its source.
    """
    if kind is None:
        return ""
    return track["path"].rpartition("/")[0] if kind == "folder" else track.get(kind, "")


def learned(chunks: Chunks, corpus: str) -> tuple[str, ...]:
    """Return the labels that a model learns of a corpus, in the order of their numbers.

    Args:
        chunks: of the corpus.
        corpus: its name.

    Returns:
        The labels of its training chunks, sorted.

    Raises:
        UserError: a chunk has no label, or one that is held out was never learned.
    """
    key = f"corpora.{corpus}.label: the model is told labels (model.global_channels)"
    tracks = dict(zip(chunks.tracks, chunks.labels, strict=True))
    if not any(tracks.values()):
        raise UserError(f"{key}, but no recording has one; set this to a tag that they have")
    nameless = sorted(track for track, label in tracks.items() if not label)
    if nameless:
        raise UserError(
            f"{key}, but {_counted(nameless)} none: {_list(nameless)} (tracks.csv in "
            f"data/tracks/{corpus} names their files); tag them, take them out, or set this to "
            "another tag or folder"
        )
    by_split = {split: {chunks.labels[row] for row in chunks.rows(split)} for split in SPLITS}
    strangers = sorted(set(tracks.values()) - by_split["train"])
    if strangers:
        raise UserError(
            f"{key}, but all that has these is held out, so it would never learn them: "
            f"{_list(strangers)}; set corpora.{corpus}.split.by to time, which holds out the end "
            "of every recording, or add recordings"
        )
    return tuple(sorted(by_split["train"]))


def _counted(tracks: Sequence[str]) -> str:
    return f"{len(tracks)} recordings have" if len(tracks) > 1 else "a recording has"


def _list(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
