"""An answer as the assertion builder shows it: masked, and with a row ready for each thing in it. Pure.

Values named like credentials (`access_token`, `Set-Cookie`) are masked by their names, known secrets wherever they stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.egress import EgressResponse
from apps.monitors.checkers.answer import Answer, Unreadable
from apps.monitors.checkers.redaction import MASK, cut
from apps.monitors.confidential import is_secret_header

TEXT_LENGTH = 20_000
MAX_NODES = 400
MAX_DEPTH = 20
_LONGEST_EQUAL = 200
_SHORTHAND = re.compile(r"[A-Za-z_][0-9A-Za-z_]*")
# Rarer control characters, and halves of pairs, have a place in JSON's names and none in the library's paths.
_PATHLESS = re.compile("[\x00-\x07\x0b\x0e-\x1f\ud800-\udfff]")
_LIMITS = (500, 1_000, 2_000, 5_000, 10_000, 30_000)
# Larger ones are changed by a browser's numbers.
_EXACT = 2**53

Row = dict[str, Any]
Mask = Callable[[str], str]


@dataclass(frozen=True)
class Node:
    """A value in a JSON document. `path` is its JSONPath (RFC 9535); None where a name in it is masked or has no place in a path."""

    label: str
    text: str
    path: str | None
    kind: str
    assertion: Row | None = None
    extraction: Row | None = None
    children: tuple[Node, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Part:
    """One thing that is no JSON value: the status, a time, a header field. `extraction` where one can be made."""

    label: str
    text: str
    assertion: Row
    extraction: Row | None = None


@dataclass(frozen=True)
class SeenAnswer:
    """What can be asserted of an answer. `tree` is there when its body is JSON, else `text` (masked, cut)."""

    parts: tuple[Part, ...] = ()
    headers: tuple[Part, ...] = ()
    tree: Node | None = None
    text: str = ""
    problem: str = ""


def seen_in(response: EgressResponse, mask: Mask) -> SeenAnswer:
    """Return what an answer has to show."""
    if response.status is None:
        return SeenAnswer(problem=mask(response.error.message if response.error else "no answer"))
    answer = Answer(response)
    tree, text, problem = None, "", ""
    try:
        tree = tree_of(answer.json, mask)
    except (Unreadable, RecursionError) as error:
        if _says_json(response.header("content-type") or ""):
            problem = str(error) or "the body is nested too deeply"
        text = cut(mask(answer.excerpt(TEXT_LENGTH)), TEXT_LENGTH)
    days = answer.certificate_days_left
    return SeenAnswer(
        parts=tuple(_parts(response.status, response.timings.total_ms, days)),
        headers=tuple(_header(name, value, mask) for name, value in response.headers[:60]),
        tree=tree,
        text=text,
        problem=mask(problem),
    )


def seen_in_attempt(attempt: Mapping[str, Any]) -> SeenAnswer:
    """Return what is kept of an answer in a run's details (`CheckOutcome.detail`), which are masked already."""
    if attempt.get("status") is None:
        return SeenAnswer(problem=attempt.get("message") or "no answer")
    tree, body = None, attempt.get("body") or ""
    try:
        tree = tree_of(json.loads(body), str) if body else None
    except (ValueError, RecursionError):
        tree = None
    total_ms = (attempt.get("timings") or {}).get("total_ms", 0.0)
    return SeenAnswer(
        parts=tuple(_parts(attempt["status"], total_ms, None)),
        headers=tuple(_header(name, value, str) for name, value in attempt.get("headers") or ()),
        tree=tree,
        text="" if tree else body,
        problem="" if body else "the body of a run that passed by itself is not kept",
    )


@dataclass
class _Budget:
    nodes: int = MAX_NODES


def tree_of(document: Any, mask: Mask) -> Node:
    """Return a JSON document as a tree of at most `MAX_NODES` values, with what is secret masked."""
    return _node("$", document, "$", mask, _Budget(), 0)


def _node(
    label: str,
    value: Any,
    path: str | None,
    mask: Mask,
    budget: _Budget,
    depth: int,
    name: str = "",
) -> Node:
    budget.nodes -= 1
    extraction = None
    if path is not None:
        extraction = {"variable": _variable(name), "source": "json", "path": path}
    if isinstance(value, dict | list):
        kind = "object" if isinstance(value, dict) else "list"
        count = len(value)
        children = tuple(_children(value, path, mask, budget, depth + 1))
        noun = ("member" if kind == "object" else "item") + ("" if count == 1 else "s")
        return Node(
            label=label,
            text=f"{count} {noun}",
            path=path,
            kind=kind,
            assertion=_json_row(path, "exists"),
            extraction=extraction,
            children=children,
            left_out=count - len(children),
        )
    shown = mask(json.dumps(value, ensure_ascii=False))
    if is_secret_header(name) and isinstance(value, str | int | float) and str(value):
        shown = MASK
    if isinstance(value, str) and mask(value) != value:
        shown = json.dumps(mask(value), ensure_ascii=False)
    return Node(
        label=label,
        text=cut(shown, 160),
        path=path,
        kind="value",
        assertion=_value_row(path, value, is_masked=MASK in shown),
        extraction=extraction,
    )


def _children(
    value: dict[str, Any] | list[Any], path: str | None, mask: Mask, budget: _Budget, depth: int
) -> Iterator[Node]:
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        if budget.nodes <= 0 or depth > MAX_DEPTH:
            return
        label = mask(key) if isinstance(key, str) else f"[{key}]"
        is_hidden = isinstance(key, str) and label != key
        is_pathless = is_hidden or (isinstance(key, str) and _PATHLESS.search(key) is not None)
        below = None if path is None or is_pathless else f"{path}{segment(key)}"
        name = key if isinstance(key, str) and not is_hidden else ""
        yield _node(cut(label, 120), member, below, mask, budget, depth, name)


def segment(key: str | int) -> str:
    """Return one step of a JSONPath: `.state`, `[0]`, or `['any text']` (RFC 9535, 2.3 and 2.5.1)."""
    if isinstance(key, int):
        return f"[{key}]"
    if _SHORTHAND.fullmatch(key):
        return f".{key}"
    return f"[{_quoted(key)}]"


_NAMED = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "'": "\\'", "\\": "\\\\"}


def _quoted(key: str) -> str:
    return "'" + "".join(_NAMED.get(c, c) for c in key) + "'"


def _value_row(path: str | None, value: Any, *, is_masked: bool) -> Row | None:
    is_long = isinstance(value, str) and (len(value) > _LONGEST_EQUAL or "{{" in value)
    is_inexact = isinstance(value, int) and abs(value) > _EXACT
    if is_masked or is_long or is_inexact:
        return _json_row(path, "exists")
    return _json_row(path, "equals", value)


_NOTHING = object()


def _json_row(path: str | None, operator: str, value: Any = _NOTHING) -> Row | None:
    if path is None:
        return None
    row = {"source": "json", "path": path, "operator": operator}
    return row if value is _NOTHING else {**row, "value": value}


def _parts(status: int, total_ms: float, days: int | None) -> Iterator[Part]:
    yield Part("Status", str(status), {"source": "status", "operator": "equals", "value": status})
    limit = next((one for one in _LIMITS if one >= 2 * total_ms), _LIMITS[-1])
    yield Part(
        "Response time",
        f"{total_ms:,.0f} ms",
        {"source": "response_time_ms", "operator": "less_than", "value": limit},
    )
    if days is not None:
        yield Part(
            "Certificate",
            f"{days} days left",
            {"source": "certificate_days_left", "operator": "at_least", "value": 14},
        )


def _header(name: str, value: str, mask: Mask) -> Part:
    shown = MASK if is_secret_header(name) else cut(mask(value), _LONGEST_EQUAL)
    row: Row = {"source": "header", "name": name}
    if name.lower() == "content-type":
        row |= {"operator": "contains", "value": shown.partition(";")[0].strip()}
    elif MASK in shown or len(value) > _LONGEST_EQUAL or "{{" in value:
        row |= {"operator": "exists"}
    else:
        row |= {"operator": "equals", "value": shown}
    extraction = {"variable": _variable(name), "source": "header", "name": name}
    return Part(mask(name), shown, row, extraction)


def _variable(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z_]+", "_", name).strip("_")[:80] or "value"


def _says_json(content_type: str) -> bool:
    return "json" in content_type.lower()
