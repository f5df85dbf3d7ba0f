"""Messages and arrays arrive as they were sent, and an end is noticed."""

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from rawtone.training.channel import Channel

Pair = tuple[Channel, Channel, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends of a connection, and the first of them as a socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        raw = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
    ends = Channel(raw), Channel(accepted)
    yield *ends, raw
    for end in ends:
        end.close()


def test_messages_and_arrays_arrive_in_order_as_they_were(pair: Pair) -> None:
    sender, receiver, _ = pair
    arrays = {
        "a/0": np.arange(600, dtype=np.float32).reshape(2, 300) / 7,
        "count": np.array(3, dtype=np.uint32),
    }
    sender.send({"do": "restore"}, arrays)
    sender.send({"rate": 0.1 + 0.2})
    message, got = receiver.receive() or ({}, {})
    assert message == {"do": "restore"}
    assert sorted(got) == sorted(arrays)
    for name, array in arrays.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)
    assert receiver.receive() == ({"rate": 0.1 + 0.2}, {})


def test_messages_end_where_the_other_side_is_gone(pair: Pair) -> None:
    sender, receiver, _ = pair
    sender.send({"n": 1})
    sender.close()
    assert list(receiver) == [({"n": 1}, {})]
    receiver.send({"n": 2})
    receiver.send({"n": 3})  # nobody is there, and nothing is raised


@pytest.mark.parametrize(
    "words",
    [b"GET / HTTP/1.1\r\n\r\n", b"{}\n", b"[1]\n", b'{"size": 9, "message": 1}\nnot arrays'],
)
def test_who_speaks_otherwise_is_not_listened_to(pair: Pair, words: bytes) -> None:
    _, receiver, raw = pair
    raw.sendall(words)
    assert receiver.receive() is None


def test_who_says_nothing_is_given_up(pair: Pair) -> None:
    assert pair[1].receive(patience=0.05) is None


def test_a_channel_that_this_side_closed_gives_nothing_more(pair: Pair) -> None:
    """Another thread may be about to read, or be at it."""
    _, receiver, _ = pair
    receiver.close()
    assert receiver.receive() is None
