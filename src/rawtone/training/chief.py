"""Worker 0's side of a training by several processes: how they meet, and how they end together.

Worker 0 tells the others what to do next, and each does it at the same time as worker 0. Messages
go over a connection from each to worker 0, gradients go their own way. The connection also tells of
an end: the operating system closes it however a process ends. Then nobody waits for the one that is
gone in an operation that would never return: all processes end at once. What is on disk is whole.
"""

import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Any, NoReturn, Self

from rawtone.errors import Stopped, UserError
from rawtone.training.channel import Channel, Message
from rawtone.training.checkpoints import Arrays
from rawtone.training.roles import HERE, STARTED, Role

PATIENCE = 600.0  # seconds; a launcher may start one process long before another
GRACE = 5.0  # seconds, to end in order after others did
_log = logging.getLogger("rawtone")


class Chief:
    """Speaks to the other workers. As a context it starts the others, and ends them with itself.

    Args:
        role: of this process.
        key: of the run.
        experiment: its name in params.yaml.
    """

    def __init__(self, role: Role, key: str, experiment: str) -> None:
        self.role = role
        self._key = key
        self._experiment = experiment
        self._started: dict[int, subprocess.Popen[bytes]] = {}
        self._channels: dict[int, Channel] = {}
        self._hosts: dict[int, str] = {}
        self._answers: dict[int, queue.Queue[Any]] = {}
        self._threads: list[threading.Thread] = []
        self._ending = False
        self._losing = threading.Lock()

    def __enter__(self) -> Self:
        """Listen for the others, and start them where no launcher does."""
        try:
            address = ("" if self.role.launched else HERE, self.role.port)
            self._server = socket.create_server(address)
        except OSError as error:
            raise UserError(
                f"training.workers: worker 0 cannot listen on port {self.role.port} ({error}); "
                "start again, or name another port in TF_CONFIG"
            ) from None
        if not self.role.launched:
            for rank in range(1, self.role.size):
                self._started[rank] = self._start(rank)
        return self

    def _start(self, rank: int) -> "subprocess.Popen[bytes]":
        port = self._server.getsockname()[1]
        news = {STARTED: f"{rank} {self.role.size} {port}", "RAWTONE_END_WITH": str(os.getpid())}
        return subprocess.Popen(
            [sys.executable, "-m", "rawtone", "train", self._experiment],
            env=os.environ | news,
            stdin=subprocess.DEVNULL,
            process_group=0,  # what is typed at the terminal is for worker 0 alone
        )

    def meet(self, port: int) -> list[str]:
        """Wait for the others, and let all know where each takes part in sums.

        Args:
            port: for that on this machine.

        Returns:
            host:port of every worker, by rank.

        Raises:
            UserError: some do not come, or want to train another run.
        """
        addresses = {0: f"{self.role.host}:{port}"}
        until = time.monotonic() + PATIENCE
        self._server.settimeout(0.2)
        while len(addresses) < self.role.size:
            if time.monotonic() > until:
                raise UserError(
                    f"training.workers: expected {self.role.size}, and {len(addresses)} came "
                    f"within {PATIENCE / 60:.0f} minutes; start as many, with the same command"
                )
            for rank in [
                rank for rank, process in self._started.items() if process.poll() is not None
            ]:
                self._lose(rank)
            try:
                connection, (host, *_) = self._server.accept()
            except TimeoutError:
                continue
            addresses |= self._greet(Channel(connection), host)
        ordered = [addresses[rank] for rank in range(self.role.size)]
        self.tell({"do": "join", "addresses": ordered})
        return ordered

    def _greet(self, channel: Channel, host: str) -> dict[int, str]:
        """Take up one that says that it is a worker of this training; others are sent away."""
        hello, _ = channel.receive(patience=GRACE) or ({}, {})
        rank = hello.get("rank", 0)
        if rank not in range(1, self.role.size) or rank in self._channels:
            channel.close()
            return {}
        self._channels[rank], self._hosts[rank] = channel, hello["host"]
        if hello["key"] != self._key:
            raise UserError(
                f"training.workers: {self._name(rank)} would train run {hello['key']}, and worker "
                f"0 trains {self._key}; give both the same params.yaml and chunks"
            )
        self._answers[rank] = queue.Queue()
        thread = threading.Thread(target=self._listen, args=(rank, channel), daemon=True)
        thread.start()
        self._threads.append(thread)
        # a worker beside worker 0 is known to others by that one's name
        return {rank: f"{self.role.host if host.startswith('127.') else host}:{hello['port']}"}

    def tell(self, message: Message, arrays: Arrays | None = None) -> None:
        """Tell the others what to do."""
        for channel in self._channels.values():
            channel.send(message, arrays)

    def answers(self) -> dict[int, Any]:
        """Wait for what the others answer, by rank."""
        return {rank: self._answers[rank].get() for rank in sorted(self._answers)}

    @property
    def hosts(self) -> list[str]:
        """The names of the machines, by rank."""
        return [socket.gethostname(), *(self._hosts[rank] for rank in sorted(self._hosts))]

    def _listen(self, rank: int, channel: Channel) -> None:
        for message, _ in channel:
            if "signal" in message:
                _signal_once(message["signal"])
            else:
                self._answers[rank].put(message["answer"])
        if not self._ending:
            self._lose(rank)

    def _name(self, rank: int) -> str:
        return f"worker {rank} on {self._hosts.get(rank, socket.gethostname())}"

    def _lose(self, rank: int) -> NoReturn:
        """End all for the sake of one, from whatever thread. A workflow tries it again."""
        with self._losing:
            how = "is gone"
            if rank in self._started:
                how = _in_words(self._started[rank])
            _log.error(
                "error: %s %s; the same command goes on from the last state", self._name(rank), how
            )
            self.tell({"do": "end", "status": 1})
            for process in self._started.values():
                process.kill()
            os._exit(1)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the others, well or as this one does."""
        leave_it_to_who_knows_better(error)
        self._ending = True
        status = error.status if isinstance(error, Stopped) else int(error is not None)
        self.tell({"do": "end", "status": status})
        for channel in self._channels.values():
            channel.finish()
        self._wait_for_those_it_started(GRACE if self._channels else 0.0)
        for channel in self._channels.values():
            channel.close()
        for thread in self._threads:
            thread.join(GRACE)
        self._server.close()

    def _wait_for_those_it_started(self, patience: float) -> None:
        until = time.monotonic() + patience
        for process in self._started.values():
            try:
                process.wait(max(until - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def leave_it_to_who_knows_better(error: BaseException | None) -> None:
    """Wait where a sum failed, as it does when a worker is gone: who reads its channel tells it."""
    if isinstance(error, Exception) and not isinstance(error, UserError | Stopped):
        time.sleep(GRACE)


def _signal_once(number: int) -> None:
    """Signal this process, unless it has been asked to stop before: twice would end it at once."""
    if callable(signal.getsignal(number)):
        os.kill(os.getpid(), number)


def _in_words(process: "subprocess.Popen[bytes]") -> str:
    try:
        status = process.wait(GRACE)
    except subprocess.TimeoutExpired:
        return "does not answer"
    if status == -signal.SIGKILL:
        return "was killed by SIGKILL, perhaps for its memory"
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"
