# What the rules share: the settings, resolved afresh, and the code that each stage depends on.
import json
import os
import sys
from pathlib import Path

from snakemake.logging import logger
from snakemake.settings.enums import Quietness

from rawtone.errors import UserError
from rawtone.stages import settings
from workflow import agreement
from workflow.messages import is_news

# `rawtone` of this very environment, also where nobody activated it.
beside_us = str(Path(sys.executable).parent)
os.environ.update(PATH=os.pathsep.join([beside_us, os.getenv("PATH", os.defpath)]))

if workflow.is_main_process:
    try:
        settings.run()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1)


def running():
    return workflow.executor_plugin is not None and not workflow.dryrun


if Quietness.RULES in workflow.output_settings.quiet:
    logger.addFilter(lambda record: is_news(record, running()))

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
    "bits.csv",
    "melody.csv",
]


def code(stage):
    return agreement.code_of(stage)


def chunks_of(wildcards):
    corpus = IN_USE["experiments"][wildcards.name]["corpus"]
    return [
        f"data/chunks/{corpus}/{file}"
        for file in ("corpus.json", "chunks.csv", "chunks.npy")
    ]


wildcard_constraints:
    name="|".join(sorted({*IN_USE["corpora"], *EXPERIMENTS})),
