"""A run that a person waits for records what passed as well."""

from __future__ import annotations

from typing import Any

import pytest

from apps.monitors.checkers import ExtractionSpec
from tests.monitors.checker_support import answer, expecting, get, run, spec

CANARY = "s3cr3t-canary"


def _attempt(**options: Any) -> dict[str, Any]:
    request = get(
        assertions=(
            expecting("status", "less_than", 400),
            expecting("json", "exists", path="$.state"),
            expecting("header", "not_exists", name="X-Old"),
        )
    )
    reply = answer({"state": "ready", "key": CANARY}, headers=[("X-Auth-Token", "one-of-theirs")])
    outcome, _ = run(spec(request, secret_variables={"key": CANARY}, **options), [reply])
    found: dict[str, Any] = outcome.detail["requests"][0]["attempts"][0]
    return found


def test_bodies_and_findings_of_what_passed_are_told_when_somebody_waits():
    told = _attempt(is_told_in_full=True)

    assert told["body"] == '{"state": "ready", "key": "•••"}'
    assert [one["actual"] for one in told["assertions"]] == ["200", '"ready"', "no header X-Old"]


def test_bodies_of_what_passed_are_not_kept_otherwise():
    told = _attempt()

    assert told["body"] is None
    assert not any("actual" in one for one in told["assertions"])


def test_header_fields_named_after_credentials_are_masked():
    assert ["X-Auth-Token", "•••"] in _attempt()["headers"]


def test_what_an_assertion_found_is_masked_where_it_was_taken():
    request = get(
        assertions=(expecting("json", "exists", path="$.token"),),
        extractions=(ExtractionSpec("token", "json", path="$.token"),),
    )

    outcome, _ = run(spec(request, is_told_in_full=True), [answer({"token": CANARY})])

    assert CANARY not in outcome.detail_json


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"access_token": "one-of-theirs", "n": 1}', '{"access_token": "•••", "n": 1}'),
        ('{"apiKey":123456}', '{"apiKey":"•••"}'),
        ('{"password":"with \\" quote"}', '{"password":"•••"}'),
        ('{"a": ["token", "x"]}', '{"a": ["token", "x"]}'),
        ('{"tokens": {"n": 1}}', '{"tokens": {"n": 1}}'),
        ("a token: 12", "a token: 12"),
    ],
)
def test_values_named_after_credentials_are_hidden_in_bodies(body: str, shown: str):
    outcome, _ = run(spec(get(), is_told_in_full=True), [answer(body)])

    assert outcome.detail["requests"][0]["attempts"][0]["body"] == shown


def test_a_credential_that_is_cut_in_the_middle_is_hidden():
    body = '{"pad": "' + "x" * 1_960 + f'", "token": "{CANARY * 200}"}}'

    outcome, _ = run(spec(get(), is_told_in_full=True), [answer(body)])

    assert "s3cr" not in outcome.detail_json
