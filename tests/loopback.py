"""An HTTP server on loopback that misbehaves as it is told."""

import base64
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Resource:
    """What the server has at a path, and how it behaves there.

    Attributes:
        content: The bytes of the file.
        kind: Its Content-Type.
        ranges: Whether a Range is honoured.
        cut: Close the connection after so many bytes of every answer.
        pause: Seconds to wait before every 4,096 bytes.
        stall: Say nothing more, for so many seconds, after `cut` bytes.
        refuse: Statuses to answer the next requests with, in turn.
        location: Where to redirect to.
        length: Whether to tell the Content-Length.
        chunked: Whether to send chunks (HTTP's) in place of telling the length.
        password: What has to come as user:password.
        shift: Answer a Range from so many bytes further on.
        seen: The Range of every request so far; None where there was none.
    """

    content: bytes = b""
    kind: str = "application/octet-stream"
    ranges: bool = True
    cut: int | None = None
    pause: float = 0.0
    stall: float = 0.0
    refuse: list[int] = field(default_factory=list)
    location: str | None = None
    length: bool = True
    chunked: bool = False
    password: str | None = None
    shift: int = 0
    seen: list[str | None] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        resource = self.server.resources.get(self.path.partition("?")[0])
        if resource is None:
            return self._answer(404)
        resource.seen.append(self.headers["Range"])
        if resource.refuse:
            return self._answer(resource.refuse.pop(0))
        if resource.password and not self._is_let_in(resource.password):
            return self._answer(401)
        if resource.location:
            return self._answer(302, ("Location", resource.location))
        return self._serve(resource)

    def _is_let_in(self, password: str) -> bool:
        said = base64.b64encode(password.encode()).decode()
        return self.headers["Authorization"] == f"Basic {said}"

    def _answer(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()

    def _serve(self, resource: Resource) -> None:
        size = len(resource.content)
        wanted = re.match(r"bytes=(\d+)-", self.headers["Range"] or "")
        start = int(wanted[1]) + resource.shift if wanted and resource.ranges else 0
        if start and start >= size:
            return self._answer(416, ("Content-Range", f"bytes */{size}"))
        ranged = wanted is not None and resource.ranges
        self.send_response(206 if ranged else 200)
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if resource.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif resource.length:
            self.send_header("Content-Length", str(size - start))
        self.send_header("Content-Type", resource.kind)
        self.send_header("Last-Modified", "Sat, 21 Nov 2015 07:28:00 GMT")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if self.command != "HEAD":
            self._send(resource, resource.content[start:])
        return None

    def _send(self, resource: Resource, content: bytes) -> None:
        for at in range(0, len(content[: resource.cut]), 4096):
            time.sleep(resource.pause)
            block = content[: resource.cut][at : at + 4096]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if resource.chunked else block)
        if resource.chunked and resource.cut is None:
            self.wfile.write(b"0\r\n\r\n")
        time.sleep(resource.stall)
        if resource.cut is not None:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """The server, with what it has by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.resources: dict[str, Resource] = {}

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are no news."""

    def put(self, path: str, content: bytes | str = b"", **how: object) -> str:
        """Put a file there, and return its address."""
        content = content.encode() if isinstance(content, str) else content
        self.resources[path] = Resource(content, **how)
        return self.address(path)

    def address(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def seen(self, path: str) -> list[str | None]:
        """Return the Range of every request for a path."""
        return self.resources[path].seen


def serving() -> tuple[Server, Callable[[], None]]:
    """Start a server; return it, and what ends it."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def end() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    return server, end
