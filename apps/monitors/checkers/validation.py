"""What a configuration of the `http` kind may say. One set of rules for the admin, the API and the file.

Every check takes the configuration's own form (docs/configuration.md) with typed values and returns problems: (place,
message) pairs, where the place is a path inside what was given (`assertions[0].path`; empty for the
whole) and the message says what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from apps.core.egress import BadURL, parse_target
from apps.monitors.checkers import jsonpaths, operators, patterns
from apps.monitors.checkers.assertions import NUMERIC_SOURCES, SOURCES
from apps.monitors.checkers.substitute import placeholders

Problem = tuple[str, str]

REQUEST_KEYS = (
    "name",
    "method",
    "url",
    "headers",
    "body",
    "json",
    "auth",
    "assertions",
    "extract",
)
ASSERTION_KEYS = ("source", "name", "path", "operator", "value")
EXTRACTION_KEYS = ("variable", "source", "name", "path", "pattern")
AUTH_KEYS: dict[str, tuple[str, ...]] = {
    "none": (),
    "basic": ("username", "password"),
    "bearer": ("token",),
    "api_key": ("key", "value", "in"),
}
EXTRACTION_NEEDS = {"header": "name", "json": "path", "body": "pattern"}

MAX_REQUESTS = 100
MAX_ROWS = 100
MAX_BODY = 500_000

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_VARIABLE = re.compile(r"[^{}\s](?:[^{}\x00-\x1f]{0,78}[^{}\s])?")


def operators_for(source: str) -> tuple[str, ...]:
    """List the operators that make sense for a source."""
    if source == "status":
        return (*operators.EQUALITY, *operators.ORDER, "in", "matches", *operators.PRESENCE)
    if source in NUMERIC_SOURCES:
        return (*operators.EQUALITY, *operators.ORDER, "in", *operators.PRESENCE)
    return operators.OPERATORS


def check_request(data: Any) -> list[Problem]:
    """Check one request with all that is in it."""
    if not isinstance(data, Mapping):
        return [("", "must be a request: keys " + ", ".join(REQUEST_KEYS))]
    problems = _unknown(data, REQUEST_KEYS)
    problems += _text(data, "name", required=True, limit=120)
    problems += _text(data, "url", required=True, limit=8_000)
    if isinstance(data.get("url"), str) and data["url"]:
        problems += _at("url", check_url(data["url"]))
    method = data.get("method", "GET")
    if not isinstance(method, str) or not _TOKEN.fullmatch(method) or len(method) > 20:
        problems.append(("method", "must be one word, such as GET or POST"))
    problems += _at("headers", check_headers(data.get("headers") or {}))
    if data.get("body") is not None:
        problems += _text(data, "body", limit=MAX_BODY)
        if "json" in data and data["body"] != "":
            problems.append(("body", "cannot be there beside json: a request has one body"))
    problems += _at("auth", check_auth(data.get("auth") or {}))
    problems += _each(data, "assertions", check_assertion)
    problems += _each(data, "extract", check_extraction)
    return problems


def check_url(url: str) -> list[Problem]:
    """Check an address that may hold variables."""
    if _CONTROL.search(url):
        return [("", "must not hold line breaks or other control characters")]
    if url.startswith("{{"):
        return []
    if not re.match(r"https?://", url, re.IGNORECASE):
        return [("", "must begin with http://, https:// or a variable such as {{base}}")]
    if placeholders(url):
        return []
    try:
        parse_target(url)
    except BadURL as error:
        return [("", str(error))]
    return []


def check_headers(headers: Any) -> list[Problem]:
    """Check {name: value}."""
    if not isinstance(headers, Mapping):
        return [("", "must be names with values, such as {X-Client: status}")]
    problems: list[Problem] = []
    if len(headers) > MAX_ROWS:
        problems.append(("", f"must be at most {MAX_ROWS} headers"))
    for name, value in headers.items():
        if not isinstance(name, str) or not _is_header_name(name):
            problems.append(
                (str(name), "must be a header name: letters, digits and hyphens, no blanks")
            )
        if not isinstance(value, str):
            problems.append((str(name), "must be text: write it in quotes"))
        elif _CONTROL.search(value):
            problems.append((str(name), "must not hold line breaks or other control characters"))
    return problems


def check_auth(auth: Any) -> list[Problem]:
    """Check {type: …} with the keys of that type."""
    if not isinstance(auth, Mapping):
        return [("", "must be {type: none, basic, bearer or api_key, …}")]
    if not auth:
        return []
    kind = auth.get("type")
    if kind not in AUTH_KEYS:
        return [("type", "must be one of " + ", ".join(AUTH_KEYS))]
    keys = AUTH_KEYS[kind]
    problems = _unknown(auth, ("type", *keys), f" for the type {kind}")
    for key in keys:
        if key == "in":
            if auth.get("in", "header") not in ("header", "query"):
                problems.append(("in", "must be header or query"))
        else:
            # A user without a password is unusual, not wrong.
            problems += _text(auth, key, required=key != "password", limit=10_000)
    if kind == "api_key" and auth.get("in", "header") == "header":
        header = auth.get("key")
        if isinstance(header, str) and header and not _is_header_name(header):
            problems.append(("key", "must be a header name: letters, digits and hyphens"))
    return problems


def check_assertion(data: Any) -> list[Problem]:
    """Check one assertion."""
    if not isinstance(data, Mapping):
        return [("", "must be an assertion: keys " + ", ".join(ASSERTION_KEYS))]
    problems = _unknown(data, ASSERTION_KEYS)
    source, operator = data.get("source"), data.get("operator")
    if source not in SOURCES:
        return [*problems, ("source", "must be one of " + ", ".join(SOURCES))]
    problems += _place(data, source, {"header": "name", "json": "path"})
    allowed = operators_for(source)
    if operator not in allowed:
        problems.append(("operator", f"must be one of {', '.join(allowed)} for {source}"))
        return problems
    return [*problems, *_at("value", _check_value(source, operator, data))]


def check_extraction(data: Any) -> list[Problem]:
    """Check one extraction."""
    if not isinstance(data, Mapping):
        return [("", "must be an extraction: keys " + ", ".join(EXTRACTION_KEYS))]
    problems = _unknown(data, EXTRACTION_KEYS)
    problems += _at("variable", _check_variable_name(data.get("variable")))
    source = data.get("source")
    if source not in EXTRACTION_NEEDS:
        return [*problems, ("source", "must be one of " + ", ".join(EXTRACTION_NEEDS))]
    return [*problems, *_place(data, source, EXTRACTION_NEEDS)]


def check_variables(variables: Any) -> list[Problem]:
    """Check {name: text}."""
    if not isinstance(variables, Mapping):
        return [("", "must be names with texts, such as {base: https://example.com}")]
    problems: list[Problem] = []
    for name, value in variables.items():
        problems += _at(str(name), _check_variable_name(name))
        if not isinstance(value, str):
            problems.append((str(name), "must be text: write it in quotes"))
        elif len(value) > MAX_BODY:
            problems.append((str(name), f"must be at most {MAX_BODY} characters"))
    return problems


def check_requests(requests: Any) -> list[Problem]:
    """Check the list of requests of a monitor."""
    if not isinstance(requests, list) or not requests:
        return [("", "must be a list of at least one request")]
    if len(requests) > MAX_REQUESTS:
        return [("", f"must be at most {MAX_REQUESTS} requests")]
    return [
        (join_place(f"[{index}]", place), message)
        for index, request in enumerate(requests)
        for place, message in check_request(request)
    ]


def _check_value(source: str, operator: str, data: Mapping[str, Any]) -> list[Problem]:
    value = data.get("value")
    has_variable = bool(placeholders(value))
    if operator in operators.PRESENCE:
        return [] if value is None or value == "" else [("", f"must be left out for {operator}")]
    if value is None and (source != "json" or operator not in operators.EQUALITY):
        return [("", "is needed")]
    if operator == "in":
        if not isinstance(value, list) or not value:
            return [("", "must be a list of at least one value")]
        if source in NUMERIC_SOURCES and not has_variable:
            return [] if all(map(_is_number, value)) else [("", "must be a list of numbers")]
        return []
    if operator == "matches":
        if not isinstance(value, str):
            return [("", "must be a regular expression")]
        return _pattern_problems(value)
    if operator in operators.ORDER or source in NUMERIC_SOURCES:
        # Text from a form, and a variable's text, may spell a number.
        return [] if has_variable or _is_number(value) else [("", "must be a number")]
    if source in ("header", "body") and isinstance(value, list | dict):
        return [("", "must be text")]
    return []


def _place(data: Mapping[str, Any], source: str, needs: Mapping[str, str]) -> list[Problem]:
    """Check `name`, `path` and `pattern`: the one that the source needs, and none of the others."""
    needed = needs.get(source)
    problems: list[Problem] = []
    for key in sorted(set(needs.values())):
        value = data.get(key)
        if key != needed:
            if value:
                owner = next(owner for owner, its_key in needs.items() if its_key == key)
                problems.append((key, f"belongs to the source {owner}; leave it out"))
            continue
        problems += _text(data, key, required=True, limit=2_000)
        if not isinstance(value, str) or not value or placeholders(value):
            continue
        if key == "path":
            problems += _at(key, _path_problems(value))
        elif key == "pattern":
            problems += _at(key, _pattern_problems(value))
        elif not _TOKEN.fullmatch(value):
            problems.append((key, "must be a header name: letters, digits and hyphens"))
    return problems


def _path_problems(path: str) -> list[Problem]:
    try:
        jsonpaths.compile_path(path)
    except jsonpaths.PathError as error:
        return [("", str(error))]
    return []


def _pattern_problems(pattern: str) -> list[Problem]:
    if placeholders(pattern):
        return []
    try:
        patterns.compile_pattern(pattern)
    except patterns.PatternError as error:
        return [("", str(error))]
    return []


def _check_variable_name(name: Any) -> list[Problem]:
    if isinstance(name, str) and _VARIABLE.fullmatch(name):
        return []
    return [("", "must be a name of at most 80 characters without braces or blanks around it")]


def _is_header_name(name: str) -> bool:
    return bool(_TOKEN.fullmatch(name) or placeholders(name))


def _is_number(value: Any) -> bool:
    try:
        operators.as_number(value)
    except operators.Incomparable:
        return False
    return True


def _unknown(data: Mapping[str, Any], allowed: Collection[str], of: str = "") -> list[Problem]:
    return [
        (str(key), f"is not a key here{of}; allowed: {', '.join(allowed)}")
        for key in data
        if key not in allowed
    ]


def _text(
    data: Mapping[str, Any], key: str, *, required: bool = False, limit: int
) -> list[Problem]:
    value = data.get(key)
    if value is None or value == "":
        return [(key, "is needed")] if required else []
    if not isinstance(value, str):
        return [(key, "must be text: write it in quotes")]
    return [(key, f"must be at most {limit} characters")] if len(value) > limit else []


def _each(
    data: Mapping[str, Any], key: str, check: Callable[[Any], list[Problem]]
) -> list[Problem]:
    rows = data.get(key)
    if rows is None:
        return []
    if not isinstance(rows, list):
        return [(key, "must be a list")]
    if len(rows) > MAX_ROWS:
        return [(key, f"must be at most {MAX_ROWS}")]
    return [
        (join_place(f"{key}[{index}]", place), message)
        for index, row in enumerate(rows)
        for place, message in check(row)
    ]


def _at(key: str, problems: list[Problem]) -> list[Problem]:
    return [(join_place(key, place), message) for place, message in problems]


def join_place(outer: str, inner: str) -> str:
    """Put a place inside another: `requests` and `[0].url` make `requests[0].url`."""
    if not inner or inner.startswith("["):
        return f"{outer}{inner}"
    return f"{outer}.{inner}"
