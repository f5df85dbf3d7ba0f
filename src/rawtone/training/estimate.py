"""What a training will need, told before it begins; what cannot fit is refused."""

import math
import re
import resource
import shutil
from datetime import timedelta
from pathlib import Path

import psutil
from tqdm import tqdm

from rawtone.errors import UserError
from rawtone.settings import Training
from rawtone.training.checkpoints import KEPT_STATES
from rawtone.training.retention import kept

FLOAT = 4  # bytes; every variable is float32, whatever precision is computed with
SLOTS = {"adam": 2, "adamw": 2, "sgd": 1, "rmsprop": 2}
# What compiling took, measured on WaveNets of 8 to 50 layers with TensorFlow's XLA on a CPU.
COMPILER, COMPILER_PER_VARIABLE = 100_000_000, 4_000_000
_CGROUP = Path("/sys/fs/cgroup")


def memory(parameters: int, variables: int, activations: int, training: Training) -> int:
    """Estimate the memory of a step, within about a quarter.

    Args:
        parameters: numbers that the model learns.
        variables: arrays that they are in.
        activations: numbers that a batch keeps for its backward pass.
        training: settings.

    Returns:
        Bytes for weights, gradients, the optimizer's slots, the batch and compiling.
    """
    copies = 2 + SLOTS[training.optimizer] + (training.ema is not None) + (training.accumulate > 1)
    compiling = COMPILER + COMPILER_PER_VARIABLE * variables
    return FLOAT * (copies * parameters + activations) + compiling


def disk(parameters: int, training: Training) -> int:
    """Estimate what a training takes on disk while it writes its last checkpoint.

    Args:
        parameters: numbers that the model learns.
        training: settings.

    Returns:
        Bytes of the published weights, and of the states: the last ones, one to roll back to, and
        one that is being written.
    """
    averages = training.ema is not None
    state = 1 + SLOTS[training.optimizer] + averages + (training.accumulate > 1)
    copies = published(training) + (KEPT_STATES + 2) * state
    return FLOAT * parameters * copies


def published(training: Training) -> int:
    """Return how many checkpoints a whole training keeps."""
    steps = {*range(training.checkpoint_every, training.steps, training.checkpoint_every)}
    steps.add(training.steps)
    # which are the best is not known; as if the first ones were
    return len(kept(steps, training.keep, dict.fromkeys(steps, 0.0)))


def available_memory() -> int:
    """Return the bytes that this process may still take, under its control group's limit, too."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return free if limit == "max" else min(free, int(limit) - used)


def require_memory(needed: int, available: int, training: Training) -> None:
    """Refuse a step that does not fit into memory.

    Raises:
        UserError: it does not; with the batch size that would.
    """
    if needed <= available:
        return
    fits = math.floor(training.batch_size * available / needed)
    advice = f"training.batch_size to {fits}" if fits else "a shorter training.window, "
    more = f" (and training.accumulate to {math.ceil(training.batch_size / fits)})" if fits else ""
    raise UserError(
        f"a step needs about {_size(needed)} of memory, and {_size(available)} are free; set "
        f"{advice}{more or 'or a smaller model'}"
    )


def require_disk(needed: int, folder: Path) -> None:
    """Refuse a training whose checkpoints do not fit on the disk.

    Args:
        needed: bytes in all.
        folder: of the run; what it holds already counts as room.

    Raises:
        UserError: they do not.
    """
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    free = shutil.disk_usage(folder).free + held
    if needed > free:
        raise UserError(
            f"{folder}: the checkpoints need {_size(needed)} of disk, and {_size(free)} are free; "
            "free some, or set training.keep to fewer of them, for instance {last: 2, best: 1}"
        )


def words(seconds: float, steps: int, disk: int, training: Training) -> str:
    """Put what a training needs into one line, with the most memory this process took so far.

    Args:
        seconds: that the remaining steps take.
        steps: that remain.
        disk: bytes.
        training: settings.
    """
    time = timedelta(seconds=round(seconds))
    memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (
        f"about {time} (h:mm:ss) for {steps:,} steps, {_size(memory)} of memory, {_size(disk)} of "
        f"disk for {published(training)} checkpoints and the state"
    )


def _size(count: float) -> str:
    return re.sub(r"(?=[kMGTP]?B$)", " ", tqdm.format_sizeof(count, "B"), count=1)
