"""What the tests of the checkers share: answers as values, and a run led through its steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from apps.core.egress import EgressError, EgressRequest, EgressResponse, Fault, Timings
from apps.monitors.checkers import (
    AssertionSpec,
    CheckOutcome,
    Done,
    MonitorSpec,
    RequestSpec,
    Send,
    get_checker,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def answer(
    body: object = b"ok",
    *,
    status: int = 200,
    headers: Sequence[tuple[str, str]] = (),
    total_ms: float = 12.0,
    **fields: Any,
) -> EgressResponse:
    """An answer. A body that is neither bytes nor text is sent as JSON."""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), (("Content-Type", "application/json"), *headers)
    lines = (b"HTTP/1.1 200 OK\r\n", *(f"{n}: {v}\r\n".encode() for n, v in headers))
    return EgressResponse(
        url="http://service.test/",
        status=status,
        header_lines=lines,
        body=body,
        timings=Timings(connect_ms=1.0, first_byte_ms=2.0, total_ms=total_ms),
        finished_at=NOW,
        **fields,
    )


def no_answer(code: str = "timeout", fault: Fault = Fault.NETWORK) -> EgressResponse:
    error = EgressError(code, f"no answer ({code})", fault)
    return EgressResponse(url="http://service.test/", error=error, finished_at=NOW)


def spec(*requests: RequestSpec, **options: Any) -> MonitorSpec:
    return MonitorSpec(requests=requests, **options)


def get(name: str = "Home", url: str = "http://service.test/", **options: Any) -> RequestSpec:
    return RequestSpec(name, url, **options)


def expecting(source: str, operator: str, value: Any = None, **place: str) -> AssertionSpec:
    return AssertionSpec(source=source, operator=operator, value=value, **place)


def run(
    monitor: MonitorSpec,
    reply: Callable[[EgressRequest, int], EgressResponse] | Sequence[EgressResponse],
    *,
    each_takes_s: float = 0.0,
) -> tuple[CheckOutcome, list[Send]]:
    """Lead a run to its end; `reply` gives the answer to each request, by order of sending."""
    session = get_checker("http").begin(monitor)
    sent: list[Send] = []
    now = 100.0
    step = session.first(now)
    while isinstance(step, Send):
        number = len(sent)
        sent.append(step)
        response = reply(step.request, number) if callable(reply) else reply[number]
        now += step.delay_s + each_takes_s
        step = session.receive(replace(response), now)
    assert isinstance(step, Done)
    return step.outcome, sent


def judged(assertion: AssertionSpec, response: EgressResponse, **options: Any) -> dict[str, Any]:
    """The verdict on one assertion, as recorded."""
    outcome, _ = run(spec(get(assertions=(assertion,)), **options), [response])
    verdict: dict[str, Any] = outcome.detail["requests"][0]["attempts"][0]["assertions"][0]
    return verdict
