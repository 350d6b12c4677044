"""What serving the public page costs, beside nginx with the same bytes.

    .venv/bin/python -m bench.page [--requests 20000] [--rounds 5]

CPU of the web process and of nginx's worker divided by the requests, 32 connections kept open, rounds in turn. Wanted of nginx: at least
0.35 for 200 and 0.3 for 304.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
from pathlib import Path

from bench import stage
from tests.e2e.harness import _descendants, installation, wait_for

CONNECTIONS = 32
CONFIGURATION = """
version: 1
pages:
  - slug: shop
    name: Shop
    components: [{components}]
"""


class Load:
    """Keeps connections open and asks for the same thing on all of them, one request at a time on each."""

    def __init__(self, port: int, path: str, header: str = "") -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{header}\r\n".encode()
        self._sockets = [
            socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(CONNECTIONS)
        ]
        for one in self._sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets[0].sendall(self._request)
        self.answer = self._first_answer(self._sockets[0])

    def ask(self, count: int) -> None:
        """Make about `count` requests. SystemExit when an answer is another than the first one."""
        whole = len(self.answer)
        start = self.answer[:12]
        for _ in range(count // CONNECTIONS):
            for one in self._sockets:
                one.sendall(self._request)
            for one in self._sockets:
                first = one.recv(1 << 20)
                if first[:12] != start:
                    raise SystemExit(f"the answer changed: {first[:80]!r}")
                left = whole - len(first)
                while left > 0:
                    left -= len(one.recv(1 << 20))

    def close(self) -> None:
        for one in self._sockets:
            one.close()

    @staticmethod
    def _first_answer(one: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            got += one.recv(1 << 20)
        head, _, body = got.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length" and b" 304 " not in head:
                length = int(value)
        while len(body) < length:
            body += one.recv(1 << 20)
        return head + b"\r\n\r\n" + body


def cost_us(pids: list[int], load: Load, count: int) -> float:
    """Return the CPU of the processes, µs a request."""
    before = sum(map(stage.cpu_s, pids))
    load.ask(count)
    return (sum(map(stage.cpu_s, pids)) - before) / (count // CONNECTIONS * CONNECTIONS) * 1e6


def header_of(answer: bytes, name: str) -> str:
    for line in answer.split(b"\r\n\r\n")[0].decode().split("\r\n"):
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return ""


def measure(count: int, rounds: int) -> list[list[str]]:
    """Return the rows of the table."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        site = Path(folder) / "site"
        site.mkdir()
        with installation(Path(folder) / "data") as place, stage.nginx(site) as (process, port, _):
            place.start()
            names = ", ".join(f"{{name: Component {n}}}" for n in range(3))
            place.apply(CONFIGURATION.format(components=names))
            wait_for(lambda: place.status("/status/shop/") == 200, within_s=10)
            assert place.up is not None
            web = [
                pid
                for pid in _descendants(place.up.pid)
                if b"\0web\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]
            workers = _descendants(process.pid)
            figures: dict[str, tuple[list[float], list[float]]] = {"200": ([], []), "304": ([], [])}
            size = 0
            for turn in range(rounds + 1):
                body = place.get("/status/shop/")[1]
                size = len(body)
                (site / "index.html").write_bytes(body)
                for status in ("200", "304"):
                    costs = []
                    for pids, at, path in (
                        (web, place.port, "/status/shop/"),
                        (workers, port, "/"),
                    ):
                        seen = Load(at, path)
                        seen.close()
                        tag = header_of(seen.answer, "etag")
                        asked = f"If-None-Match: {tag}\r\n" if status == "304" else ""
                        load = Load(at, path, asked)
                        if not load.answer.startswith(f"HTTP/1.1 {status}".encode()):
                            raise SystemExit(load.answer[:80].decode())
                        costs.append(cost_us(pids, load, count))
                        load.close()
                    if turn:
                        figures[status][0].append(costs[0])
                        figures[status][1].append(costs[1])
    return [
        [
            status,
            f"{size}" if status == "200" else "0",
            stage.spread(ours, 1),
            stage.spread(theirs, 1),
            stage.spread([floor / cost for cost, floor in zip(ours, theirs, strict=True)], 2),
        ]
        for status, (ours, theirs) in figures.items()
    ]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    stage.begin("page: CPU a request beside nginx")
    rows = measure(options.requests, options.rounds)
    print("Wanted: a share of nginx of at least 0.35 for 200 and 0.3 for 304.")
    stage.table(["answer", "bytes", "front µs", "nginx µs", "nginx / front"], rows)


if __name__ == "__main__":
    main()
