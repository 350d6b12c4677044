"""Taking a value out of an answer for later requests. Its text is recorded nowhere."""

from __future__ import annotations

from dataclasses import replace

from apps.monitors.checkers import jsonpaths, operators, patterns
from apps.monitors.checkers.answer import Answer, Unreadable
from apps.monitors.checkers.spec import ExtractionSpec
from apps.monitors.checkers.substitute import Scope, TextTooLong, UnsetVariable

MAX_VALUE = 65_536


class NotFound(ValueError):
    """The answer has no such value."""


def extract(spec: ExtractionSpec, answer: Answer, scope: Scope) -> str:
    """Return the value as text. NotFound says what is missing."""
    try:
        filled = replace(
            spec,
            name=scope.text(spec.name),
            path=scope.text(spec.path),
            pattern=scope.text(spec.pattern),
        )
        value = _value(filled, answer)
    except (
        Unreadable,
        UnsetVariable,
        TextTooLong,
        patterns.PatternError,
        jsonpaths.PathError,
    ) as error:
        raise NotFound(str(error)) from None
    if len(value) > MAX_VALUE:
        raise NotFound(f"the value is longer than {MAX_VALUE} characters")
    return value


def _value(spec: ExtractionSpec, answer: Answer) -> str:
    match spec.source:
        case "header":
            value = answer.response.header(spec.name)
            if value is None:
                raise NotFound(f"no header {spec.name}")
            return value
        case "json":
            values = jsonpaths.select(spec.path, answer.json)
            if not values:
                raise NotFound(f"nothing at {spec.path}")
            # Several: the first, as a login form's first token is the one to send.
            return operators.as_text(values[0])
        case "body":
            found = patterns.find(spec.pattern, answer.text)
            if found is None:
                raise NotFound("the pattern matches nothing in the body")
            return found
        case _:
            raise NotFound(f"{spec.source} is not a source")
