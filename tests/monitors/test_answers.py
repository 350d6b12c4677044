"""What the assertion builder offers of an answer selects what was clicked, and shows no secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.egress import EgressRequest, EgressResponse
from apps.monitors.answers import MAX_NODES, Node, seen_in, seen_in_attempt, tree_of
from apps.monitors.checkers import AuthSpec, ExtractionSpec, RequestSpec, jsonpaths
from apps.monitors.checkers.operators import same
from apps.monitors.checkers.redaction import Redactor
from apps.monitors.checkers.validation import check_assertion, check_extraction
from apps.monitors.trial import LIMIT_S, try_out
from tests.monitors.checker_support import answer, expecting, get, judged, no_answer, spec

CANARY = "s3cr3t-canary"

_KEYS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\b\t\n\f\r"), max_size=8
)
_DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)


def _at(document: Any, node: Node) -> Any:
    assert node.path is not None
    (value,) = jsonpaths.select(node.path, document)
    return value


@given(_DOCUMENTS)
def test_every_value_of_a_tree_is_found_by_its_path(document: Any):
    tree = tree_of(document, str)

    values = [_at(document, node) for node in _all(tree)]

    for node, value in zip(_all(tree), values, strict=True):
        assert node.assertion is not None
        assert check_assertion(node.assertion) == []
        assert check_extraction(node.extraction) == []
        if node.assertion["operator"] == "equals":
            assert same(node.assertion["value"], value)
    assert not any(node.left_out for node in _all(tree))


def test_a_name_that_no_path_can_hold_is_shown_without_one():
    (child,) = tree_of({"a\0b": 1}, str).children

    assert (child.path, child.assertion, child.extraction) == (None, None, None)


def test_a_large_document_is_cut_and_says_so():
    tree = tree_of({"rows": [{"n": n} for n in range(10_000)]}, str)

    nodes = list(_all(tree))

    assert len(nodes) <= MAX_NODES + 30
    assert sum(node.left_out for node in nodes) > 9_000


def test_a_deep_document_is_cut():
    document: Any = 1
    for _ in range(300):
        document = [document]

    assert len(list(_all(tree_of(document, str)))) < 30


@pytest.mark.parametrize(
    "document",
    [
        {"echo": CANARY},
        {"echo": f"it is {CANARY}!"},
        {CANARY: 1},
        {"access_token": "of-their-own-9"},
        {"nested": [{"apiKey": "of-their-own-9"}]},
        {"password": 12345678},
    ],
)
def test_secrets_are_masked_in_a_tree_by_value_and_by_name(document: Any):
    tree = tree_of(document, Redactor([CANARY]).mask)

    told = repr(asdict(tree))
    assert CANARY not in told
    assert "of-their-own-9" not in told
    assert "12345678" not in told


def test_a_masked_value_can_be_asserted_to_be_there_and_extracted():
    (token,) = tree_of({"access_token": "of-their-own-9"}, str).children

    assert token.assertion == {"source": "json", "path": "$.access_token", "operator": "exists"}
    assert token.extraction == {
        "variable": "access_token",
        "source": "json",
        "path": "$.access_token",
    }


def test_status_time_certificate_and_headers_become_assertions_that_hold():
    reply = answer(
        {"ok": True}, headers=[("X-Region", "eu"), ("Set-Cookie", f"sid={CANARY}")], total_ms=310.0
    )

    seen = seen_in(reply, str)

    rows = [part.assertion for part in (*seen.parts, *seen.headers)]
    assert rows == [
        {"source": "status", "operator": "equals", "value": 200},
        {"source": "response_time_ms", "operator": "less_than", "value": 1000},
        {
            "source": "header",
            "name": "Content-Type",
            "operator": "contains",
            "value": "application/json",
        },
        {"source": "header", "name": "X-Region", "operator": "equals", "value": "eu"},
        {"source": "header", "name": "Set-Cookie", "operator": "exists"},
    ]
    assert CANARY not in repr(seen)
    for row in rows:
        assert check_assertion(row) == []
        place = {key: value for key, value in row.items() if key in ("name", "path")}
        assertion = expecting(row["source"], row["operator"], row.get("value"), **place)
        assert judged(assertion, reply)["passed"]


def test_a_body_that_is_no_json_is_shown_as_text():
    seen = seen_in(answer(f"<h1>Hello {CANARY}</h1>"), Redactor([CANARY]).mask)

    assert (seen.tree, seen.text, seen.problem) == (None, "<h1>Hello •••</h1>", "")


def test_json_that_cannot_be_read_says_why():
    seen = seen_in(answer("{oops", headers=[("Content-Type", "application/json")]), str)

    assert seen.problem == "the body is not JSON (application/json)"


def test_no_answer_says_why():
    assert seen_in(no_answer(), str).problem == "no answer (timeout)"


def test_what_is_kept_of_a_run_is_shown_the_same_way():
    attempt = {
        "status": 200,
        "timings": {"total_ms": 12.0},
        "headers": [["X-Region", "eu"]],
        "body": '{"state": "ready"}',
    }

    seen = seen_in_attempt(attempt)
    cut = seen_in_attempt(attempt | {"body": '{"state": "rea…'})
    bare = seen_in_attempt(attempt | {"body": None})

    assert seen.tree is not None
    assert seen.tree.children[0].path == "$.state"
    assert (cut.tree, cut.text) == (None, '{"state": "rea…')
    assert "not kept" in bare.problem


def test_trying_out_sends_each_request_once_and_masks_what_it_learnt():
    sent: list[EgressRequest] = []

    def fetch(request: EgressRequest) -> EgressResponse:
        sent.append(request)
        return answer({"token": "t0k-of-theirs", "echo": CANARY}, status=500)

    first = RequestSpec(
        "Log in",
        "http://service.test/login",
        auth=AuthSpec("bearer", token="{{key}}"),
        extractions=(ExtractionSpec("token", "json", path="$.token"),),
    )
    monitor = spec(
        first,
        get(url="http://service.test/?t={{token}}"),
        secret_variables={"key": CANARY},
        retries=5,
        timeout_s=300,
        run_limit_s=900,
    )

    trial = try_out(monitor, fetch=fetch)

    assert [request.url for request in sent] == [
        "http://service.test/login",
        "http://service.test/?t=t0k-of-theirs",
    ]
    assert max(request.timeout_s for request in sent) <= LIMIT_S
    assert sorted(trial.answers) == [0, 1]
    assert trial.outcome.result == "failed"
    shown = repr(seen_in(trial.answers[1], trial.mask)) + trial.outcome.detail_json
    assert CANARY not in shown
    assert "t0k-of-theirs" not in shown


def test_trying_out_ends_at_its_limit():
    clock = iter([0.0, 25.0])
    monitor = spec(get("One"), get("Two"), run_limit_s=900)

    trial = try_out(monitor, fetch=lambda _: answer(), now=lambda: next(clock))

    assert sorted(trial.answers) == [0]
    assert "run limit of 20 s" in trial.outcome.reason
