"""How streams are spread over threads: in groups side by side, or one by one."""

GROUP = 16  # streams that a kernel makes side by side


def spread(streams: int, threads: int, group: float) -> list[int]:
    """Choose groups so that the last thread is done soonest.

    Args:
        streams: number of streams.
        threads: that work at the same time.
        group: how many times as long a group takes as a single stream, full or not.

    Returns:
        Streams side by side in each group, 16 or 1, the large groups first; the last of them may
        have more room than there are streams.
    """

    def duration(groups: int) -> float:
        singles = max(streams - GROUP * groups, 0)
        return _duration([group] * groups + [1.0] * singles, threads)

    groups = min(range(-(-streams // GROUP) + 1), key=duration)
    return [GROUP] * groups + [1] * max(streams - GROUP * groups, 0)


def _duration(jobs: list[float], threads: int) -> float:
    """Return when the last thread is done, if each takes the next job as soon as it can."""
    busy = [0.0] * threads
    for job in jobs:
        busy[busy.index(min(busy))] += job
    return max(busy)
