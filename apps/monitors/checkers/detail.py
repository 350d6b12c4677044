"""What happened in a run as JSON text (`base.CheckOutcome.detail`).

Nearly every run's is kept, as its schedule's newest passed one. So it is written as text at once: the same out of objects that an
encoder reads takes four times as long, and more than the rest of judging a check.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quoted

from apps.core.egress import EgressResponse, Timings
from apps.monitors.checkers.answer import Answer
from apps.monitors.checkers.attempts import Attempt, RequestRecord
from apps.monitors.checkers.redaction import MASK, Redactor, cut
from apps.monitors.checkers.spec import Verdict
from apps.monitors.confidential import is_secret_header, without_named

EXCERPT_LENGTH = 2_000
_HEADERS = 40
_HEADER_LENGTH = 200
_MESSAGE_LENGTH = 400
_URL_LENGTH = 1_000
# Their names speak of credentials, and they hold none.
_PLAIN_HEADERS = frozenset({"access-control-allow-credentials"})
# Most lines of an answer are those of the one before. Longer ones are not remembered.
_KNOWN_LINES = 8192
_KNOWN_LENGTH = 500

_NOT_SENT = (
    '"status":null,"http_version":"","redirects":0,"remote_address":"","error":null,"timings":null,'
    '"size":0,"truncated":false,"certificate_expires_at":null,"headers":[],"body":null'
)
_TIMINGS = '{"dns_ms":%.2f,"connect_ms":%.2f,"tls_ms":%.2f,"first_byte_ms":%.2f,"total_ms":%.2f}'
_BOOL = ("false", "true")


def run_detail(
    records: Sequence[RequestRecord], redactor: Redactor, *, bodies: bool = False
) -> str:
    """Return the JSON object of a run's requests. `bodies`: of what passed as well."""
    return f'{{"requests":{_list(_request(record, redactor, bodies) for record in records)}}}'


def _request(record: RequestRecord, redactor: Redactor, bodies: bool) -> str:
    spec = record.spec
    return (
        f'{{"name":{quoted(redactor.mask(spec.name))},"method":{quoted(spec.method)},"state":"{record.state}",'
        f'"attempts":{_list(_attempt(attempt, redactor, bodies) for attempt in record.attempts)}}}'
    )


def _attempt(attempt: Attempt, redactor: Redactor, bodies: bool) -> str:
    failure, response = attempt.failure, attempt.response
    state = "passed" if failure is None else "failed"
    message = "" if failure is None else cut(redactor.mask(failure.message), _MESSAGE_LENGTH)
    url = cut(redactor.mask_url(attempt.url), _URL_LENGTH)
    return (
        f'{{"state":"{state}","url":{quoted(url)},"message":{quoted(message)},'
        f'"assertions":{_list(_verdict(verdict, redactor) for verdict in attempt.verdicts)},'
        f'"extracted":{_list(map(quoted, attempt.extracted))},'
        f"{_NOT_SENT if response is None else _response(attempt, response, redactor, bodies)}}}"
    )


def _verdict(verdict: Verdict, redactor: Redactor) -> str:
    actual = f',"actual":{quoted(redactor.mask(verdict.actual))}' if verdict.actual else ""
    return (
        f'{{"text":{quoted(verdict.text)},"passed":{_BOOL[verdict.passed]},'
        f'"message":{quoted(redactor.mask(verdict.message))}{actual}}}'
    )


def _response(attempt: Attempt, response: EgressResponse, redactor: Redactor, bodies: bool) -> str:
    expires = response.certificate_expires_at
    error, body = "null", "null"
    if response.error is not None:
        message = cut(redactor.mask(response.error.message), _MESSAGE_LENGTH)
        error = f'{{"code":{quoted(response.error.code)},"message":{quoted(message)}}}'
    if (bodies or attempt.failure is not None) and response.status is not None:
        body = quoted(_excerpt(response, redactor))
    return (
        f'"status":{"null" if response.status is None else response.status},'
        f'"http_version":"{response.http_version}","redirects":{response.redirects},'
        f'"remote_address":{quoted(response.remote_address)},"error":{error},"timings":{_timings(response.timings)},'
        f'"size":{len(response.body)},"truncated":{_BOOL[response.body_truncated]},'
        f'"certificate_expires_at":{"null" if expires is None else quoted(expires.isoformat())},'
        f'"headers":[{_headers(response, redactor)}],"body":{body}'
    )


def _timings(spent: Timings) -> str:
    return _TIMINGS % (
        spent.dns_ms,
        spent.connect_ms,
        spent.tls_ms,
        spent.first_byte_ms,
        spent.total_ms,
    )


def _headers(response: EgressResponse, redactor: Redactor) -> str:
    """Return the fields, masked and cut."""
    lines = response.header_lines
    if redactor.is_empty and lines and max(map(len, lines)) <= _KNOWN_LENGTH:
        known = [_field_of_line(line) for line in lines]
        if None not in known:
            return ",".join([field for field in known if field][:_HEADERS])
    return ",".join(
        [
            _field(redactor.mask(name), redactor.mask(value))
            for name, value in response.headers[:_HEADERS]
        ]
    )


@lru_cache(maxsize=_KNOWN_LINES)
def _field_of_line(line: bytes) -> str | None:
    """Return what a header line says as `EgressResponse.headers` reads it; "" for no field, None for the rest of one."""
    text = line.decode("utf-8", "replace")
    if text[:1] in (" ", "\t"):
        return None
    name, colon, value = text.partition(":")
    return _field(name.strip(), value.strip()) if colon else ""


def _field(name: str, value: str) -> str:
    # Credentials by their nature, whether or not a variable held them.
    is_hidden = is_secret_header(name) and name.lower() not in _PLAIN_HEADERS
    shown = MASK if is_hidden else cut(value, _HEADER_LENGTH)
    return f"[{quoted(cut(name, _HEADER_LENGTH))},{quoted(shown)}]"


def _excerpt(response: EgressResponse, redactor: Redactor) -> str:
    """Return the beginning of a failed attempt's body. All of it is masked before it is cut."""
    masked = redactor.mask(Answer(response).excerpt(len(response.body)))
    # Values that are credentials by their names are hidden in what is shown, and some way behind it.
    return cut(without_named(masked[: 2 * EXCERPT_LENGTH], MASK), EXCERPT_LENGTH)


def _list(items: Iterable[str]) -> str:
    return f"[{','.join(items)}]"
