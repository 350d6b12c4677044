"""Whole runs over real connections: the session says what to send, the egress sends it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from apps.core.egress import Lookup, Transfers
from apps.monitors.checkers import (
    AuthSpec,
    CheckOutcome,
    Done,
    ExtractionSpec,
    MonitorSpec,
    RequestSpec,
    Send,
    get_checker,
)
from tests.core.loopback import answering, hanging, redirecting, routing, serving
from tests.monitors.checker_support import expecting, get, spec


@pytest.fixture(scope="module")
def transfers() -> Iterator[Transfers]:
    transfers = Transfers(resolve=lambda host: Lookup(("127.0.0.1",)))
    yield transfers
    transfers.close()


def check(transfers: Transfers, monitor: MonitorSpec) -> CheckOutcome:
    session = get_checker("http").begin(monitor)
    step = session.first(time.monotonic())
    while isinstance(step, Send):
        step = session.receive(transfers.fetch(step.request), time.monotonic())
    assert isinstance(step, Done)
    return step.outcome


def test_a_log_in_and_an_order_with_its_token_and_cookie_pass(transfers: Transfers) -> None:
    def order(connection: socket.socket, asked: bytes) -> None:
        is_known = b"Authorization: Bearer tok-1" in asked and b"Cookie: sid=abc" in asked
        status = "201 Created" if is_known else "401 Unauthorized"
        body = json.dumps({"state": "accepted"}).encode()
        answering(body, status=status, headers=("Content-Type: application/json",))(
            connection, asked
        )

    routes = {
        "/login": answering(b'{"token": "tok-1"}', headers=("Set-Cookie: sid=abc; HttpOnly",)),
        "/orders": order,
    }
    with serving(routing(routes)) as server:
        outcome = check(
            transfers,
            spec(
                RequestSpec(
                    "Log in",
                    "{{base}}/login",
                    "POST",
                    json={"user": "demo", "password": "{{password}}"},
                    extractions=(ExtractionSpec("token", "json", path="$.token"),),
                ),
                RequestSpec(
                    "Order",
                    "{{base}}/orders",
                    "POST",
                    auth=AuthSpec("bearer", token="{{token}}"),
                    json={"sku": "A-1"},
                    assertions=(
                        expecting("status", "in", [200, 201]),
                        expecting("json", "equals", "accepted", path="$.state"),
                    ),
                ),
                variables={"base": server.url("")},
                secret_variables={"password": "s3cret"},
            ),
        )

    assert outcome.result == "passed", outcome.reason
    assert b'"password":"s3cret"' in server.asked[0]
    assert outcome.response_time_ms is not None


def test_a_host_written_down_may_be_private_and_one_from_an_answer_may_not(
    transfers: Transfers,
) -> None:
    with serving(answering(b"internal")) as internal:
        answer = answering(b"", headers=(f"X-Next: {internal.url(host='inside.test')}",))
        with serving(answer) as server:
            outcome = check(
                transfers,
                spec(
                    get(
                        "First",
                        server.url(),
                        extractions=(ExtractionSpec("next", "header", name="X-Next"),),
                    ),
                    get("Second", "{{next}}"),
                ),
            )

    assert outcome.detail["requests"][0]["state"] == "passed"
    assert outcome.result == "failed"
    assert outcome.reason.startswith("Second: ")
    assert "a loopback address" in outcome.reason
    assert internal.asked == []
    assert not outcome.transport_failure


def test_a_redirect_to_another_private_host_is_refused_in_the_middle_of_a_run(
    transfers: Transfers,
) -> None:
    with (
        serving(answering()) as internal,
        serving(redirecting(internal.url(host="inside.test"))) as server,
    ):
        outcome = check(transfers, spec(get("Home", server.url())))

    assert outcome.reason.startswith("Home: a redirect leads to inside.test at 127.0.0.1")
    assert internal.asked == []


def test_a_redirect_that_is_not_followed_can_be_asserted(transfers: Transfers) -> None:
    with serving(redirecting("/in")) as server:
        outcome = check(
            transfers,
            spec(
                get(
                    "Home",
                    server.url(),
                    assertions=(
                        expecting("status", "equals", 302),
                        expecting("header", "equals", "/in", name="Location"),
                    ),
                ),
                follow_redirects=False,
            ),
        )

    assert outcome.result == "passed", outcome.reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "in the middle of the body"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_200_000, "larger than the 1000000 bytes"),
    ],
)
def test_a_target_that_answers_wrongly_is_a_failed_run_with_the_reason(
    transfers: Transfers, raw: bytes, reason: str
) -> None:
    with serving(lambda connection, _: connection.sendall(raw)) as server:
        outcome = check(transfers, spec(get("Home", server.url())))

    assert outcome.result == "failed"
    assert reason in outcome.reason


def test_a_hanging_target_is_a_failed_run_and_the_next_request_is_made(
    transfers: Transfers,
) -> None:
    with serving(hanging()) as dead, serving(answering()) as alive:
        outcome = check(transfers, spec(get("A", dead.url()), get("B", alive.url()), timeout_s=0.2))

    assert outcome.result == "failed"
    assert outcome.transport_failure
    assert "within 0.2 s" in outcome.reason
    assert outcome.detail["requests"][1]["state"] == "passed"
