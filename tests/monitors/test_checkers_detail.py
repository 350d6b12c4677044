"""What is kept of a run, as JSON text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.egress import EgressResponse, Timings
from apps.monitors.checkers.attempts import Attempt, Cause, Failure, RequestRecord
from apps.monitors.checkers.detail import run_detail
from apps.monitors.checkers.redaction import MASK, Redactor
from apps.monitors.checkers.spec import RequestSpec, Verdict


def detail_of(attempt: Attempt, redactor: Redactor | None = None) -> dict[str, object]:
    record = RequestRecord(RequestSpec("Home", "http://a.test/"), attempts=[attempt])
    found: dict[str, object] = json.loads(run_detail([record], redactor or Redactor()))["requests"][
        0
    ]["attempts"][0]
    return found


def answered(*lines: bytes) -> Attempt:
    response = EgressResponse("http://a.test/", status=200, header_lines=lines)
    return Attempt(None, url=response.url, response=response)


def test_an_attempt_is_kept_with_all_that_is_known_of_it():
    response = EgressResponse(
        "http://a.test/",
        status=200,
        header_lines=(b"HTTP/1.1 200 OK\r\n", b"Server: x\r\n", b"\r\n"),
        body=b"four",
        http_version="1.1",
        timings=Timings(1.005, 2.0, 0.0, 3.14159, 7.5),
        remote_address="127.0.0.1:80",
    )
    verdict = Verdict('body contains "a"', False, 'got "four"')
    failure = Failure(Cause.ANSWER, 'expected "a"')

    found = detail_of(Attempt(failure, response.url, response, (verdict,), ("token",)))

    assert found == {
        "state": "failed",
        "url": "http://a.test/",
        "message": 'expected "a"',
        "assertions": [{"text": 'body contains "a"', "passed": False, "message": 'got "four"'}],
        "extracted": ["token"],
        "status": 200,
        "http_version": "1.1",
        "redirects": 0,
        "remote_address": "127.0.0.1:80",
        "error": None,
        "timings": {
            "dns_ms": round(1.005, 2),
            "connect_ms": 2.0,
            "tls_ms": 0.0,
            "first_byte_ms": 3.14,
            "total_ms": 7.5,
        },
        "size": 4,
        "truncated": False,
        "certificate_expires_at": None,
        "headers": [["Server", "x"]],
        "body": "four",
    }


def test_a_request_that_was_not_sent_has_the_same_keys():
    sent = detail_of(answered(b"a: b\r\n"))

    unsent = detail_of(Attempt(Failure(Cause.UNSET, "the variable x is not set")))

    assert unsent.keys() == sent.keys()
    assert unsent["timings"] is None


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"Set-Cookie: id=5\r\n", ["Set-Cookie", MASK]),
        (b"Authorization : Basic eA==\r\n", ["Authorization", MASK]),
        (b"X: " + b"y" * 201 + b"\r\n", ["X", "y" * 199 + "…"]),
        (b"X: " + b"y" * 900 + b"\r\n", ["X", "y" * 199 + "…"]),
        (b'X: "\\\xc3\xbc\xff\r\n', ["X", '"\\ü\ufffd']),
    ],
)
def test_a_header_is_masked_by_its_nature_and_cut(line: bytes, shown: list[str]):
    assert detail_of(answered(line))["headers"] == [shown]


def test_a_header_that_goes_on_in_a_further_line_is_whole():
    found = detail_of(answered(b"X: one\r\n", b" two\r\n", b"Y: z\r\n"))

    assert found["headers"] == [["X", "one two"], ["Y", "z"]]


@given(
    st.lists(
        st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"") + b"\r\n"), max_size=5
    )
)
def test_headers_are_kept_as_they_are_read(lines: list[bytes]):
    attempt = answered(*lines)
    assert attempt.response is not None

    found = detail_of(attempt)

    assert found["headers"] == [list(field) for field in attempt.response.headers]


def test_a_secret_in_a_header_is_masked():
    found = detail_of(answered(b"X-Echo: hunter22\r\n"), Redactor(["hunter22"]))

    assert found["headers"] == [["X-Echo", MASK]]
