"""What a run's requests promise, over real connections: certificates, repeats, cookies, times and sizes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from apps.core.egress import Lookup, Transfers
from apps.monitors.checkers import (
    CheckOutcome,
    Done,
    MonitorSpec,
    RequestSpec,
    Send,
    get_checker,
)
from tests.core.egress_support import server_tls
from tests.core.loopback import answering, hanging, serving
from tests.monitors.checker_support import expecting, get, spec

# Certificates tell whole seconds.
IN_TEN_DAYS = datetime.now(UTC).replace(microsecond=0) + timedelta(days=10, hours=12)
THREE_DAYS_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2, hours=12)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def transfers(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Transfers]:
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    transfers = Transfers(ca_file=str(ca_file), resolve=lambda host: Lookup(("127.0.0.1",)))
    yield transfers
    transfers.close()


def check(transfers: Transfers, monitor: MonitorSpec) -> CheckOutcome:
    """Run a monitor as the engine does, delays included."""
    session = get_checker("http").begin(monitor)
    step = session.first(time.monotonic())
    while isinstance(step, Send):
        time.sleep(step.delay_s)
        step = session.receive(transfers.fetch(step.request), time.monotonic())
    assert isinstance(step, Done)
    return step.outcome


def attempts(outcome: CheckOutcome) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = outcome.detail["requests"][0]["attempts"]
    return found


class Certificate:
    """Who issued it, and when it ends."""

    def __init__(self, *, ends: datetime, is_trusted: bool = True) -> None:
        self.ends, self.is_trusted = ends, is_trusted


GOOD = Certificate(ends=IN_TEN_DAYS)
EXPIRED = Certificate(ends=THREE_DAYS_AGO)
SELF_SIGNED = Certificate(ends=IN_TEN_DAYS, is_trusted=False)


@pytest.mark.parametrize(
    ("certificate", "verify_tls", "operator", "value", "result", "verdict"),
    [
        (GOOD, True, "at_least", 10, "passed", ""),
        (GOOD, True, "at_least", 14, "failed", "got 10"),
        (GOOD, True, "less_than", 11, "passed", ""),
        (GOOD, True, "exists", None, "passed", ""),
        (EXPIRED, True, "at_least", 14, "failed", "got -3"),
        (EXPIRED, False, "at_least", 0, "failed", "got -3"),
        (EXPIRED, False, "less_than", 0, "passed", ""),
        (SELF_SIGNED, True, "at_least", 10, "failed", ""),
        (SELF_SIGNED, True, "at_least", 14, "failed", "got 10"),
        (SELF_SIGNED, False, "at_least", 10, "passed", ""),
        (SELF_SIGNED, False, "at_least", 14, "failed", "got 10"),
    ],
)
def test_the_days_left_of_a_certificate_are_judged_also_where_it_is_refused(
    transfers: Transfers,
    authority: trustme.CA,
    certificate: Certificate,
    verify_tls: bool,
    operator: str,
    value: int | None,
    result: str,
    verdict: str,
) -> None:
    issuer = authority if certificate.is_trusted else trustme.CA()
    tls = server_tls(issuer, "localhost", not_after=certificate.ends)
    asserted = expecting("certificate_days_left", operator, value)
    with serving(answering(), tls=tls) as server:
        request = get(url=server.url(host="localhost"), assertions=(asserted,))
        outcome = check(transfers, spec(request, verify_tls=verify_tls))

    (attempt,) = attempts(outcome)
    assert outcome.result == result
    assert attempt["assertions"][0]["message"] == verdict
    assert attempt["certificate_expires_at"] == certificate.ends.isoformat()
    # A bad certificate is the target's, not the way's there.
    assert not outcome.transport_failure
    is_refused = verify_tls and certificate is not GOOD
    assert ("certificate" in outcome.reason and attempt["error"] is not None) or not is_refused


def test_without_tls_there_are_no_days_left(transfers: Transfers) -> None:
    with serving(answering()) as server:
        asserted = expecting("certificate_days_left", "at_least", 0)
        outcome = check(transfers, spec(get(url=server.url(), assertions=(asserted,))))

    assert attempts(outcome)[0]["assertions"][0]["message"] == "no certificate"


def failing_first(times: int) -> Any:
    """A reply that fails so many times, and then answers."""
    asked = iter(range(1000))

    def reply(connection: socket.socket, request: bytes) -> None:
        status = "503 Busy" if next(asked) < times else "200 OK"
        answering(b"done", status=status)(connection, request)

    return reply


@pytest.mark.parametrize(
    ("failures", "retries", "result", "made"),
    [(0, 3, "passed", 1), (1, 1, "passed", 2), (2, 1, "failed", 2), (2, 5, "passed", 3)],
)
def test_a_failed_request_is_repeated_after_its_delay(
    transfers: Transfers, failures: int, retries: int, result: str, made: int
) -> None:
    began = time.monotonic()
    with serving(failing_first(failures)) as server:
        monitor = spec(get(url=server.url()), retries=retries, retry_delay_s=0.1)
        outcome = check(transfers, monitor)

    assert (outcome.result, len(attempts(outcome)), len(server.asked)) == (result, made, made)
    assert time.monotonic() - began >= 0.1 * (made - 1)


def test_the_run_limit_holds_for_all_requests_together(transfers: Transfers) -> None:
    began = time.monotonic()
    with serving(hanging()) as server:
        one = get(url=server.url())
        outcome = check(transfers, spec(one, one, one, timeout_s=5.0, run_limit_s=0.4))

    assert time.monotonic() - began < 2
    assert outcome.result == "failed"
    assert [request["state"] for request in outcome.detail["requests"]][1:] == ["not_run"] * 2


def test_a_cookie_is_sent_in_its_run_and_not_in_the_next(transfers: Transfers) -> None:
    with serving(answering(headers=("Set-Cookie: sid=abc; Path=/",))) as server:
        monitor = spec(get("A", server.url()), get("B", server.url()))
        check(transfers, monitor)
        check(transfers, monitor)

    assert [b"Cookie: sid=abc" in asked for asked in server.asked] == [False, True, False, True]


def test_each_phase_and_the_size_of_a_request_are_kept(
    transfers: Transfers, authority: trustme.CA
) -> None:
    tls = server_tls(authority, "shop.test", not_after=IN_TEN_DAYS)
    with serving(answering(b"x" * 5000), tls=tls) as server:
        outcome = check(transfers, spec(RequestSpec("Home", server.url(host="shop.test"))))

    (attempt,) = attempts(outcome)
    timings = attempt["timings"]
    assert set(timings) == {"dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms"}
    assert all(value is not None and value >= 0 for value in timings.values())
    assert timings["tls_ms"] > 0
    assert timings["total_ms"] >= max(timings.values())
    assert outcome.response_time_ms == pytest.approx(timings["total_ms"], abs=1)
    assert attempt["size"] == 5000
