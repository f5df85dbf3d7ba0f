"""How the streams of a grid are spread over threads: side by side, or one by one."""

import heapq
import itertools
from collections.abc import Sequence

GROUP = 16  # streams that a kernel makes side by side

Jobs = list[int]  # streams of each; a thread makes those of a job side by side


def spread(streams: Sequence[int], threads: int, group: float) -> list[Jobs]:
    """Choose what is made side by side, so that the last thread is done soonest.

    Threads take jobs in the order of the checkpoints. So of the first ones as little work is made
    as can be; the last ones are cut up further, so that no thread has nothing to do.

    Args:
        streams: of each checkpoint.
        threads: that work at the same time.
        group: how many times as long 16 streams side by side take as one, some or all of them.

    Returns:
        The jobs of each checkpoint, of 16 streams at most, the large ones first.
    """
    least = [_cut(count, 1, group) for count in streams]
    soonest = [_cut(count, threads, group) for count in streams]
    last = min(len(streams), threads)
    choices = [[*least[: len(streams) - n], *soonest[len(streams) - n :]] for n in range(last + 1)]

    def duration(choice: list[Jobs]) -> float:
        return _duration([_cost(job, group) for job in itertools.chain(*choice)], threads)

    return min(choices, key=duration)


def _cut(streams: int, threads: int, group: float) -> Jobs:
    """Choose the jobs of one checkpoint, for threads that have nothing else to do."""

    def jobs(groups: int) -> Jobs:
        full, rest = divmod(min(streams, GROUP * groups), GROUP)
        return [GROUP] * full + [rest] * (rest > 0) + [1] * max(streams - GROUP * groups, 0)

    def duration(jobs: Jobs) -> float:
        return _duration([_cost(job, group) for job in jobs], threads)

    return min(map(jobs, range(-(-streams // GROUP) + 1)), key=duration)


def _cost(job: int, group: float) -> float:
    return group if job > 1 else 1.0


def _duration(costs: Sequence[float], threads: int) -> float:
    """Return when the last thread is done, if each takes the next job as soon as it can."""
    busy = [0.0] * threads
    for cost in costs:
        heapq.heapreplace(busy, busy[0] + cost)
    return max(busy)
