"""What a configuration may say, and what it is told when it says something else."""

from __future__ import annotations

from typing import Any

import pytest

from apps.monitors.checkers.assertions import SOURCES
from apps.monitors.checkers.forms import (
    AssertionForm,
    ExtractionForm,
    HTTPConfigForm,
    RequestForm,
)
from apps.monitors.checkers.validation import (
    check_assertion,
    check_extraction,
    check_request,
    check_requests,
    check_variables,
    operators_for,
)

REQUEST: dict[str, Any] = {"name": "Home", "url": "https://example.com/"}

FULL: dict[str, Any] = {
    "name": "Create an order",
    "method": "POST",
    "url": "{{base}}/orders",
    "auth": {"type": "bearer", "token": "{{token}}"},
    "headers": {"X-Client": "statusplatform", "X-{{n}}": "v"},
    "json": {"sku": "A-1", "count": 2},
    "assertions": [
        {"source": "status", "operator": "in", "value": [200, 201]},
        {"source": "json", "path": "$.state", "operator": "equals", "value": "accepted"},
        {"source": "header", "name": "content-type", "operator": "contains", "value": "json"},
        {"source": "response_time_ms", "operator": "less_than", "value": 1500},
        {"source": "body", "operator": "matches", "value": "^ok"},
        {"source": "certificate_days_left", "operator": "at_least", "value": 14},
        {"source": "json", "path": "$.{{field}}", "operator": "equals", "value": None},
        {"source": "status", "operator": "equals", "value": "{{code}}"},
        {"source": "header", "name": "x-a", "operator": "not_exists"},
    ],
    "extract": [
        {"variable": "id", "source": "json", "path": "$.id"},
        {"variable": "etag", "source": "header", "name": "ETag"},
        {"variable": "csrf", "source": "body", "pattern": 'value="([^"]+)"'},
    ],
}


@pytest.mark.parametrize(
    "data",
    [
        REQUEST,
        FULL,
        {**REQUEST, "url": "{{base}}"},
        {**REQUEST, "body": "text", "method": "PUT"},
        {**REQUEST, "json": None},
        {**REQUEST, "auth": {"type": "none"}},
        {**REQUEST, "auth": {"type": "basic", "username": "u", "password": ""}},
        {**REQUEST, "auth": {"type": "api_key", "key": "k", "value": "v", "in": "query"}},
    ],
)
def test_a_request_as_documented_is_accepted(data: dict[str, Any]) -> None:
    assert check_request(data) == []
    assert RequestForm(data).is_valid()


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        ({"name": ""}, "name", "is needed"),
        ({"name": 5}, "name", "must be text"),
        ({"url": ""}, "url", "is needed"),
        ({"url": "example.com"}, "url", "must begin with http://, https:// or a variable"),
        ({"url": "ftp://example.com"}, "url", "must begin with http://"),
        ({"url": "http://exa mple.com"}, "url", "characters that no host name has"),
        ({"url": "http://example.com/\n"}, "url", "line breaks"),
        ({"method": "GET /"}, "method", "one word, such as GET"),
        ({"headers": ["a"]}, "headers", "must be names with values"),
        ({"headers": {"X A": "1"}}, "headers.X A", "letters, digits and hyphens"),
        ({"headers": {"X-A": 1}}, "headers.X-A", "must be text: write it in quotes"),
        ({"headers": {"X-A": "a\r\nb"}}, "headers.X-A", "line breaks"),
        ({"body": "x", "json": {}}, "body", "a request has one body"),
        ({"auth": {"type": "digest"}}, "auth.type", "none, basic, bearer, api_key"),
        ({"auth": {"type": "bearer"}}, "auth.token", "is needed"),
        (
            {"auth": {"type": "bearer", "token": "t", "user": "u"}},
            "auth.user",
            "allowed: type, token",
        ),
        (
            {"auth": {"type": "api_key", "key": "k", "value": "v", "in": "body"}},
            "auth.in",
            "header or query",
        ),
        ({"auth": {"type": "api_key", "key": "a b", "value": "v"}}, "auth.key", "header name"),
        ({"assertion": []}, "assertion", "allowed: name, method, url"),
        ({"assertions": {}}, "assertions", "must be a list"),
        ({"assertions": ["x"]}, "assertions[0]", "must be an assertion"),
        ({"assertions": [{"source": "size"}]}, "assertions[0].source", "must be one of status"),
        (
            {"extract": [{"variable": "a", "source": "cookie"}]},
            "extract[0].source",
            "must be one of header",
        ),
    ],
)
def test_a_wrong_request_is_refused_at_its_place_with_what_is_allowed(
    change: dict[str, Any], place: str, message: str
) -> None:
    problems = check_request({**REQUEST, **change})

    assert [where for where, _ in problems] == [place]
    assert message in problems[0][1]


@pytest.mark.parametrize(
    ("assertion", "place", "message"),
    [
        (
            {"source": "status", "operator": "contains", "value": 2},
            "operator",
            "must be one of equals",
        ),
        ({"source": "status", "operator": "is", "value": 2}, "operator", "for status"),
        ({"source": "status", "operator": "equals", "value": "ok"}, "value", "must be a number"),
        ({"source": "status", "operator": "equals"}, "value", "is needed"),
        ({"source": "status", "operator": "in", "value": 200}, "value", "list of at least one"),
        ({"source": "status", "operator": "in", "value": ["x"]}, "value", "list of numbers"),
        ({"source": "status", "operator": "exists", "value": 1}, "value", "left out"),
        ({"source": "body", "operator": "less_than", "value": "many"}, "value", "must be a number"),
        ({"source": "body", "operator": "contains", "value": ["a"]}, "value", "must be text"),
        (
            {"source": "body", "operator": "matches", "value": "("},
            "value",
            "not a regular expression",
        ),
        (
            {"source": "body", "operator": "matches", "value": 5},
            "value",
            "must be a regular expression",
        ),
        ({"source": "header", "operator": "exists"}, "name", "is needed"),
        ({"source": "header", "name": "a b", "operator": "exists"}, "name", "header name"),
        ({"source": "json", "operator": "exists"}, "path", "is needed"),
        ({"source": "json", "path": "state", "operator": "exists"}, "path", "must begin with $"),
        ({"source": "json", "path": "$.a[", "operator": "exists"}, "path", "not a JSONPath"),
        (
            {"source": "status", "path": "$.a", "operator": "equals", "value": 1},
            "path",
            "belongs to the source json",
        ),
    ],
)
def test_a_wrong_assertion_is_refused_with_what_is_allowed(
    assertion: dict[str, Any], place: str, message: str
) -> None:
    problems = check_assertion(assertion)

    assert [where for where, _ in problems] == [place]
    assert message in problems[0][1]
    assert not AssertionForm(assertion).is_valid()


@pytest.mark.parametrize(
    ("extraction", "place"),
    [
        ({"variable": "", "source": "json", "path": "$.a"}, "variable"),
        ({"variable": "{{a}}", "source": "json", "path": "$.a"}, "variable"),
        ({"variable": "a", "source": "json", "path": "a"}, "path"),
        ({"variable": "a", "source": "body"}, "pattern"),
        ({"variable": "a", "source": "body", "pattern": "["}, "pattern"),
        ({"variable": "a", "source": "header", "name": "x", "path": "$.a"}, "path"),
    ],
)
def test_a_wrong_extraction_is_refused(extraction: dict[str, Any], place: str) -> None:
    assert [where for where, _ in check_extraction(extraction)] == [place]
    assert place in ExtractionForm(extraction).errors


def test_a_form_keeps_values_as_they_were_typed() -> None:
    form = RequestForm(
        {
            **REQUEST,
            "assertions": [{"source": "json", "path": "$.n", "operator": "equals", "value": "200"}],
        }
    )

    assert form.is_valid()
    assert form.cleaned_data["assertions"][0]["value"] == "200"


def test_a_forms_errors_are_keyed_by_field_and_say_the_place_inside() -> None:
    form = RequestForm(
        {**REQUEST, "surprise": 1, "assertions": [{"source": "status", "operator": "is"}]}
    )

    assert not form.is_valid()
    assert form.errors["assertions"][0].startswith("[0].operator: must be one of")
    assert form.errors["__all__"][0].startswith("surprise: is not a key here")
    assert [place for place, _ in form.problems] == ["surprise", "assertions[0].operator"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": "10"}, "timeout_s"),
        ({"retries": 6}, "retries"),
        ({"retries": 1.5}, "retries"),
        ({"retries": True}, "retries"),
        ({"verify_tls": "no"}, "verify_tls"),
        ({"variables": {"a": 1}}, "variables.a"),
        ({"secret_variables": {"": "x"}}, "secret_variables"),
        ({"requests": []}, "requests"),
        ({"requests": [{**REQUEST, "url": "x"}]}, "requests[0].url"),
        ({"interval": 5}, "interval"),
    ],
)
def test_a_monitors_own_settings_are_checked_at_their_place(
    change: dict[str, Any], place: str
) -> None:
    form = HTTPConfigForm({"requests": [REQUEST], **change})

    assert not form.is_valid()
    assert [where for where, _ in form.problems] == [place]


def test_a_monitor_needs_a_request() -> None:
    assert check_requests([]) == [("", "must be a list of at least one request")]
    assert not HTTPConfigForm({}).is_valid()


def test_variables_are_names_with_texts() -> None:
    assert check_variables({"base": "http://a", "a b": "", "ü": "x"}) == []


def test_every_source_has_operators() -> None:
    assert all("equals" in operators_for(source) for source in SOURCES)
