"""The seam between the engine and a kind of monitor.

A session is a state machine: it says what to send, is told the answer, and says what is next. It does no
input or output itself and asks no clock, so the engine's transfer thread only moves bytes, and every rule
of a run is tested with values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from django import forms

from apps.core.egress import EgressRequest, EgressResponse
from apps.monitors.checkers.spec import MonitorSpec

Result = Literal["passed", "failed", "error"]


@dataclass(frozen=True)
class CheckOutcome:
    """What came of a run.

    `reason` (at most 300 characters, empty when passed) is for staff, without secrets. `response_time_ms` sums
    the answered requests, `slowest_request_ms` is the longest; None when nothing answered. `transport_failure`: it failed
    because no answer came, and for no other reason (the way there may be at fault). `error`: the platform could
    not make the run. `detail_json` is the text of:

        {"requests": [{"name", "method", "state": "passed" | "failed" | "not_run",
                       "attempts": [{"state", "message": why it failed, "url", "status": int | null,
                                     "http_version", "redirects", "remote_address",
                                     "error": {"code", "message"} | null,
                                     "timings": {"dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms"}
                                                | null when it was not sent,
                                     "size", "truncated", "certificate_expires_at": ISO 8601 | null,
                                     "assertions": [{"text", "passed", "message"}],
                                     "extracted": [names], "headers": [[name, value]], "body": excerpt | null}]}]}

    A run that is told in full (`MonitorSpec`) has the bodies of what passed too, and `actual` in the assertions that passed.

    Values of secret variables and values taken from answers are masked everywhere in it.
    """

    result: Result
    reason: str = ""
    response_time_ms: int | None = None
    slowest_request_ms: int | None = None
    transport_failure: bool = False
    detail_json: str = "{}"

    @property
    def detail(self) -> dict[str, Any]:
        """The record, read."""
        found: dict[str, Any] = json.loads(self.detail_json)
        return found


@dataclass(frozen=True)
class Send:
    """Make this request, `delay_s` from now, and hand its answer to `Session.receive`.

    `position` is that of the monitor's request it belongs to, from 0.
    """

    request: EgressRequest
    delay_s: float = 0.0
    position: int = 0


@dataclass(frozen=True)
class Done:
    """The run is over."""

    outcome: CheckOutcome


Step = Send | Done


class Session(Protocol):
    """One run. `now` is monotonic seconds, from the same clock in every call; it bounds the run."""

    def first(self, now: float) -> Step: ...

    def receive(self, response: EgressResponse, now: float) -> Step: ...

    def mask(self, text: str) -> str:
        """Return the text without what is secret in this run, as far as it is known by now."""
        ...


class Checker(Protocol):
    """A kind of monitor. `config_form` validates its settings for the admin, the API and the configuration file."""

    kind: str
    label: str
    config_form: type[forms.Form]
    secret_fields: frozenset[str]

    def begin(self, spec: MonitorSpec) -> Session: ...
