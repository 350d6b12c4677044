"""The demo service: a shop with a log-in, orders and a switch that breaks it.

| request | answer |
|---|---|
| `GET /` | the page with the switch |
| `GET /health` | `{"state": "ok"}`; broken: 503 |
| `POST /login` `{"user", "password"}` | `{"token"}`, or 401; broken: as ever |
| `POST /orders` with `Authorization: Bearer <token>` | 201 `{"state": "accepted"}`; broken: 500 |
| `POST /break`, `POST /repair` | the switch; a browser is sent back to the page |

It listens on loopback. Each connection serves one request: the server is written on sockets, since
the standard library's HTTP server costs as much memory again as the whole service.
"""

from __future__ import annotations

import json
import os
import socketserver
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from apps.configuration.demo.page import render

USER = "demo"
MOST_HEADER_LINES = 100
LONGEST_LINE = 8_192
LARGEST_BODY = 64_000
TIMEOUT_S = 10

REASONS = {
    200: "OK",
    201: "Created",
    303: "See Other",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
JSON = "application/json"
HTML = "text/html; charset=utf-8"


class Request(NamedTuple):
    """One request; header names are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    body: str
    content_type: str = JSON
    location: str = ""


class Shop:
    """The service's state: whether it is broken, and the password of its one customer."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._token = os.urandom(16).hex()
        self._broken = threading.Event()

    @property
    def is_broken(self) -> bool:
        return self._broken.is_set()

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        methods = ROUTES.get(request.path)
        if methods is None:
            return _said(404, error="not found")
        handle = methods.get("GET" if request.method == "HEAD" else request.method)
        if handle is None:
            return _said(405, error="method not allowed")
        return handle(self, request)

    def page(self, _request: Request) -> Answer:
        # The page itself keeps its switch while broken, and says so by its status.
        status = 503 if self.is_broken else 200
        return Answer(status, render(is_broken=self.is_broken), HTML)

    def health(self, _request: Request) -> Answer:
        return _said(503, state="broken") if self.is_broken else _said(200, state="ok")

    def log_in(self, request: Request) -> Answer:
        given = _json(request)
        if (given.get("user"), given.get("password")) != (USER, self._password):
            return _said(401, error="wrong name or password")
        return _said(200, token=self._token)

    def order(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return _said(401, error="log in first")
        if self.is_broken:
            return _said(500, error="the order could not be stored")
        return _said(201, state="accepted")

    def break_it(self, request: Request) -> Answer:
        return self._switch(request, is_broken=True)

    def repair_it(self, request: Request) -> Answer:
        return self._switch(request, is_broken=False)

    def _switch(self, request: Request, *, is_broken: bool) -> Answer:
        # A page elsewhere must not be able to press the switch through someone's browser.
        origin = request.headers.get("origin")
        if origin and origin != f"http://{request.headers.get('host', '')}":
            return _said(403, error="from this page only")
        if is_broken:
            self._broken.set()
        else:
            self._broken.clear()
        if "text/html" in request.headers.get("accept", ""):
            return Answer(303, "", HTML, location="/")
        return _said(200, state="broken" if is_broken else "ok")


ROUTES: dict[str, dict[str, Callable[[Shop, Request], Answer]]] = {
    "/": {"GET": Shop.page},
    "/health": {"GET": Shop.health},
    "/login": {"POST": Shop.log_in},
    "/orders": {"POST": Shop.order},
    "/break": {"POST": Shop.break_it},
    "/repair": {"POST": Shop.repair_it},
}


def _said(status: int, **content: str) -> Answer:
    return Answer(status, json.dumps(content))


def _json(request: Request) -> dict[str, Any]:
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


class _Handler(socketserver.StreamRequestHandler):
    """One connection: one request, one answer."""

    timeout = TIMEOUT_S
    server: Server

    def handle(self) -> None:
        try:
            request = self._read()
            if request is None:
                answer = _said(400, error="not a request")
                self._write(answer, with_body=True)
            else:
                self._write(self.server.shop.answer(request), with_body=request.method != "HEAD")
        except OSError:
            # The other side went away, or was too slow.
            return

    def _read(self) -> Request | None:
        words = self.rfile.readline(LONGEST_LINE).decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return None
        headers: dict[str, str] = {}
        for _ in range(MOST_HEADER_LINES):
            line = self.rfile.readline(LONGEST_LINE).decode("latin-1")
            if line in {"\r\n", "\n", ""}:
                break
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return None
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.rfile.read(int(length))
        return Request(words[0], words[1].partition("?")[0], headers, body)

    def _write(self, answer: Answer, *, with_body: bool) -> None:
        body = answer.body.encode()
        lines = [
            f"HTTP/1.1 {answer.status} {REASONS[answer.status]}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            "Connection: close",
        ]
        if answer.location:
            lines.append(f"Location: {answer.location}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head + (body if with_body else b""))


class Server(socketserver.ThreadingTCPServer):
    """The service on loopback; `port` 0 takes any free one."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, password: str) -> None:
        self.shop = Shop(password)
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self.server_address[1])


def serve(port: int, password: str) -> None:
    """Serve until the process ends."""
    with Server(port, password) as server:
        server.serve_forever()
