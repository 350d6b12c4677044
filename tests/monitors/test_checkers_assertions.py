"""What an answer must be: every source with the operators that fit it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.checkers.operators import as_number, holds, same
from tests.monitors.checker_support import NOW, answer, expecting, judged

JSON = {
    "state": "accepted",
    "count": 2,
    "ratio": 1.0,
    "ok": True,
    "none": None,
    "empty": "",
    "tags": ["a", "b"],
    "items": [{"id": 1, "price": 5}, {"id": 2, "price": 9}],
    "one": [{"id": 7}],
    "user": {"name": "Zoë", "roles": {"admin": True}},
}


@pytest.mark.parametrize(
    ("path", "operator", "value", "passed"),
    [
        ("$.state", "equals", "accepted", True),
        ("$.state", "equals", "Accepted", False),
        ("$.count", "equals", 2, True),
        ("$.count", "equals", 2.0, True),
        ("$.count", "equals", "2", False),
        ("$.count", "equals", True, False),
        ("$.ok", "equals", True, True),
        ("$.ok", "equals", 1, False),
        ("$.none", "equals", None, True),
        ("$.user", "equals", {"roles": {"admin": True}, "name": "Zoë"}, True),
        ("$.user", "equals", {"name": "Zoë"}, False),
        ("$.tags", "equals", ["a", "b"], True),
        ("$.tags", "equals", ["b", "a"], False),
        ("$.state", "not_equals", "failed", True),
        ("$.state", "not_equals", "accepted", False),
        ("$.missing", "equals", "x", False),
        ("$.missing", "not_equals", "x", True),
        ("$.missing", "not_contains", "x", True),
        ("$.missing", "less_than", 5, False),
        ("$.count", "less_than", 3, True),
        ("$.count", "less_than", 2, False),
        ("$.count", "at_most", 2, True),
        ("$.count", "greater_than", 1.5, True),
        ("$.count", "at_least", 3, False),
        ("$.state", "less_than", 5, False),
        ("$.ok", "less_than", 5, False),
        ("$.state", "contains", "cept", True),
        ("$.tags", "contains", "a", True),
        ("$.tags", "contains", "c", False),
        ("$.tags", "not_contains", "c", True),
        ("$.user", "contains", {"name": "Zoë"}, True),
        ("$.count", "contains", 2, False),
        ("$.count", "not_contains", 2, False),
        ("$.state", "matches", "^acc", True),
        ("$.count", "matches", r"^\d$", True),
        ("$.user", "matches", "Zo", False),
        ("$.state", "in", ["accepted", "done"], True),
        ("$.count", "in", ["2"], False),
        ("$.none", "exists", None, True),
        ("$.empty", "exists", None, True),
        ("$.missing", "exists", None, False),
        ("$.missing", "not_exists", None, True),
        ("$.none", "not_exists", None, False),
        ("$.items[*].id", "equals", [1, 2], True),
        ("$.items[*].id", "contains", 2, True),
        ("$.items[*].id", "less_than", 5, False),
        ("$.one[*].id", "equals", 7, True),
        ("$.one[*].id", "equals", [7], True),
        ("$.one[*].id", "not_equals", 7, False),
        ("$.items[?@.price > 6].id", "equals", 2, True),
        ("$..nothing", "exists", None, False),
    ],
)
def test_json_values_are_compared_deeply_and_by_type(
    path: str, operator: str, value: Any, passed: bool
) -> None:
    verdict = judged(expecting("json", operator, value, path=path), answer(JSON))

    assert verdict["passed"] is passed, verdict
    assert bool(verdict["message"]) is not passed


@pytest.mark.parametrize(
    ("assertion", "passed"),
    [
        (expecting("status", "equals", 200), True),
        (expecting("status", "equals", "200"), True),
        (expecting("status", "in", [200, 201]), True),
        (expecting("status", "in", ["201"]), False),
        (expecting("status", "less_than", 200), False),
        (expecting("status", "matches", "^2"), True),
        (expecting("status", "exists"), True),
        (expecting("response_time_ms", "less_than", 12.5), True),
        (expecting("response_time_ms", "less_than", 12), False),
        (expecting("header", "contains", "json", name="content-type"), True),
        (expecting("header", "equals", "5", name="X-Count"), True),
        (expecting("header", "equals", 5, name="x-count"), True),
        (expecting("header", "greater_than", 4, name="x-count"), True),
        (expecting("header", "greater_than", 4, name="content-type"), False),
        (expecting("header", "exists", name="X-Nope"), False),
        (expecting("header", "not_exists", name="X-Nope"), True),
        (expecting("header", "not_equals", "x", name="X-Nope"), True),
        (expecting("header", "matches", "^app.*json$", name="Content-Type"), True),
        (expecting("body", "contains", "Welcome"), True),
        (expecting("body", "not_contains", "error"), True),
        (expecting("body", "equals", '"Welcome ü"'), True),
        (expecting("body", "matches", r"W\w+ \p{Ll}"), True),
        (expecting("body", "exists"), True),
        (expecting("certificate_days_left", "exists"), False),
        (expecting("certificate_days_left", "at_least", 5), False),
    ],
)
def test_the_other_sources(assertion: Any, passed: bool) -> None:
    response = answer(
        '"Welcome ü"', headers=(("Content-Type", "application/json"), ("X-Count", "5"))
    )

    assert judged(assertion, response)["passed"] is passed


def test_certificate_days_are_whole_days_from_the_answer() -> None:
    response = answer(certificate_expires_at=NOW + timedelta(days=13, hours=23))

    verdict = judged(expecting("certificate_days_left", "at_least", 14), response)

    assert verdict == {
        "text": "certificate_days_left is at least 14",
        "passed": False,
        "message": "got 13",
    }


def test_a_body_is_read_in_its_declared_charset() -> None:
    response = answer(
        "grün".encode("latin-1"), headers=(("Content-Type", "text/html; charset=ISO-8859-1"),)
    )

    assert judged(expecting("body", "equals", "grün"), response)["passed"]


@pytest.mark.parametrize("charset", ["zlib", "rot13", "idna", "nonsense", "unicode_escape"])
def test_a_charset_that_is_none_for_text_is_read_as_utf8(charset: str) -> None:
    response = answer("grün", headers=(("Content-Type", f"text/html; charset={charset}"),))

    assert judged(expecting("body", "equals", "grün"), response)["passed"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "the body is not JSON (text/html)"),
        (b"", "the body is empty, not JSON"),
        (b"[" * 100_000, "the body is JSON nested too deeply"),
        (b'{"a": NaN}', "the body is not JSON (text/html)"),
        (b"1" * 5_000, "the body is not JSON (text/html)"),
    ],
)
def test_json_that_is_none_fails_with_the_reason(body: bytes, message: str) -> None:
    response = answer(body, headers=(("Content-Type", "text/html"),))

    for operator in ("exists", "not_exists", "not_equals"):
        verdict = judged(expecting("json", operator, "x", path="$.a"), response)
        assert (verdict["passed"], verdict["message"]) == (False, message)


def test_a_byte_order_mark_is_no_part_of_the_body() -> None:
    response = answer(b"\xef\xbb\xbf" + b'{"a": 1}')

    assert judged(expecting("json", "equals", 1, path="$.a"), response)["passed"]
    assert judged(expecting("body", "matches", "^{"), response)["passed"]


def test_a_pattern_that_runs_away_is_stopped_and_fails() -> None:
    response = answer("a" * 40 + "b")

    verdict = judged(expecting("body", "matches", r"^(a|a|aa)+$"), response)

    assert not verdict["passed"]


def test_a_path_that_visits_too_much_is_stopped_and_fails() -> None:
    document = [[list(range(30)) for _ in range(60)] for _ in range(60)]

    verdict = judged(expecting("json", "exists", path="$..*..*"), answer(document))

    assert not verdict["passed"]
    assert "visits more than" in verdict["message"]


def test_a_body_that_was_cut_is_not_judged_by_its_beginning() -> None:
    response = replace(answer("x" * 100), body_truncated=True)

    verdict = judged(expecting("body", "not_contains", "error"), response)

    assert verdict["message"] == "the body was not read whole"


def test_a_variable_in_an_assertion_is_filled_in_and_shown_by_name() -> None:
    verdict = judged(
        expecting("json", "equals", "{{expected}}", path="$.{{field}}"),
        answer({"state": "closed"}),
        variables={"expected": "open", "field": "state"},
    )

    assert verdict["text"] == 'json $.{{field}} equals "{{expected}}"'
    assert verdict["message"] == 'got "closed"'


def test_an_unset_variable_fails_the_assertion_and_is_named() -> None:
    verdict = judged(expecting("body", "contains", "{{nope}}"), answer())

    assert verdict["message"] == "the variable nope is not set"


def test_what_is_shown_is_cut() -> None:
    verdict = judged(expecting("body", "equals", "y" * 5_000), answer("x" * 5_000))

    assert len(verdict["message"]) < 150
    assert len(verdict["text"]) < 310


# Properties of the operators.

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from([0.0, 1.0, 2.5])
    | st.text(max_size=3)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_a_value_is_the_same_as_itself_and_one_of_a_list_with_it(value: Any) -> None:
    assert same(value, value)
    assert holds("in", value, [object(), value])


@given(VALUES, VALUES)
def test_sameness_goes_both_ways_and_tells_true_from_one(left: Any, right: Any) -> None:
    assert same(left, right) is same(right, left)
    if isinstance(left, bool) is not isinstance(right, bool):
        assert not same(left, right)


@given(VALUES, VALUES)
def test_a_negative_operator_is_the_contrary_of_its_positive(left: Any, right: Any) -> None:
    response = answer({"v": left})
    positive = judged(expecting("json", "equals", right, path="$.v"), response)
    negative = judged(expecting("json", "not_equals", right, path="$.v"), response)

    assert positive["passed"] is not negative["passed"]


@given(st.integers(-100, 100), st.integers(-100, 100))
def test_orders_agree_with_numbers(actual: int, expected: int) -> None:
    assert holds("less_than", actual, expected) is (actual < expected)
    assert holds("at_least", actual, expected) is not holds("less_than", actual, expected)
    assert holds("at_most", actual, expected) is not holds("greater_than", actual, expected)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_spelled_as_text_is_that_number(number: float) -> None:
    assert as_number(repr(number)) == number
