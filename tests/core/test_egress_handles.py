"""Handles and pollers: a handle that is used again sends nothing of what it sent before."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from apps.core.egress import Transfers
from apps.core.egress.poller import READ, WRITE, EpollPoller, Poller, SelectorPoller
from tests.core.egress_support import names, request
from tests.core.loopback import answering, serving


@pytest.fixture
def transfers() -> Iterator[Transfers]:
    transfers = Transfers(resolve=names({"inside.test": ("127.0.0.1",)}))
    yield transfers
    transfers.close()


DISTINCT: dict[str, dict[str, Any]] = {
    "headers": {"headers": (("X-Token", "secret"),)},
    "a body": {"method": "POST", "body": b"secret"},
    "a method": {"method": "DELETE"},
    "HEAD": {"method": "HEAD"},
    "cookies": {"cookies": ("127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\tsecret",)},
}


@pytest.mark.parametrize("options", DISTINCT.values(), ids=DISTINCT)
def test_nothing_of_a_request_is_left_for_the_next_one(
    transfers: Transfers, options: dict[str, Any]
) -> None:
    with serving(answering(b"hello")) as server:
        plain = request(server.url("/"), cookies=())
        transfers.fetch(plain)
        first = server.asked[-1]
        transfers.fetch(request(server.url("/"), **{"cookies": (), **options}))
        assert server.asked[-1] != first

        again = transfers.fetch(plain)

    assert (again.status, again.body) == (200, b"hello")
    assert server.asked[-1] == first


def test_credentials_in_a_url_are_not_sent_to_the_next_one(transfers: Transfers) -> None:
    with serving(answering()) as server:
        transfers.fetch(request(server.url("/").replace("://", "://user:secret@"), cookies=()))
        assert b"authorization" in server.asked[-1].lower()

        transfers.fetch(request(server.url("/"), cookies=()))

    assert b"authorization" not in server.asked[-1].lower()


def test_a_cookie_that_an_answer_set_is_not_sent_by_another_run(transfers: Transfers) -> None:
    with serving(answering(headers=("Set-Cookie: session=secret",))) as server:
        first = transfers.fetch(request(server.url("/"), cookies=()))
        assert first.cookies

        transfers.fetch(request(server.url("/"), cookies=()))

    assert b"cookie" not in server.asked[-1].lower()


def test_an_answer_holds_its_own_headers_only(transfers: Transfers) -> None:
    with serving(answering(headers=("X-First: 1",))) as one, serving(answering()) as other:
        before = transfers.fetch(request(one.url("/"), cookies=()))
        after = transfers.fetch(request(other.url("/"), cookies=()))

    assert before.header("X-First") == "1"
    assert after.header("X-First") is None


def test_a_name_that_was_looked_up_is_looked_up_anew(transfers: Transfers) -> None:
    with serving(answering()) as server:
        found = transfers.fetch(
            request(f"http://inside.test:{server.port}/", trusted_hosts=frozenset({"inside.test"}))
        )
        lost = transfers.fetch(request(f"http://outside.test:{server.port}/"))

    assert found.status == 200
    assert lost.error is not None
    assert lost.error.code == "dns_failed"


@pytest.fixture(params=[EpollPoller, SelectorPoller])
def poller(request: pytest.FixtureRequest) -> Iterator[Poller[str]]:
    found: Poller[str] = request.param()
    yield found
    found.close()


def test_a_poller_says_whose_descriptor_is_ready_for_what(poller: Poller[str]) -> None:
    here, there = socket.socketpair()
    with here, there:
        poller.watch(here.fileno(), READ, "ours")
        assert poller.wait(0) == []

        there.send(b"x")
        assert poller.wait(1) == [("ours", here.fileno(), READ)]

        poller.change(here.fileno(), READ | WRITE, "others")
        assert poller.wait(1) == [("others", here.fileno(), READ | WRITE)]

        poller.forget(here.fileno())
        poller.forget(here.fileno())
        assert poller.wait(0) == []


def test_a_poller_forgets_a_descriptor_that_was_closed_before(poller: Poller[str]) -> None:
    here, there = socket.socketpair()
    with there:
        number = here.fileno()
        poller.watch(number, READ, "ours")
        here.close()

        poller.forget(number)

        assert poller.wait(0) == []
