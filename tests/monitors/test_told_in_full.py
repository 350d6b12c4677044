"""A run that a person waits for records what passed as well."""

from __future__ import annotations

from typing import Any

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
