# What the rules share: the settings, resolved afresh, and the code that each stage depends on.
import json
import os
import signal
import sys
from pathlib import Path

from snakemake.logging import logger
from snakemake.settings.enums import Quietness

from rawtone.errors import UserError
from rawtone.stages import settings
from workflow import agreement, internals, lifeline, slurm
from workflow.messages import is_news

# `rawtone` of this very environment, also where nobody activated it.
beside_us = str(Path(sys.executable).parent)
os.environ.update(PATH=os.pathsep.join([beside_us, os.getenv("PATH", os.defpath)]))
# And of this very checkout, as the Snakefile has it.
code_paths = [str(Path("src").resolve()), *filter(None, [os.getenv("PYTHONPATH")])]
os.environ.update(PYTHONPATH=os.pathsep.join(code_paths))

if internals.is_main_process(workflow):
    lifeline.tie()
    lifeline.unlock_after_the_dead()
    try:
        settings.run()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1)
    except KeyboardInterrupt:
        print("interrupted; run again to go on", file=sys.stderr, flush=True)
        raise SystemExit(128 + signal.SIGINT)
else:
    slurm.return_to_queue_when_interrupted()


if Quietness.RULES in internals.quiet(workflow):
    logger.addFilter(lambda record: is_news(record, internals.is_running(workflow)))

IN_USE = json.loads(Path("settings/report/all.json").read_text())
CORPORA = sorted(IN_USE["corpora"])
EXPERIMENTS = sorted(IN_USE["experiments"])
PUBLISHED = [
    "config.json",
    "checkpoints.json",
    "history.csv",
    "curves",
    "clips.json",
    "clips",
    "metrics.json",
    "evaluation.json",
    "bits.csv",
    "bits_by_track.csv",
    "clips.csv",
    "melody.csv",
    "preview.mp3",
    "sets.csv",
]


def code(stage):
    return agreement.code_of(stage)


def chunks_of(wildcards):
    corpus = IN_USE["experiments"][wildcards.name]["corpus"]
    return [
        f"data/chunks/{corpus}/{file}"
        for file in ("corpus.json", "chunks.csv", "chunks.npy")
    ]


def tracks_of(wildcards):
    corpus = IN_USE["experiments"][wildcards.name]["corpus"]
    return f"data/tracks/{corpus}/tracks.csv"


def origin_of(wildcards):
    # Inside `dvc repro` DVC sees to the order, and leaves no times to judge by.
    file = Path(f"settings/train/{wildcards.name}.json")
    start = json.loads(file.read_text()).get("start_from")
    if start is None or "DVC_STAGE" in os.environ:
        return []
    return [
        f"results/{start['experiment']}/{part}"
        for part in ("config.json", "checkpoints.json", "checkpoints")
    ]


wildcard_constraints:
    name="|".join(sorted({*IN_USE["corpora"], *EXPERIMENTS})),
