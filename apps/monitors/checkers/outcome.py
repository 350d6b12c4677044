"""From what happened in a run to its result, its reason and its record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from apps.core.egress import EgressResponse
from apps.monitors.checkers.answer import Answer
from apps.monitors.checkers.assertions import Verdict
from apps.monitors.checkers.base import CheckOutcome
from apps.monitors.checkers.redaction import MASK, Redactor, cut
from apps.monitors.checkers.spec import RequestSpec

REASON_LENGTH = 300
EXCERPT_LENGTH = 2_000
_HEADERS = 40
_HEADER_LENGTH = 200
_MESSAGE_LENGTH = 400
_URL_LENGTH = 1_000
# Credentials by their nature, whether or not a variable held them.
_HIDDEN_HEADERS = frozenset({"set-cookie", "set-cookie2", "authorization", "proxy-authorization"})

# A header field that is not shown as it is, as `name: value`.
_TO_SHORTEN = re.compile(
    rf"^(?:{'|'.join(_HIDDEN_HEADERS)}):|^.{{{_HEADER_LENGTH}}}", re.IGNORECASE | re.MULTILINE
)

_NOT_SENT: dict[str, Any] = {
    "status": None,
    "http_version": "",
    "redirects": 0,
    "remote_address": "",
    "error": None,
    "timings": None,
    "size": 0,
    "truncated": False,
    "certificate_expires_at": None,
    "headers": [],
    "body": None,
}


class Cause(Enum):
    """What a failure says about the target, and about us."""

    NETWORK = auto()  # no answer came; the way there may be at fault
    ANSWER = auto()  # an answer came, and is not what it should be
    REQUEST = auto()  # we would not send it
    UNSET = auto()  # a variable is missing, mostly for an earlier failure
    PLATFORM = auto()  # we could not send it


@dataclass(frozen=True)
class Failure:
    cause: Cause
    message: str


@dataclass(frozen=True)
class Attempt:
    """One try of a request. `response` is None when it was not sent."""

    failure: Failure | None
    url: str = ""
    response: EgressResponse | None = None
    verdicts: tuple[Verdict, ...] = ()
    extracted: tuple[str, ...] = ()


@dataclass(slots=True)
class RequestRecord:
    """A request and what came of it. The last attempt counts; none: it was not run."""

    spec: RequestSpec
    position: int = 0
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def failure(self) -> Failure | None:
        return self.attempts[-1].failure if self.attempts else None

    @property
    def state(self) -> str:
        if not self.attempts:
            return "not_run"
        return "passed" if self.failure is None else "failed"

    @property
    def answered_ms(self) -> float | None:
        """How long the counting attempt took, when it was answered."""
        response = self.attempts[-1].response if self.attempts else None
        return None if response is None or response.status is None else response.timings.total_ms


def make_outcome(
    records: list[RequestRecord], redactor: Redactor, *, run_limit_s: float | None
) -> CheckOutcome:
    """Sum up a run. `run_limit_s` is set when the limit ended it."""
    failures = [
        (record.spec.name, record.failure) for record in records if record.failure is not None
    ]
    times = [ms for record in records if (ms := record.answered_ms) is not None]
    causes = {failure.cause for _, failure in failures}
    if not records:
        return CheckOutcome("error", "the monitor has no requests", detail={"requests": []})
    if not failures and run_limit_s is None:
        result = "passed"
    elif Cause.PLATFORM in causes and causes <= {Cause.PLATFORM, Cause.UNSET}:
        result = "error"
    else:
        result = "failed"
    return CheckOutcome(
        result=result,  # type: ignore[arg-type]  # narrowed to three literals above
        reason=_reason(failures, records, redactor, run_limit_s),
        response_time_ms=round(sum(times)) if times else None,
        slowest_request_ms=round(max(times)) if times else None,
        transport_failure=Cause.NETWORK in causes and causes <= {Cause.NETWORK, Cause.UNSET},
        detail={"requests": [_request_detail(record, redactor) for record in records]},
    )


def _reason(
    failures: list[tuple[str, Failure]],
    records: list[RequestRecord],
    redactor: Redactor,
    run_limit_s: float | None,
) -> str:
    if failures:
        name, failure = failures[0]
        return cut(redactor.mask(f"{name}: {failure.message}"), REASON_LENGTH)
    if run_limit_s is None:
        return ""
    left = sum(not record.attempts for record in records)
    return f"the run limit of {run_limit_s:g} s was reached with {left} of {len(records)} requests not run"


def _request_detail(record: RequestRecord, redactor: Redactor) -> dict[str, Any]:
    return {
        "name": redactor.mask(record.spec.name),
        "method": record.spec.method,
        "state": record.state,
        "attempts": [_attempt_detail(attempt, redactor) for attempt in record.attempts],
    }


def _attempt_detail(attempt: Attempt, redactor: Redactor) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "state": "passed" if attempt.failure is None else "failed",
        "url": cut(redactor.mask_url(attempt.url), _URL_LENGTH),
        "message": ""
        if attempt.failure is None
        else cut(redactor.mask(attempt.failure.message), _MESSAGE_LENGTH),
        "assertions": [
            {**verdict.as_dict(), "message": redactor.mask(verdict.message)}
            for verdict in attempt.verdicts
        ],
        "extracted": list(attempt.extracted),
    }
    response = attempt.response
    if response is None:
        return detail | _NOT_SENT
    return (
        detail
        | _response_detail(response, redactor)
        | {"body": _excerpt(attempt, response, redactor)}
    )


def _response_detail(response: EgressResponse, redactor: Redactor) -> dict[str, Any]:
    error, timings, expires = response.error, response.timings, response.certificate_expires_at
    return {
        "status": response.status,
        "http_version": response.http_version,
        "redirects": response.redirects,
        "remote_address": response.remote_address,
        "error": None
        if error is None
        else {"code": error.code, "message": cut(redactor.mask(error.message), _MESSAGE_LENGTH)},
        "timings": {
            "dns_ms": round(timings.dns_ms, 2),
            "connect_ms": round(timings.connect_ms, 2),
            "tls_ms": round(timings.tls_ms, 2),
            "first_byte_ms": round(timings.first_byte_ms, 2),
            "total_ms": round(timings.total_ms, 2),
        },
        "size": len(response.body),
        "truncated": response.body_truncated,
        "certificate_expires_at": None if expires is None else expires.isoformat(),
        "headers": _headers_detail(response, redactor),
    }


def _headers_detail(response: EgressResponse, redactor: Redactor) -> Sequence[tuple[str, str]]:
    """Return the fields, masked and cut; one by one only when all together hold something to mask or to cut."""
    fields = response.headers[:_HEADERS]
    text = "\n".join(map(": ".join, fields))
    if redactor.mask(text) is text and _TO_SHORTEN.search(text) is None:
        return fields
    return [
        (
            cut(redactor.mask(name), _HEADER_LENGTH),
            MASK if name.lower() in _HIDDEN_HEADERS else cut(redactor.mask(value), _HEADER_LENGTH),
        )
        for name, value in fields
    ]


def _excerpt(attempt: Attempt, response: EgressResponse, redactor: Redactor) -> str | None:
    """Return the beginning of a failed attempt's body. All of it is masked before it is cut."""
    if attempt.failure is None or response.status is None:
        return None
    text = Answer(response).excerpt(len(response.body))
    return cut(redactor.mask(text), EXCERPT_LENGTH)
