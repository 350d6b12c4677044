"""What an answer must be. All assertions of a request are judged, whatever fails before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from apps.monitors.checkers import jsonpaths, operators
from apps.monitors.checkers.answer import Answer, Unreadable
from apps.monitors.checkers.operators import Incomparable
from apps.monitors.checkers.patterns import PatternError
from apps.monitors.checkers.redaction import SHOWN, Redactor, cut, shown
from apps.monitors.checkers.spec import AssertionSpec, Verdict
from apps.monitors.checkers.substitute import Scope, TextTooLong, UnsetVariable

NUMERIC_SOURCES = frozenset({"status", "response_time_ms", "certificate_days_left"})
TEXT_SOURCES = frozenset({"header", "body"})
SOURCES = ("status", "response_time_ms", "header", "body", "json", "certificate_days_left")

DEFAULT = (AssertionSpec(source="status", operator="less_than", value=400),)


@dataclass(frozen=True)
class _Subject:
    """What an assertion looks at: the readings to try in turn; none when it is absent."""

    readings: tuple[Any, ...]
    absence: str = ""


def judge(spec: AssertionSpec, answer: Answer, scope: Scope, redactor: Redactor) -> Verdict:
    """Judge one assertion on an answer that has a status."""
    if spec.source != "status" or not redactor.is_empty or not spec.is_literal:
        return _judge(spec, answer, scope, redactor)
    # Nothing but the status has a say.
    status = answer.response.status
    known = spec.by_status.get(status)
    if known is None:
        known = spec.by_status[status] = _judge(spec, answer, scope, redactor)
    return known


def _judge(spec: AssertionSpec, answer: Answer, scope: Scope, redactor: Redactor) -> Verdict:
    text = describe(spec, redactor)
    try:
        problem = _problem(_filled(spec, scope), answer, redactor)
    except (
        Unreadable,
        Incomparable,
        PatternError,
        jsonpaths.PathError,
        UnsetVariable,
        TextTooLong,
    ) as error:
        problem = str(error)
    except RecursionError:
        problem = "the values are nested too deeply to compare"
    if problem is None:
        return Verdict(text, True)
    return Verdict(text, False, cut(redactor.mask(problem), 2 * SHOWN + 60))


def _filled(spec: AssertionSpec, scope: Scope) -> AssertionSpec:
    if spec.is_literal:
        return spec
    return replace(
        spec,
        name=scope.text(spec.name),
        path=scope.text(spec.path),
        value=scope.value(spec.value),
    )


def found_by(spec: AssertionSpec, answer: Answer, scope: Scope, redactor: Redactor) -> str:
    """Say what the assertion looked at, masked and cut; empty where that cannot be told."""
    try:
        subject = _subject(_filled(spec, scope), answer)
    except (Unreadable, Incomparable, jsonpaths.PathError, UnsetVariable, TextTooLong):
        return ""
    return shown(subject.readings[-1], redactor.mask) if subject.readings else subject.absence


def unanswered(spec: AssertionSpec, redactor: Redactor) -> Verdict:
    """The result of an assertion on a request that got no answer."""
    return Verdict(describe(spec, redactor), False, "no answer")


def describe(spec: AssertionSpec, redactor: Redactor) -> str:
    """Say in words what is asserted, as configured: variables by name."""
    return spec.plain_words if redactor.is_empty else spec.words(redactor.mask)


def _problem(spec: AssertionSpec, answer: Answer, redactor: Redactor) -> str | None:
    """Return why the assertion fails, or None."""
    positive = operators.NEGATIONS.get(spec.operator, spec.operator)
    is_negated = positive != spec.operator
    if positive not in operators.PHRASES:
        raise Incomparable(f"{spec.operator} is not an operator")
    subject = _subject(spec, answer)
    if positive == "exists":
        if bool(subject.readings) is not is_negated:
            return None
        return (
            f"found {shown(subject.readings[0], redactor.mask)}" if is_negated else subject.absence
        )
    if not subject.readings:
        return None if is_negated else subject.absence
    if _holds_for_any(subject.readings, positive, spec) is not is_negated:
        return None
    return f"got {shown(subject.readings[-1], redactor.mask)}"


def _holds_for_any(readings: tuple[Any, ...], operator: str, spec: AssertionSpec) -> bool:
    """Tell whether the operator holds for a reading. Incomparable when it applies to none."""
    expected = _expected(spec)
    refusals: list[Incomparable] = []
    for reading in readings:
        try:
            if operators.holds(operator, _comparable(spec, operator, reading), expected):
                return True
        except Incomparable as error:
            refusals.append(error)
    if len(refusals) == len(readings):
        raise refusals[-1]
    return False


def _subject(spec: AssertionSpec, answer: Answer) -> _Subject:
    response = answer.response
    match spec.source:
        case "status":
            return _Subject((response.status,))
        case "response_time_ms":
            return _Subject((round(response.timings.total_ms, 1),))
        case "certificate_days_left":
            days = answer.certificate_days_left
            return _Subject((), "no certificate") if days is None else _Subject((days,))
        case "header":
            value = response.header(spec.name)
            return _Subject((), f"no header {spec.name}") if value is None else _Subject((value,))
        case "body":
            text = answer.text
            if spec.operator in operators.PRESENCE and not text:
                return _Subject((), "the body is empty")
            return _Subject((text,))
        case "json":
            return _json_subject(spec.path, answer)
        case _:
            raise Incomparable(f"{spec.source} is not a source")


def _json_subject(path: str, answer: Answer) -> _Subject:
    values = jsonpaths.select(path, answer.json)
    if not values:
        return _Subject((), f"nothing at {path}")
    if jsonpaths.is_singular(path):
        return _Subject((values[0],))
    # A path with a wildcard or filter selects a list; when that is of one, its only value will do as well.
    return _Subject((values, values[0]) if len(values) == 1 else (values,))


def _expected(spec: AssertionSpec) -> Any:
    """Return the expected value in the type that its source has; JSON keeps the type it was written in."""
    value = spec.value
    if spec.operator == "matches":
        return value
    if spec.source in NUMERIC_SOURCES:
        return [_numeric(item) for item in value] if isinstance(value, list) else _numeric(value)
    if spec.source in TEXT_SOURCES and spec.operator not in operators.ORDER:
        return (
            [operators.as_text(item) for item in value]
            if isinstance(value, list)
            else operators.as_text(value)
        )
    return value


def _numeric(value: Any) -> Any:
    # A variable's value is text also where a number is meant.
    try:
        return operators.as_number(value)
    except Incomparable:
        return value


def _comparable(spec: AssertionSpec, operator: str, reading: Any) -> Any:
    if spec.source in TEXT_SOURCES and operator in operators.ORDER:
        return operators.as_number(reading)
    return reading
