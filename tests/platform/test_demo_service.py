"""The demo service: what its monitors ask for, and the switch."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from apps.configuration.demo.service import Server

PASSWORD = "open sesame"


@dataclass
class Reply:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


@pytest.fixture
def port() -> Iterator[int]:
    with Server(0, PASSWORD) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.port
        server.shutdown()
        thread.join()


def ask(port: int, method: str, path: str, content: Any = None, **headers: str) -> Reply:
    data = json.dumps(content).encode() if content is not None else None
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=data, method=method, headers=headers
    )
    try:
        with OPENER.open(request, timeout=5) as response:
            return Reply(response.status, response.read().decode(), dict(response.headers))
    except urllib.error.HTTPError as error:
        return Reply(error.code, error.read().decode(), dict(error.headers))


def log_in(port: int) -> str:
    return str(ask(port, "POST", "/login", {"user": "demo", "password": PASSWORD}).json["token"])


def order(port: int, token: str) -> Reply:
    return ask(port, "POST", "/orders", {"sku": "A-1"}, Authorization=f"Bearer {token}")


def test_an_order_is_accepted_from_whoever_logged_in(port: int) -> None:
    reply = order(port, log_in(port))

    assert (reply.status, reply.json) == (201, {"state": "accepted"})


@pytest.mark.parametrize("given", [{"user": "demo", "password": "x"}, {}, [], "text"])
def test_a_wrong_log_in_is_refused(port: int, given: Any) -> None:
    reply = ask(port, "POST", "/login", given)

    assert reply.status == 401


def test_an_order_without_a_token_is_refused(port: int) -> None:
    assert order(port, "guessed").status == 401


def test_broken_it_fails_and_repaired_it_works(port: int) -> None:
    token = log_in(port)

    ask(port, "POST", "/break")
    broken = [
        ask(port, "GET", "/").status,
        ask(port, "GET", "/health").status,
        order(port, token).status,
    ]
    ask(port, "POST", "/repair")
    repaired = [
        ask(port, "GET", "/").status,
        ask(port, "GET", "/health").status,
        order(port, token).status,
    ]

    assert broken == [503, 503, 500]
    assert repaired == [200, 200, 201]


def test_the_switch_answers_a_program_in_json(port: int) -> None:
    reply = ask(port, "POST", "/break")

    assert (reply.status, reply.json) == (200, {"state": "broken"})


def test_the_switch_sends_a_browser_back_to_the_page(port: int) -> None:
    reply = ask(port, "POST", "/break", Accept="text/html,application/xhtml+xml")

    assert (reply.status, reply.headers["Location"]) == (303, "/")


def test_the_switch_cannot_be_pressed_from_another_page(port: int) -> None:
    reply = ask(port, "POST", "/break", Origin="http://evil.example")

    assert reply.status == 403
    assert ask(port, "GET", "/health").status == 200


def test_the_page_offers_both_buttons_and_says_the_state_in_words(port: int) -> None:
    whole = ask(port, "GET", "/").text
    ask(port, "POST", "/break")
    broken = ask(port, "GET", "/").text

    assert "Welcome" in whole
    assert 'action="/break"' in whole
    assert 'action="/repair"' in whole
    assert "The shop works" in whole
    assert "The shop is broken" in broken


def test_unknown_paths_and_methods_are_told(port: int) -> None:
    assert ask(port, "GET", "/nothing").status == 404
    assert ask(port, "GET", "/orders").status == 405


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\r\n", b"GET\r\n\r\n", b"POST /break HTTP/1.1\r\nContent-Length: x\r\n\r\n"],
)
def test_nonsense_is_answered_and_changes_nothing(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(sent)
        answer = connection.recv(1000)

    assert answer.startswith(b"HTTP/1.1 400")
    assert ask(port, "GET", "/health").status == 200


def test_it_listens_on_loopback_only() -> None:
    with Server(0, PASSWORD) as server:
        assert server.server_address[0] == "127.0.0.1"
