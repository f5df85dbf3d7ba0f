"""The command line: one command per stage; parses, calls, prints; nothing else."""

import argparse
import errno
import importlib
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rawtone import by_hand
from rawtone.ending import Ended, ending_on_signals
from rawtone.errors import Stopped, UserError

STAGES = {
    "settings": "resolve params.yaml into one settings file for each stage",
    "fetch": "bring a corpus's recordings in",
    "convert": "decode them to the corpus's sample rate and channels",
    "chunk": "cut them into chunks, leave silence out, split off what is held out",
    "train": "train an experiment, or go on where it stopped",
    "sample": "make clips from every checkpoint",
    "parse-log": "turn the training log into a table and curves",
    "evaluate": "measure checkpoints and clips",
    "report": "make the listening page",
}
OTHERS = {
    "verify": ("rawtone.verification.verify", "tell how far the results here are from a commit's"),
    "export-chunks": ("rawtone.stages.export_chunks", "write chunks as wav files for other tools"),
}
UNNAMED = ("settings", "report")
SPLITS = ("train", "validation", "test")
PAUSE = 5  # seconds after a crash; a GPU's memory is not free again at once
RETRIED = ("train", "sample")  # by the workflow, where they crash


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rawtone",
        description="One command per stage, run in the project's folder. `snakemake` runs them "
        "all, in order, as far as needed.",
    )
    commands = parser.add_subparsers(dest="stage", required=True, metavar="stage")
    others = {name: text for name, (_, text) in OTHERS.items()}
    for stage, text in (STAGES | others).items():
        command = commands.add_parser(stage, help=text, description=text)
        if stage == "verify":
            command.add_argument("name", nargs="?", default="HEAD", metavar="commit")
        elif stage not in UNNAMED:
            of_corpus = stage in ("fetch", "convert", "chunk", "export-chunks")
            what = "a corpus of params.yaml" if of_corpus else "an experiment of params.yaml"
            command.add_argument("name", help=by_hand.NAME if stage == "sample" else what)
        command.add_argument("--log", type=Path, help="also write messages to this file")
        if stage == "sample":
            command.description = by_hand.TEXT
            by_hand.add(command)
        if stage in RETRIED:
            text = "which try of the workflow's this is; the log tells it how the last one ended"
            command.add_argument("--attempt", type=int, default=0, help=text)
        if stage == "export-chunks":
            command.add_argument("folder", help="where to write them; must not be there yet")
            text = "of this one alone; of all without it"
            command.add_argument("--split", choices=SPLITS, default="", help=text)
        if stage == "parse-log":
            text = "take NAME for a log of rawtone, tensorflow-wavenet, PRiSM SampleRNN or Keras "
            text += "fit, and write to this folder"
            command.add_argument("--to", metavar="FOLDER", default="", help=text)
    return parser


class _Terminal(logging.Handler):
    """Prints messages above a progress bar, if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


@contextmanager
def _messages(stage: str, name: str, log: Path | None) -> Iterator[logging.Logger]:
    """Show messages, and write them to a log, for as long as the stage runs."""
    sender = f"{stage} {name}".strip().replace("%", "%%")
    messages = logging.getLogger("rawtone")
    messages.setLevel(logging.INFO)
    handlers: list[logging.Handler] = [_Terminal()]
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(log, mode="w"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter(f"{sender}: %(message)s"))
        messages.addHandler(handler)
    try:
        yield messages
    finally:
        for handler in handlers:
            messages.removeHandler(handler)
            handler.close()


def _explain(error: OSError) -> str:
    place = f" while writing {error.filename}" if error.filename else ""
    return f"no space left on the disk{place}; free some and run the same command again"


def main(arguments: list[str] | None = None) -> int:
    """Run one stage.

    Args:
        arguments: as typed after `rawtone`.

    Returns:
        The exit status: 0, or 1 for an error, or 128 + the number of the signal that stopped it.
    """
    options = _parser().parse_args(arguments)
    tried = options.log and getattr(options, "attempt", 0)
    return _attempt(options) if tried else _logged(options)


def _attempt(options: argparse.Namespace) -> int:
    """Run a stage for a workflow that tries again whatever fails, unless it ended on purpose.

    A second name for the log tells the next attempt of that. The workflow removes the log itself.
    """
    log: Path = options.log
    ended = log.with_name(f"{log.name}.ended")
    if options.attempt > 1 and ended.exists():
        if not log.exists():
            _link(ended, log)
        return 1
    ended.unlink(missing_ok=True)
    status = _logged(options)
    if status:
        _link(log, ended)
    return status


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)  # also where the disk is full
    except OSError:
        shutil.copyfile(source, target)


def _logged(options: argparse.Namespace) -> int:
    name: str = getattr(options, "name", "")
    stage, keys = options.stage, ("name", "to", "folder", "split")
    given: list[Any] = [value for key in keys if (value := getattr(options, key, ""))]
    if by_hand.is_asked_for(options):
        stage, given = "by-hand", [options]
    with _messages(options.stage, name, options.log) as messages, ending_on_signals():
        try:
            if getattr(options, "attempt", 0) > 1:
                messages.warning("crashed or was killed; trying again in %d seconds", PAUSE)
                time.sleep(PAUSE)
            return _run(stage, given, messages)
        except (KeyboardInterrupt, Ended) as end:
            messages.warning("stopped")
            return end.status if isinstance(end, Ended) else 128 + signal.SIGINT


def _run(stage: str, given: list[Any], messages: logging.Logger) -> int:
    try:
        module, _ = OTHERS.get(stage, (f"rawtone.stages.{stage.replace('-', '_')}", ""))
        importlib.import_module(module).run(*given)
    except UserError as error:
        messages.error("error: %s", error)
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        messages.error("error: %s", _explain(error))
        return 1
    except Stopped as stopped:
        messages.warning("%s", stopped)
        return stopped.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
