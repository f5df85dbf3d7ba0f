"""Threads that do jobs in order, while whoever brings the jobs prepares the next ones."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event

Job = Callable[[], None]


def do(batches: Iterable[Sequence[Job]], threads: int, stopped: Event) -> None:
    """Do jobs, in order.

    The next batch is asked for as soon as no job waits for a thread. So whatever a batch holds in
    memory, such as the weights of a checkpoint, is there for as many batches as there are threads,
    and for the one that is prepared.

    Args:
        batches: of jobs; the thread that calls prepares them.
        threads: that do jobs; 0 for the one that calls, which does all of a batch before it asks
            for the next.
        stopped: set when a job fails or a signal comes, for the other jobs to see.
    """
    if not threads:
        for batch in batches:
            for job in batch:
                job()
        return
    with ThreadPoolExecutor(threads, "generation") as pool:
        crew = _Crew(pool)
        try:
            for batch in batches:
                crew.take(batch)
            crew.finish()
        except BaseException:  # such as Control-C: nobody should wait for the rest
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


class _Crew:
    """Threads, and what they say: None when a job begins, and then how it ended."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._said: SimpleQueue[tuple[str, BaseException | None]] = SimpleQueue()
        self._waiting = self._unfinished = 0

    def take(self, batch: Sequence[Job]) -> None:
        """Give jobs to the threads, and wait until none of them waits."""
        for job in batch:
            self._pool.submit(self._run, job)
        self._waiting += len(batch)
        self._unfinished += len(batch)
        while self._waiting:
            self._hear()

    def finish(self) -> None:
        """Wait until all jobs are done."""
        while self._unfinished:
            self._hear()

    def _hear(self) -> None:
        what, error = self._said.get()
        if error is not None:
            raise error
        self._waiting -= what == "began"
        self._unfinished -= what == "ended"

    def _run(self, job: Job) -> None:
        self._said.put(("began", None))
        try:
            job()
        except BaseException as error:
            self._said.put(("ended", error))
        else:
            self._said.put(("ended", None))
