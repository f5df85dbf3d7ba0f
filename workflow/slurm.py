"""A job that Slurm interrupts goes back into Slurm's queue by itself.

Slurm gives notice before the time limit (`--signal` in the profile), and when it needs the node for
something more urgent. The stage saves and ends; to Slurm its job would thereby have failed, and so
to the Snakemake that waits for it. Therefore the Snakemake inside the job has Slurm queue it again
while it still runs. What a person ends (`scancel`) or Slurm requeues by itself is left alone.
"""

import atexit
import os
import re
import signal
import subprocess
import sys
from types import FrameType

_notices: list[int] = []


def return_to_queue_when_interrupted() -> None:
    """Take Slurm's notices, and act on them when this process ends.

    To be called by the Snakemake of a job, in its main thread, while the Snakefile is read.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job and "SLURM_STEP_ID" in os.environ:  # not in the batch script around the step
        # A handler of Python's, and not SIG_IGN, which the stage would inherit.
        signal.signal(signal.SIGUSR1, _take_notice)
        atexit.register(_return_to_queue, job)


def _take_notice(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    _notices.append(number)


def _return_to_queue(job: str) -> None:
    state = _scontrol("show", "job", job)
    preempted = re.search(r"\bPreemptTime=\d", state)
    if "JobState=RUNNING" in state and (_notices or preempted):
        why = "preempted" if preempted else "near the time limit"
        print(f"Slurm's job {job} is {why}: back into the queue", file=sys.stderr, flush=True)
        _scontrol("requeue", job)


def _scontrol(*arguments: str) -> str:
    """Run a command of Slurm's; return what it prints, nothing where it fails and has said why."""
    command = ["scontrol", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout
