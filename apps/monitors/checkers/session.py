"""One run of an HTTP monitor, as a state machine: what to send next, given what came back.

All requests are made, whatever fails. A failed request is repeated `retries` times; its last attempt counts and all are
recorded. The run limit ends the run where it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from apps.core.egress import EgressRequest, EgressResponse, Fault, host_of
from apps.monitors.checkers import assertions, auth
from apps.monitors.checkers.answer import Answer
from apps.monitors.checkers.attempts import Attempt, Cause, Failure, RequestRecord
from apps.monitors.checkers.base import Done, Send, Step
from apps.monitors.checkers.extract import NotFound, extract
from apps.monitors.checkers.outcome import make_outcome
from apps.monitors.checkers.redaction import Redactor
from apps.monitors.checkers.spec import UNSET, AssertionSpec, MonitorSpec, RequestSpec
from apps.monitors.checkers.substitute import Scope, TextTooLong, UnsetVariable
from apps.monitors.confidential import is_secret_header

# No host name has these, so a host that an answer has a say in is never equal to one written down.
_UNKNOWN = "<>"

_CAUSES = {
    Fault.NETWORK: Cause.NETWORK,
    Fault.TARGET: Cause.ANSWER,
    Fault.REQUEST: Cause.REQUEST,
    Fault.PLATFORM: Cause.PLATFORM,
}


class _NotSendable(Exception):
    """The request cannot be made."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(cause, message)


@dataclass(slots=True)
class HTTPSession:
    """The state of one run: see `base.Session`."""

    spec: MonitorSpec
    _scope: Scope = field(init=False)
    _redactor: Redactor = field(init=False)
    _records: list[RequestRecord] = field(init=False)
    _waiting: Iterator[RequestRecord] = field(init=False)
    _current: RequestRecord | None = field(init=False, default=None)
    _cookies: tuple[str, ...] = field(init=False, default=())
    _deadline: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        spec = self.spec
        self._scope = Scope(
            {**spec.variables, **spec.secret_variables}, frozenset(spec.secret_variables)
        )
        self._redactor = Redactor(self._secret_texts())
        self._records = [
            RequestRecord(request, position) for position, request in enumerate(spec.requests)
        ]
        self._waiting = iter(self._records)

    def first(self, now: float) -> Step:
        self._deadline = now + self.spec.run_limit_s
        return self._advance(now)

    def mask(self, text: str) -> str:
        return self._redactor.mask(text)

    def receive(self, response: EgressResponse, now: float) -> Step:
        record = self._current
        if record is None:
            raise RuntimeError("no request is under way")
        if response.status is not None:
            self._cookies = response.cookies
            for cookie in response.cookies:
                # The last field of libcurl's (Netscape's) line is the value.
                self._redactor.add_extracted(cookie.rpartition("\t")[2])
        attempt = self._judge(record.spec, response)
        record.attempts.append(attempt)
        if response.error is not None and response.error.fault is Fault.PLATFORM:
            return self._end()
        if self._may_repeat(record, attempt):
            delay_s = self.spec.retry_delay_s
            if now + delay_s >= self._deadline:
                return self._end(run_limit=True)
            try:
                return Send(self._request(record, now + delay_s), delay_s, record.position)
            except _NotSendable as error:
                record.attempts.append(Attempt(error.failure))
        return self._advance(now)

    def _advance(self, now: float) -> Step:
        """Go on with the next request that can be sent."""
        for record in self._waiting:
            if now >= self._deadline:
                return self._end(run_limit=True)
            self._current = record
            try:
                return Send(self._request(record, now), position=record.position)
            except _NotSendable as error:
                record.attempts.append(Attempt(error.failure, url=record.spec.url))
        return self._end()

    def _end(self, *, run_limit: bool = False) -> Done:
        self._current = None
        limit_s = self.spec.run_limit_s if run_limit else None
        return Done(
            make_outcome(
                self._records,
                self._redactor,
                run_limit_s=limit_s,
                is_told_in_full=self.spec.is_told_in_full,
            )
        )

    def _may_repeat(self, record: RequestRecord, attempt: Attempt) -> bool:
        return (
            attempt.failure is not None
            # What we would not send this time, we would not send next time.
            and attempt.failure.cause is not Cause.REQUEST
            and len(record.attempts) <= self.spec.retries
        )

    def _request(self, record: RequestRecord, now: float) -> EgressRequest:
        """Return what to send. What is the same in every run is made once. _NotSendable says why it cannot be."""
        is_same = (
            record.spec.is_literal
            and not self._cookies
            and self._deadline - now >= self.spec.timeout_s
        )
        if not is_same:
            return self._build(record.spec, now)
        built = self.spec.built.get(record.position)
        if built is None:
            built = self.spec.built[record.position] = self._build(record.spec, now)
        return built

    def _build(self, request: RequestSpec, now: float) -> EgressRequest:
        """Fill in a request's variables. _NotSendable says why it cannot be made."""
        scope = self._scope
        try:
            granted = auth.credentials(request.auth, scope)
            for secret in granted.secrets:
                self._redactor.add_secret(secret)
            url = auth.with_query(scope.text(request.url), granted.query)
            headers = [(scope.text(name), scope.text(value)) for name, value in request.headers]
            body = self._body(request)
        except UnsetVariable as error:
            raise _NotSendable(Cause.UNSET, f"{error}, so it was not sent") from None
        except TextTooLong as error:
            raise _NotSendable(Cause.REQUEST, str(error)) from None
        except UnicodeEncodeError:
            raise _NotSendable(Cause.REQUEST, "it holds text that is not Unicode") from None
        credential_headers = {
            scope.text(name).lower()
            for name, value in request.headers
            if scope.is_confidential(value)
        }
        given = {name.lower() for name, _ in headers}
        # Written by hand wins over what the authentication would set.
        if granted.header is not None and granted.header[0].lower() not in given:
            headers.append(granted.header)
            credential_headers.add(granted.header[0].lower())
        if request.json is not UNSET and "content-type" not in given:
            headers.append(("Content-Type", "application/json"))
        for name, value in headers:
            if name.lower() == "authorization":
                self._redactor.add_secret(value)
            if is_secret_header(name):
                self._redactor.add_extracted(value)
                # A key may come back without its scheme.
                self._redactor.add_extracted(value.rpartition(" ")[2])
        return EgressRequest(
            method=request.method,
            url=url,
            headers=tuple(headers),
            body=body,
            timeout_s=min(self.spec.timeout_s, max(0.001, self._deadline - now)),
            follow_redirects=self.spec.follow_redirects,
            verify_tls=self.spec.verify_tls,
            trusted_hosts=self._trusted_hosts(request, url),
            credential_headers=frozenset(credential_headers),
            cookies=self._cookies,
        )

    def _body(self, request: RequestSpec) -> bytes | None:
        if request.json is not UNSET:
            filled = self._scope.value(request.json)
            return json.dumps(filled, ensure_ascii=False, separators=(",", ":")).encode()
        return None if request.body is None else self._scope.text(request.body).encode()

    def _trusted_hosts(self, request: RequestSpec, url: str) -> frozenset[str]:
        """Return the host, if what staff configured determines it: an answer's value names no private address."""
        static = host_of(self._scope.static_text(request.url, _UNKNOWN))
        return frozenset({static}) if static is not None and static == host_of(url) else frozenset()

    def _judge(self, request: RequestSpec, response: EgressResponse) -> Attempt:
        """Judge an answer, and take from it what later requests need."""
        specs = request.assertions or assertions.DEFAULT
        answer = Answer(response)
        extracted, missing = self._extract(request, answer)
        # Before anything is written down: what was extracted shows in messages as a mask only.
        for value in extracted.values():
            self._redactor.add_extracted(value)
        verdicts = [
            assertions.judge(spec, answer, self._scope, self._redactor)
            if response.status is not None or _is_of_certificate(spec, answer)
            else assertions.unanswered(spec, self._redactor)
            for spec in specs
        ]
        if self.spec.is_told_in_full:
            verdicts = [
                replace(
                    verdict,
                    actual=assertions.found_by(spec, answer, self._scope, self._redactor),
                )
                if verdict.passed
                else verdict
                for spec, verdict in zip(specs, verdicts, strict=True)
            ]
        self._scope.extracted.update(extracted)
        failure = None
        failed = next((verdict for verdict in verdicts if not verdict.passed), None)
        if response.error is not None:
            message = response.error.message
            if response.error.code == "timeout" and self._was_cut_short(response):
                message = f"{message}, when the run limit was reached"
            failure = Failure(_CAUSES[response.error.fault], message)
        elif failed is not None:
            failure = Failure(Cause.ANSWER, f"expected {failed.text}: {failed.message}")
        elif missing is not None:
            failure = Failure(Cause.ANSWER, missing)
        return Attempt(
            failure,
            url=response.url,
            response=response,
            verdicts=tuple(verdicts),
            extracted=tuple(extracted),
        )

    def _was_cut_short(self, response: EgressResponse) -> bool:
        return response.timings.total_ms / 1000 < self.spec.timeout_s * 0.99

    def _extract(self, request: RequestSpec, answer: Answer) -> tuple[dict[str, str], str | None]:
        """Return the values by variable, and what the first missing one is missing."""
        if answer.response.status is None or answer.response.error is not None:
            return {}, None
        values: dict[str, str] = {}
        missing: str | None = None
        for spec in request.extractions:
            try:
                values[spec.variable] = extract(spec, answer, self._scope)
            except NotFound as error:
                missing = missing or f"nothing to extract for {spec.variable}: {error}"
        return values, missing

    def _secret_texts(self) -> list[str]:
        texts: list[str] = []
        for value in self.spec.secret_variables.values():
            texts.append(value)
            try:
                texts.append(self._scope.text(value))
            except (UnsetVariable, TextTooLong):
                continue
        return texts


def _is_of_certificate(spec: AssertionSpec, answer: Answer) -> bool:
    """Whether it is about a certificate that was shown: it is known also where it was refused."""
    return spec.source == "certificate_days_left" and answer.certificate_days_left is not None
