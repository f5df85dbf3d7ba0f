"""Workers meet, and end together; what they compute is in tests/stages/test_workers.py."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rawtone.errors import UserError
from rawtone.training import chief as chief_module
from rawtone.training.channel import Channel
from rawtone.training.chief import Chief
from rawtone.training.roles import Role
from rawtone.training.signals import listening

FOLLOWER = """
import sys, time
from rawtone.training.follower import Follower
from rawtone.training.roles import Role

with Follower(Role(1, 2, "127.0.0.1", int(sys.argv[1]), launched=True), "key") as follower:
    print(*follower.meet(7001), flush=True)
    order, _ = follower.hear()
    print(order["do"], flush=True)
    time.sleep(60)
"""


@pytest.fixture
def port() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def chief(port: int) -> Iterator[Chief]:
    """Worker 0 of two, for which something else plays the launcher."""
    with Chief(Role(0, 2, "127.0.0.1", port, neighbours=2, launched=True), "key", "mine") as chief:
        yield chief


def say(port: int, *words: dict[str, object]) -> list[Channel]:
    """Connect once for each of some first words, and say them."""
    channels = [Channel(socket.create_connection(("127.0.0.1", port))) for _ in words]
    for channel, hello in zip(channels, words, strict=True):
        channel.send(hello)
    return channels


def test_strangers_are_sent_away_and_a_worker_is_taken_up(chief: Chief, port: int) -> None:
    hello = {"rank": 1, "key": "key", "port": 7001, "host": "far"}
    channels = say(port, {"rank": 5}, {"rank": "1"}, {}, hello)
    expected = ["127.0.0.1:7000", "127.0.0.1:7001"]
    assert chief.meet(7000) == expected
    assert channels[-1].receive() == ({"do": "join", "addresses": expected}, {})
    channels[-1].send({"answer": 0.5})
    assert chief.answers() == {1: 0.5}
    assert chief.hosts == [socket.gethostname(), "far"]
    for channel in channels[:-1]:
        assert channel.receive(patience=5) is None
        channel.close()
    chief.__exit__(None, None, None)
    assert list(channels[-1]) == [({"do": "end", "status": 0}, {})]
    channels[-1].close()


def test_a_signal_that_only_a_worker_got_asks_worker_0_to_stop_once(
    chief: Chief, port: int
) -> None:
    """A second one would end it before its state is saved."""
    (channel,) = say(port, {"rank": 1, "key": "key", "port": 7001, "host": "far"})
    chief.meet(7000)
    with listening() as stop:
        for answer in range(2):
            channel.send({"signal": signal.SIGUSR1})
            channel.send({"answer": answer})
            assert chief.answers() == {1: answer}
            assert stop.signal == signal.SIGUSR1
    chief.__exit__(None, None, None)
    channel.close()


def test_a_worker_with_other_settings_or_chunks_is_named(chief: Chief, port: int) -> None:
    (channel,) = say(port, {"rank": 1, "key": "other", "port": 7001, "host": "far"})
    with pytest.raises(UserError, match="worker 1 on far would train run other, and worker 0"):
        chief.meet(7000)
    channel.close()


def test_workers_that_never_come_are_not_waited_for_for_ever(
    chief: Chief, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chief_module, "PATIENCE", 0.1)
    with pytest.raises(UserError, match=r"training.workers: expected 2, and 1 came within"):
        chief.meet(7000)


def test_a_port_in_use_is_one_line(port: int) -> None:
    role = Role(0, 2, "127.0.0.1", port, launched=True)
    with (
        socket.create_server(("", port)),
        pytest.raises(UserError, match=f"cannot listen on port {port}"),
        Chief(role, "key", "mine"),
    ):
        pass


def test_a_worker_ends_at_once_when_worker_0_is_gone(tmp_path: Path, port: int) -> None:
    """Also in the middle of something that would not return; as it ends where the host is lost."""
    script = [sys.executable, "-c", FOLLOWER, str(port)]
    with (
        socket.create_server(("", port)) as server,
        subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
    ):
        channel = Channel(server.accept()[0])
        hello, _ = channel.receive() or ({}, {})
        assert (hello["rank"], hello["key"], hello["port"]) == (1, "key", 7001)
        channel.send({"do": "join", "addresses": ["a:1", "b:2"]})
        channel.send({"do": "update"})
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"a:1 b:2\n"
        assert process.stdout.readline() == b"update\n"
        channel.close()
        assert process.wait(timeout=10) == 1
        assert process.stderr.read() == b"worker 1 ends, as worker 0 is gone\n"
