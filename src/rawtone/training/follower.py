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
from rawtone.training.chief import GRACE, PATIENCE, leave_it_to_who_knows_better
from rawtone.training.roles import Role

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
        threading.Thread(target=self._listen, daemon=True).start()
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
        """Let worker 0 know of a signal, so that all of them stop after the same step."""
        self._channel.send({"signal": number})

    def _listen(self) -> None:
        status = None
        for message, arrays in self._channel:
            self._orders.put((message, arrays))
            if message["do"] == "end":
                status = message["status"]
                time.sleep(GRACE)  # enough for who is not in an operation that never returns
        if status is None:
            _log.error("worker %d ends, as worker 0 is gone", self.role.rank)
        os._exit(1 if status is None else status)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave it to worker 0 to tell what happened, if it has an end of its own."""
        leave_it_to_who_knows_better(error)
