"""The side of every other worker: it does what worker 0 says, and ends when worker 0 does."""

import logging
import os
import queue
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

from rawtone.errors import UserError
from rawtone.training.channel import Channel, Message
from rawtone.training.checkpoints import Arrays
from rawtone.training.chief import PATIENCE, leave_it_to_who_knows_better
from rawtone.training.roles import Role

# Seconds after which whoever signals all workers has reached worker 0, too.
ALL_REACHED = 2.0
# Seconds that worker 0 is given to be the first to end: a launcher may kill all others then.
AFTER_YOU = 3.0
_log = logging.getLogger("rawtone")


class Follower:
    """The side of every other worker. As a context it ends when worker 0 does.

    Args:
        role: of this process.
        key: of the run.
    """

    def __init__(self, role: Role, key: str) -> None:
        self.role = role
        self._key = key
        self._orders: queue.Queue[tuple[Message, Arrays]] = queue.Queue()

    def __enter__(self) -> Self:
        """Do nothing yet; worker 0 is looked for when this one is ready."""
        return self

    def meet(self, port: int) -> list[str]:
        """Find worker 0, and hear where each worker takes part in sums.

        Args:
            port: for that on this machine.

        Returns:
            host:port of every worker, by rank.

        Raises:
            UserError: worker 0 cannot be found.
        """
        self._channel = Channel(self._connected())
        hello = {"rank": self.role.rank, "key": self._key, "port": port}
        self._channel.send(hello | {"host": socket.gethostname()})
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        order, _ = self.hear()
        if order["do"] == "end":
            raise SystemExit(order["status"])
        addresses: list[str] = order["addresses"]
        return addresses

    def _connected(self) -> socket.socket:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection((self.role.host, self.role.port))
            except OSError as error:
                if time.monotonic() > until or not self.role.launched:
                    raise UserError(
                        f"training.workers: worker {self.role.rank} finds no worker 0 at "
                        f"{self.role.host}:{self.role.port} ({error}); start all of them together"
                    ) from None
                time.sleep(0.5)

    def hear(self) -> tuple[Message, Arrays]:
        """Wait for what worker 0 says next."""
        return self._orders.get()

    def answer(self, value: Any) -> None:
        """Answer worker 0."""
        self._channel.send({"answer": value})

    def pass_on(self, number: int) -> None:
        """Let worker 0 know of a signal that only this one got, so that all stop after one step."""
        message = {"signal": number}
        timer = threading.Timer(ALL_REACHED, self._channel.send, [message])
        timer.daemon = True
        timer.start()

    def _listen(self) -> None:
        """Hear worker 0 to its end, then end this process, whatever its main thread waits for."""
        status = None
        for message, arrays in self._channel:
            if message["do"] == "end":
                status = message["status"]
            self._orders.put((message, arrays))
        if status is None:
            _log.error("worker %d ends, as worker 0 is gone", self.role.rank)
        elif self.role.launched:
            time.sleep(AFTER_YOU)
        os._exit(1 if status is None else status)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the end that worker 0 has told, or will tell where a sum failed."""
        if isinstance(error, SystemExit):
            self._listener.join()
        leave_it_to_who_knows_better(error)
