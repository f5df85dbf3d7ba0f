"""verify: the results here against those that a commit records, file by file, by checksum."""

import logging
from collections.abc import Mapping
from typing import Any

from rawtone.errors import UserError
from rawtone.report.words import counted
from rawtone.verification import recorded
from rawtone.verification.distance import Distance, measure

LEFT_OF_TRAIN = ("settings", "fetch", "convert", "chunk")

_log = logging.getLogger("rawtone")


def run(revision: str = "HEAD") -> None:
    """Tell which results are the recorded bytes, and how far the others are from them.

    Args:
        revision: a commit whose dvc.lock and small results are compared.

    Raises:
        UserError: something is not built; or it differs, and no other machine explains it.
    """
    then, now = recorded.at(revision), recorded.here()
    comparable = [
        name
        for name in now
        if name in then and recorded.made_from(now[name]) == recorded.made_from(then[name])
    ]
    for name in sorted(now.keys() - set(comparable)):
        _log.info("%s is not compared: %s has other code or settings for it", name, revision)
    outs = {name: recorded.outs(now[name]) for name in comparable}
    unlike = {name: _differing(paths, recorded.outs(then[name])) for name, paths in outs.items()}
    total, same = sum(map(len, outs.values())), sum(map(len, outs.values()))
    same -= sum(map(len, unlike.values()))
    _log.info("%d of %s are the bytes that %s records", same, counted(total, "output"), revision)
    _judge(revision, {name: paths for name, paths in unlike.items() if paths})


def _differing(here: Mapping[str, str], then: Mapping[str, str]) -> list[str]:
    return sorted(path for path in here if here[path] != then.get(path))


def _judge(revision: str, unlike: Mapping[str, list[str]]) -> None:
    for name, paths in unlike.items():
        _log.info("%s differs: %s", name, ", ".join(paths))
    exact = [
        path for name, paths in unlike.items() if _verb(name) in LEFT_OF_TRAIN for path in paths
    ]
    if exact:
        raise UserError(
            f"{exact[0]}: not the recorded bytes, though no floating-point decides it; are these "
            "the same recordings, and ffmpeg: bundled?"
        )
    experiments = sorted({name.partition("@")[2] for name in unlike} - {""})
    explained = {name: _explained(name, measure(revision, name)) for name in experiments}
    if unlike and not all(explained.values() or [False]):
        culprit = next((name for name in experiments if not explained[name]), "report")
        raise UserError(
            f"{culprit}: other bytes from the same kind of CPU, threads and versions; if its "
            "training is deterministic, please report this"
        )


def _verb(stage: str) -> str:
    return stage.partition("@")[0]


def _explained(name: str, distance: Distance) -> bool:
    """Tell how far an experiment is from the recorded one, and whether machines account for it."""
    (weights, steps), (clips, all_clips) = distance.checkpoints, distance.clips
    bits = "" if distance.bits is None else f"; at most {distance.bits:.4f} bits a sample apart"
    _log.info("%s: %d of %s differ%s", name, weights, counted(steps, "checkpoint"), bits)
    if distance.samples is not None:
        text = "%s: %d of %s differ; the median one of them after %s samples"
        _log.info(text, name, clips, counted(all_clips, "clip"), f"{distance.samples:,}")
    for key, (then, here) in distance.machinery.items():
        _log.info("%s: recorded with %s %s, here %s", name, key, _plain(then), _plain(here))
    if distance.machinery:
        _log.info("%s: floating-point sums differ so in their last bits; this is no error", name)
    return bool(distance.machinery)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in sorted(value.items()))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
