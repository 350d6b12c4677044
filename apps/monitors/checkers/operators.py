"""Comparing what came with what was expected. Equality is deep and typed: "1" is not 1, true is not 1, 1.0 is 1."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from apps.monitors.checkers import patterns

EQUALITY = ("equals", "not_equals")
ORDER = ("less_than", "greater_than", "at_most", "at_least")
TEXT = ("contains", "not_contains", "matches")
PRESENCE = ("exists", "not_exists")
OPERATORS = (*EQUALITY, *ORDER, *TEXT, "in", *PRESENCE)

# Each negative operator is the contrary of its positive, also for what is absent.
NEGATIONS = {"not_equals": "equals", "not_contains": "contains", "not_exists": "exists"}

PHRASES = {
    "equals": "equals",
    "not_equals": "does not equal",
    "less_than": "is less than",
    "greater_than": "is greater than",
    "at_most": "is at most",
    "at_least": "is at least",
    "contains": "contains",
    "not_contains": "does not contain",
    "matches": "matches",
    "in": "is one of",
    "exists": "exists",
    "not_exists": "does not exist",
}


class Incomparable(ValueError):
    """The operator does not apply to this value."""


def same(left: Any, right: Any) -> bool:
    """Compare JSON values: numbers by value, everything else by type and content, objects in any order."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and bool(left == right)


def holds(operator: str, actual: Any, expected: Any) -> bool:
    """Apply a positive operator. Incomparable says why it does not apply, PatternError what is wrong with a pattern."""
    return _POSITIVE[operator](actual, expected)


def as_number(value: Any) -> int | float:
    """Return the number that a value is, or that its text spells. Incomparable when there is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            pass
        else:
            if number == number and abs(number) != float("inf"):
                return int(number) if number.is_integer() and abs(number) < 2**53 else number
    raise Incomparable(f"{describe(value)} is not a number")


def as_text(value: Any) -> str:
    """Return a text as it is, any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def describe(value: Any) -> str:
    """Name a value's type in plain words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "text"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "an object"
        case _:
            return "a number"


def _contains(actual: Any, expected: Any) -> bool:
    """Substring of a text, element of a list, sub-object of an object."""
    if isinstance(actual, str):
        return as_text(expected) in actual
    if isinstance(actual, list):
        return any(same(item, expected) for item in actual)
    if isinstance(actual, dict) and isinstance(expected, dict):
        return all(key in actual and same(actual[key], value) for key, value in expected.items())
    if isinstance(actual, dict):
        raise Incomparable("an object contains objects only")
    raise Incomparable(f"{describe(actual)} contains nothing")


def _matches(actual: Any, expected: Any) -> bool:
    if isinstance(actual, list | dict):
        raise Incomparable(f"{describe(actual)} is not text")
    return patterns.find(as_text(expected), as_text(actual)) is not None


def _is_in(actual: Any, expected: Any) -> bool:
    if not isinstance(expected, list):
        raise Incomparable(f"{describe(expected)} is not a list of values")
    return any(same(actual, item) for item in expected)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def apply(actual: Any, expected: Any) -> bool:
        if isinstance(actual, bool) or not isinstance(actual, int | float):
            raise Incomparable(f"{describe(actual)} is not a number")
        return compare(actual, as_number(expected))

    return apply


_POSITIVE: dict[str, Callable[[Any, Any], bool]] = {
    "equals": same,
    "less_than": _ordered(lambda actual, expected: bool(actual < expected)),
    "greater_than": _ordered(lambda actual, expected: bool(actual > expected)),
    "at_most": _ordered(lambda actual, expected: bool(actual <= expected)),
    "at_least": _ordered(lambda actual, expected: bool(actual >= expected)),
    "contains": _contains,
    "matches": _matches,
    "in": _is_in,
}
