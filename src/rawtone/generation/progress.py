"""How far generation is, and its speed against real time: a live line, or now and then a log's."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from tqdm import tqdm

EVERY = 60.0  # seconds between two lines of a log

_log = logging.getLogger("rawtone")


class Progress:
    """Tells how far generation is, wherever standard error goes; threads may tell it at once.

    Args:
        samples: to be made in all.
        sample_rate: samples a second.
        clock: seconds that pass.
    """

    def __init__(
        self, samples: int, sample_rate: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.samples, self.sample_rate = samples, sample_rate
        self.done = 0
        self._turn = threading.RLock()
        self._made = 0  # since the first block, which compiles
        self._clock, self._began, self._told = clock, 0.0, clock()
        self._bar = tqdm(
            total=samples,
            desc="sample",
            bar_format="{desc}: {percentage:.0f} %{postfix} |{bar:20}|",
            disable=not sys.stderr.isatty(),
        )

    def skip(self, samples: int) -> None:
        """Count samples that were made before."""
        with self._turn:
            self.done += samples
            self._bar.update(samples)

    def made(self, samples: int) -> None:
        """Count samples that were just made."""
        with self._turn:
            now = self._clock()
            if self._began:
                self._made += samples
            else:
                self._began = now
            self.skip(samples)
            self._bar.set_postfix_str(self.words(), refresh=False)
            if self._bar.disable and now - self._told >= EVERY:
                self._told = now
                share = 100 * self.done // max(self.samples, 1)
                _log.info("%s", ", ".join(filter(None, [f"{share} %", self.words()])))

    @property
    def speed(self) -> float | None:
        """How many times as fast as real time all streams together are made, if known yet."""
        passed = self._clock() - self._began
        if not self._made or passed <= 0:
            return None
        return self._made / self.sample_rate / passed

    def words(self) -> str:
        """Return the speed and the time left, as in "4.2 x real time, 0:02:10 left"."""
        speed = self.speed
        if speed is None:
            return ""
        left = (self.samples - self.done) / self.sample_rate / speed
        return f"{speed:.2g} x real time, {timedelta(seconds=round(left))} left"

    def close(self) -> None:
        """Leave the line as it is."""
        self._bar.close()
