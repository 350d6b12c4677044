"""A run of an HTTP monitor, step by step, with answers as values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.core.egress import EgressRequest, EgressResponse, Fault
from apps.monitors.checkers import AuthSpec, ExtractionSpec, RequestSpec, Send, get_checker
from tests.monitors.checker_support import (
    answer,
    expecting,
    get,
    no_answer,
    run,
    spec,
)

LOGIN = RequestSpec(
    "Log in",
    "{{base}}/login",
    "POST",
    json={"user": "demo", "password": "{{password}}"},
    auth=AuthSpec("none"),
    assertions=(expecting("status", "equals", 200),),
    extractions=(ExtractionSpec("token", "json", path="$.token"),),
)
ORDER = RequestSpec(
    "Create an order",
    "{{base}}/orders",
    "POST",
    auth=AuthSpec("bearer", token="{{token}}"),
    json={"count": 2},
    assertions=(expecting("status", "in", [200, 201]),),
)
SHOP: dict[str, Any] = {
    "variables": {"base": "http://shop.test"},
    "secret_variables": {"password": "hunter2-secret"},
}


def _attempts(outcome: Any, request: int = 0) -> list[dict[str, Any]]:
    attempts: list[dict[str, Any]] = outcome.detail["requests"][request]["attempts"]
    return attempts


def test_a_value_from_one_answer_is_sent_with_the_next_request() -> None:
    outcome, sent = run(
        spec(LOGIN, ORDER, **SHOP),
        [answer({"token": "tok-98765"}, total_ms=30), answer(status=201, total_ms=20)],
    )

    assert outcome.result == "passed"
    assert outcome.reason == ""
    assert (outcome.response_time_ms, outcome.slowest_request_ms) == (50, 30)
    assert sent[0].request.body == b'{"user":"demo","password":"hunter2-secret"}'
    assert ("Content-Type", "application/json") in sent[0].request.headers
    assert ("Authorization", "Bearer tok-98765") in sent[1].request.headers
    assert _attempts(outcome)[0]["extracted"] == ["token"]


def test_no_secret_and_no_extracted_value_is_recorded_in_any_spelling() -> None:
    secret = 'p"w/ 1&'
    monitor = spec(
        LOGIN,
        get(
            "Echo",
            "{{base}}/?p={{password}}&t={{token}}",
            assertions=(expecting("body", "equals", "{{password}}{{token}}"),),
        ),
        variables={"base": "http://shop.test"},
        secret_variables={"password": secret},
    )

    def reply(request: EgressRequest, number: int) -> EgressResponse:
        if number == 0:
            return answer({"token": "tok-98765"}, headers=(("Set-Cookie", "sid=abcdef"),))
        echo = f"{request.url} {secret} {json.dumps(secret)} tok-98765"
        headers = (("X-Echo", "tok-98765"), ("Location", request.url))
        return answer(echo, status=500, headers=headers)

    outcome, _ = run(monitor, reply)

    recorded = json.dumps(outcome.detail) + json.dumps(outcome.detail, ensure_ascii=False)
    recorded += outcome.reason
    assert outcome.result == "failed"
    for spelling in ("tok-98765", "p%22w", 'p"w', 'p\\"w', 'p\\\\"w', "abcdef"):
        assert spelling not in recorded
    assert "•••" in outcome.detail["requests"][1]["attempts"][0]["body"]


@pytest.mark.parametrize(
    "auth",
    [
        AuthSpec("basic", username="me", password="typed-in"),
        AuthSpec("bearer", token="typed-in"),
        AuthSpec("api_key", key="X-Key", value="typed-in"),
        AuthSpec("api_key", key="key", value="typed-in", location="query"),
    ],
)
def test_credentials_typed_into_a_request_are_not_recorded(auth: AuthSpec) -> None:
    def reply(request: EgressRequest, _: int) -> EgressResponse:
        return answer(f"{request.url} {dict(request.headers)} typed-in", status=500)

    outcome, _ = run(spec(get(auth=auth)), reply)

    recorded = json.dumps(outcome.detail)
    assert "typed-in" not in recorded
    assert "bWU6dHlwZWQtaW4" not in recorded


@pytest.mark.parametrize(
    ("auth", "header", "url"),
    [
        (AuthSpec("basic", username="me", password="ü"), ("Authorization", "Basic bWU6w7w="), ""),
        (AuthSpec("bearer", token="t"), ("Authorization", "Bearer t"), ""),
        (AuthSpec("api_key", key="X-Key", value="k"), ("X-Key", "k"), ""),
        (
            AuthSpec("api_key", key="api key", value="a&b", location="query"),
            None,
            "&api%20key=a%26b",
        ),
    ],
)
def test_each_authentication_is_sent_its_way(
    auth: AuthSpec, header: tuple[str, str] | None, url: str
) -> None:
    _, sent = run(spec(get(url="http://service.test/?x=1#part", auth=auth)), [answer()])

    if header is not None:
        assert header in sent[0].request.headers
        assert header[0].lower() in sent[0].request.credential_headers
    else:
        assert sent[0].request.url == f"http://service.test/?x=1{url}"


def test_an_authorization_header_written_by_hand_wins() -> None:
    request = get(headers=(("authorization", "Digest x"),), auth=AuthSpec("bearer", token="t"))

    _, sent = run(spec(request), [answer()])

    assert sent[0].request.headers == (("authorization", "Digest x"),)


def test_headers_that_hold_a_secret_are_marked_not_to_follow_to_another_origin() -> None:
    request = get(headers=(("X-Key", "{{key}}"), ("X-Plain", "p")))

    _, sent = run(spec(request, secret_variables={"key": "k"}), [answer()])

    assert sent[0].request.credential_headers == frozenset({"x-key"})


def test_an_unset_variable_is_not_sent_and_is_named_and_the_run_goes_on() -> None:
    outcome, sent = run(spec(get("A", "http://a.test/{{nope}}"), get("B")), [answer()])

    assert outcome.result == "failed"
    assert outcome.reason == "A: the variable nope is not set, so it was not sent"
    assert not outcome.transport_failure
    assert [send.request.url for send in sent] == ["http://service.test/"]
    assert _attempts(outcome)[0]["status"] is None
    assert outcome.detail["requests"][1]["state"] == "passed"


def test_all_requests_run_after_a_failure_and_the_first_failure_is_the_reason() -> None:
    outcome, sent = run(
        spec(get("A"), get("B"), get("C")), [answer(status=503), no_answer(), answer()]
    )

    assert len(sent) == 3
    assert outcome.result == "failed"
    assert outcome.reason == "A: expected status is less than 400: got 503"
    assert [each["state"] for each in outcome.detail["requests"]] == ["failed", "failed", "passed"]
    assert _attempts(outcome, 1)[0]["error"]["code"] == "timeout"


def test_without_assertions_a_status_below_400_passes() -> None:
    results = [run(spec(get()), [answer(status=s)])[0].result for s in (200, 399, 400, 500)]

    assert results == ["passed", "passed", "failed", "failed"]


def test_a_failed_extraction_fails_its_request_with_the_reason() -> None:
    outcome, sent = run(spec(LOGIN, ORDER, **SHOP), [answer({"other": 1})])

    assert len(sent) == 1
    assert outcome.reason == "Log in: nothing to extract for token: nothing at $.token"
    assert _attempts(outcome, 1)[0]["message"].startswith("the variable token is not set")


@pytest.mark.parametrize(
    ("extraction", "value"),
    [
        (ExtractionSpec("v", "json", path="$.n"), "5"),
        (ExtractionSpec("v", "json", path="$.o"), '{"a": 1}'),
        (ExtractionSpec("v", "json", path="$.l[*]"), "first"),
        (ExtractionSpec("v", "header", name="x-token"), "abc"),
        (ExtractionSpec("v", "body", pattern=r'"n": (\d)'), "5"),
        (ExtractionSpec("v", "body", pattern=r"fir\w+"), "first"),
    ],
)
def test_values_are_extracted_as_text(extraction: ExtractionSpec, value: str) -> None:
    body = {"n": 5, "o": {"a": 1}, "l": ["first", "second"]}

    _, sent = run(
        spec(get(extractions=(extraction,)), get(body="{{v}}", method="POST")),
        [answer(body, headers=(("X-Token", "abc"),)), answer()],
    )

    assert sent[1].request.body == value.encode()


def test_cookies_are_handed_from_answer_to_request_and_end_with_the_run() -> None:
    jar = ("shop.test\tFALSE\t/\tFALSE\t0\tsid\tabc",)
    monitor = spec(get("A"), get("B"))

    _, first = run(monitor, [answer(cookies=jar), answer(cookies=jar)])
    _, second = run(monitor, [answer(), answer()])

    assert [send.request.cookies for send in first] == [(), jar]
    assert second[0].request.cookies == ()


# Retries and limits.


def test_a_failed_request_is_repeated_after_the_delay_and_both_attempts_are_kept() -> None:
    outcome, sent = run(
        spec(get(), retries=2, retry_delay_s=1.5), [answer(status=500), answer(total_ms=7)]
    )

    assert outcome.result == "passed"
    assert [send.delay_s for send in sent] == [0.0, 1.5]
    assert [attempt["state"] for attempt in _attempts(outcome)] == ["failed", "passed"]
    assert outcome.response_time_ms == 7


def test_retries_end_and_the_last_attempt_counts() -> None:
    outcome, sent = run(spec(get(), retries=1), [answer(status=500), answer(status=502)])

    assert len(sent) == 2
    assert outcome.reason == "Home: expected status is less than 400: got 502"


def test_what_we_would_not_send_is_not_repeated() -> None:
    refused = no_answer("address_refused", Fault.REQUEST)

    outcome, sent = run(spec(get(), retries=3), [refused])

    assert len(sent) == 1
    assert outcome.result == "failed"


def test_the_run_limit_ends_the_run_and_the_rest_is_not_run() -> None:
    monitor = spec(*(get(f"R{n}") for n in range(5)), run_limit_s=2.5)

    outcome, sent = run(monitor, lambda *_: answer(), each_takes_s=1.0)

    assert len(sent) == 3
    assert outcome.result == "failed"
    assert outcome.reason == "the run limit of 2.5 s was reached with 2 of 5 requests not run"
    states = [each["state"] for each in outcome.detail["requests"]]
    assert states == ["passed"] * 3 + ["not_run"] * 2


def test_a_requests_time_is_what_the_run_has_left() -> None:
    _, sent = run(
        spec(get("A"), get("B"), timeout_s=10, run_limit_s=12), lambda *_: answer(), each_takes_s=8
    )

    assert [send.request.timeout_s for send in sent] == [10, 4]


def test_a_retry_that_would_pass_the_run_limit_is_not_made() -> None:
    outcome, sent = run(
        spec(get("A"), get("B"), retries=5, retry_delay_s=30, run_limit_s=20), [answer(status=500)]
    )

    assert len(sent) == 1
    assert outcome.detail["requests"][1]["state"] == "not_run"


# Whose fault it is.


def test_a_run_without_any_answer_is_a_transport_failure() -> None:
    outcome, _ = run(spec(LOGIN, ORDER, **SHOP), [no_answer()])

    assert outcome.result == "failed"
    assert outcome.transport_failure
    assert outcome.response_time_ms is None
    assert outcome.slowest_request_ms is None


@pytest.mark.parametrize("other", [answer(status=500), no_answer("not_http", Fault.TARGET)])
def test_an_answer_that_is_wrong_is_never_a_transport_failure(other: EgressResponse) -> None:
    outcome, _ = run(spec(get("A"), get("B")), [no_answer(), other])

    assert outcome.result == "failed"
    assert not outcome.transport_failure


def test_what_the_platform_could_not_send_is_an_error_not_a_failure() -> None:
    outcome, sent = run(
        spec(LOGIN, ORDER, retries=2, **SHOP), [no_answer("no_slot", Fault.PLATFORM)]
    )

    assert len(sent) == 1
    assert outcome.result == "error"
    assert not outcome.transport_failure


def test_a_failed_assertion_before_a_platform_fault_is_still_a_failure() -> None:
    outcome, _ = run(
        spec(get("A"), get("B")), [answer(status=500), no_answer("stopped", Fault.PLATFORM)]
    )

    assert outcome.result == "failed"


def test_a_monitor_without_requests_cannot_be_run() -> None:
    outcome, sent = run(spec(), [])

    assert (outcome.result, sent) == ("error", [])


# Which hosts may be private.


@pytest.mark.parametrize(
    ("url", "extracted", "trusted"),
    [
        ("http://intra.test/a", "x", {"intra.test"}),
        ("{{base}}/a", "x", {"base.test"}),
        ("http://{{secret_host}}/", "x", {"secret.test"}),
        ("http://intra.test/{{v}}", "a/../b", {"intra.test"}),
        ("{{v}}", "http://intra.test/", set()),
        ("http://{{v}}/", "10.0.0.1", set()),
        ("http://intra{{v}}/", ".evil.test", set()),
        ("http://intra.test:{{v}}/", "6379", set()),
        ("http://intra.test{{v}}", "@10.0.0.1/", set()),
        ("http://user:{{v}}@intra.test/", "x@10.0.0.1/", set()),
        ("{{nested}}", "10.0.0.1", set()),
        ("{{shadowed}}", "http://10.0.0.1/", set()),
    ],
)
def test_a_host_is_trusted_only_if_the_configuration_alone_determines_it(
    url: str, extracted: str, trusted: set[str]
) -> None:
    names = ("v", "shadowed")
    first = get(
        "A", extractions=tuple(ExtractionSpec(name, "header", name="x-v") for name in names)
    )
    monitor = spec(
        first,
        get("B", url),
        variables={
            "base": "http://base.test",
            "nested": "http://{{v}}/",
            "shadowed": "http://intra.test/",
        },
        secret_variables={"secret_host": "secret.test"},
    )

    _, sent = run(monitor, [answer(headers=(("X-V", extracted),)), answer()])

    assert sent[1].request.trusted_hosts == frozenset(trusted)


def test_a_requests_trust_does_not_reach_to_another_request() -> None:
    _, sent = run(spec(get("A", "http://a.test/"), get("B", "http://b.test/")), lambda *_: answer())

    assert [send.request.trusted_hosts for send in sent] == [{"a.test"}, {"b.test"}]


# The record.


def test_the_record_can_be_kept_as_json_whatever_the_target_sent() -> None:
    body = b"\x00\xff\xed\xa0\x80 <\x00>" + "ü".encode() * 3_000

    outcome, _ = run(
        spec(
            get(
                assertions=(
                    expecting("json", "equals", 1, path="$.a"),
                    expecting("body", "equals", "x"),
                )
            )
        ),
        [
            answer(
                body,
                status=500,
                headers=(("X-A", "\x01\udcff".encode("utf-8", "replace").decode()),),
            )
        ],
    )

    recorded = json.dumps(outcome.detail, ensure_ascii=False)
    assert "\\u0000" not in json.dumps(outcome.detail)
    recorded.encode()
    assert len(_attempts(outcome)[0]["body"]) <= 2_000
    assert len(outcome.reason) <= 300


def test_a_passed_requests_body_is_not_recorded() -> None:
    outcome, _ = run(spec(get()), [answer("private")])

    assert _attempts(outcome)[0]["body"] is None


def test_a_key_written_into_a_header_is_not_recorded_where_the_answer_repeats_it() -> None:
    headers = (("X-Api-Key", "key-98765"), ("Authorization", "Token tok-98765"), ("X-Client", "me"))
    monitor = spec(get("Echo", headers=headers))

    outcome, _ = run(
        monitor, [answer({"key": "key-98765", "token": "tok-98765", "client": "me"}, status=500)]
    )

    assert "98765" not in json.dumps(outcome.detail)
    assert '"client": "me"' in outcome.detail["requests"][0]["attempts"][0]["body"]


def test_a_value_extracted_later_is_masked_in_what_was_recorded_before() -> None:
    monitor = spec(get("A"), get("B", extractions=(ExtractionSpec("sid", "header", name="X-Sid"),)))

    outcome, _ = run(
        monitor,
        [answer("session 1234567", status=500), answer(headers=(("X-Sid", "1234567"),))],
    )

    assert "1234567" not in json.dumps(outcome.detail)


def test_a_session_sends_nothing_before_it_is_asked() -> None:
    session = get_checker("http").begin(spec(get()))

    step = session.first(5.0)

    assert isinstance(step, Send)
    assert step.delay_s == 0
    with pytest.raises(RuntimeError):
        get_checker("http").begin(spec(get())).receive(answer(), 5.0)
