"""Which of a training's processes this one is, and where they meet.

Worker 0 leads: it alone holds the run's lock, writes to its folder and publishes. On one machine it
starts the others itself. Where a launcher has started them all (srun, or whoever sets TF_CONFIG),
each finds here what the launcher says of it.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rawtone.errors import UserError

# What worker 0 tells those that it starts: rank, their number, and the port where they meet.
STARTED = "RAWTONE_WORKER"
HERE = "127.0.0.1"


@dataclass(frozen=True)
class Role:
    """The place of a process among those that train one run together.

    Attributes:
        rank: 0 for the one that leads.
        size: how many there are.
        host: of worker 0.
        port: on which worker 0 waits for the others; 0 if any free one will do.
        local: which worker of this machine it is, from 0.
        neighbours: how many there are on this machine.
        launched: whether a launcher has started all of them, perhaps on several machines.
    """

    rank: int = 0
    size: int = 1
    host: str = HERE
    port: int = 0
    local: int = 0
    neighbours: int = 1
    launched: bool = False


def find(workers: int, environment: Mapping[str, str] = os.environ) -> Role:
    """Find out which worker this process is.

    Args:
        workers: the setting of this name.
        environment: variables, by name.

    Raises:
        UserError: a launcher has started another number of them, or its words make no sense.
    """
    if workers == 1:
        return Role()
    if STARTED in environment:
        rank, size, port = (int(word) for word in environment[STARTED].split())
        return Role(rank, size, HERE, port, local=rank, neighbours=size)
    if int(environment.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
        return _agreeing(_of_slurm(environment), workers, "srun")
    if "TF_CONFIG" in environment:
        return _agreeing(_of_tf_config(environment["TF_CONFIG"]), workers, "TF_CONFIG")
    return Role(size=workers, neighbours=workers)


def _agreeing(role: Role, workers: int, who: str) -> Role:
    if role.size != workers:
        raise UserError(
            f"training.workers: expected as many as there are processes, found {workers}, and "
            f"{role.size} by {who}; set it to {role.size}, or start {workers}"
        )
    return role


def _of_slurm(environment: Mapping[str, str]) -> Role:
    job, step = (int(environment.get(f"SLURM_{name}", "0")) for name in ("JOB_ID", "STEP_ID"))
    each = environment.get("SLURM_STEP_TASKS_PER_NODE", "1")
    return Role(
        rank=int(environment["SLURM_PROCID"]),
        size=int(environment["SLURM_STEP_NUM_TASKS"]),
        host=_first_host(environment["SLURM_STEP_NODELIST"]),
        # the same for all of a step, and below those that systems give to whoever asks for any
        port=12000 + (64 * job + step) % 20000,
        local=int(environment["SLURM_LOCALID"]),
        neighbours=int(re.split(r"\D", each, maxsplit=1)[0]),
        launched=True,
    )


def _first_host(listed: str) -> str:
    """Return the first of Slurm's list of hosts, such as `gpu[07-09,11],big1`."""
    match = re.match(r"([^\[,]*)(?:\[(\w+)[^\]]*\])?([^\[,]*)", listed)
    return "".join(part or "" for part in match.groups()) if match else listed


def _of_tf_config(text: str) -> Role:
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        tasks = [
            (kind, i) for kind in ("chief", "worker") for i in range(len(cluster.get(kind, [])))
        ]
        hosts = [cluster[kind][i].rsplit(":", 1) for kind, i in tasks]
        rank = tasks.index((task["type"], int(task["index"])))
        names = [name for name, _ in hosts]
        return Role(
            rank=rank,
            size=len(tasks),
            host=names[0],
            port=int(hosts[0][1]),
            local=names[:rank].count(names[rank]),
            neighbours=names.count(names[rank]),
            launched=True,
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(
            'TF_CONFIG: expected {"cluster": {"worker": ["host:port", …]}, "task": {"type": '
            f'"worker", "index": 0}}}}, found {text} ({error!r}); mend or unset it'
        ) from None
