"""Work on many recordings at once, in order, that tells how far it is and when it will end."""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from tqdm import tqdm

EVERY = 60.0  # seconds between two lines of a log

_log = logging.getLogger("rawtone")
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def in_parallel(
    one: Callable[[_Item], _Made], items: Sequence[_Item], verb: str, workers: int
) -> Generator[_Made, None, None]:
    """Do one thing to many, in threads; closed or interrupted, begin with no more of them.

    Args:
        one: What to do.
        items: To what.
        verb: What to call it.
        workers: How many at once.

    Yields:
        What each gave, in their order.
    """
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield from told(pool.map(one, items), verb, len(items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # or Ctrl-C would wait for all of them
            raise


def told(
    made: Iterable[_Made], verb: str, count: int, clock: Callable[[], float] = time.monotonic
) -> Iterator[_Made]:
    """Tell how far work is: on a terminal by a bar, in a log by a line every minute.

    Args:
        made: What the work gives, as it goes on.
        verb: What to call it.
        count: How much of it there will be.
        clock: Seconds that pass.

    Yields:
        The same.
    """
    bar = tqdm(made, verb, count, disable=None)
    began = last = clock()
    for done, each in enumerate(bar, 1):
        yield each
        now = clock()
        if bar.disable and now - last >= EVERY and done < count:
            last = now
            left = timedelta(seconds=round((now - began) / done * (count - done)))
            _log.info("%s of %s, %s left", f"{done:,}", f"{count:,}", left)
