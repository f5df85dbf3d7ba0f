"""The command line: one command per stage; parses, calls, prints; nothing else."""

import argparse
import errno
import importlib
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

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
UNNAMED = ("settings", "report")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rawtone",
        description="One command per stage, run in the project's folder. `snakemake` runs them "
        "all, in order, as far as needed.",
    )
    commands = parser.add_subparsers(dest="stage", required=True, metavar="stage")
    for stage, text in STAGES.items():
        command = commands.add_parser(stage, help=text, description=text)
        if stage not in UNNAMED:
            of_corpus = stage in ("fetch", "convert", "chunk")
            what = "a corpus of params.yaml" if of_corpus else "an experiment of params.yaml"
            command.add_argument("name", help=what)
        command.add_argument("--log", type=Path, help="also write messages to this file")
    return parser


class _Terminal(logging.Handler):
    """Prints messages above a progress bar, if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


@contextmanager
def _messages(stage: str, name: str, log: Path | None) -> Iterator[logging.Logger]:
    """Show messages, and write them to a log, for as long as the stage runs."""
    messages = logging.getLogger("rawtone")
    messages.setLevel(logging.INFO)
    handlers: list[logging.Handler] = [_Terminal()]
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(log, mode="w"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter(f"{stage} {name}: %(message)s".replace(" :", ":")))
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
    name: str = getattr(options, "name", "")
    with _messages(options.stage, name, options.log) as messages:
        return _run(options.stage, [name] if name else [], messages)


def _run(stage: str, names: list[str], messages: logging.Logger) -> int:
    try:
        importlib.import_module(f"rawtone.stages.{stage.replace('-', '_')}").run(*names)
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
    except KeyboardInterrupt:
        messages.warning("stopped")
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
