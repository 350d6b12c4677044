"""What differs, as values and as the lines that people read. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from apps.configuration.problems import Problem
from apps.configuration.secrets import holds_secret, is_hidden
from apps.monitors.confidential import only_refers

Action = Literal["add", "change", "remove"]
_SIGNS = {"add": "+", "change": "~", "remove": "-"}
_LONGEST = 60
_NOTHING = object()
"""A key that is not there, which is not the same as one that is null."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that changes. `path` is as in the file, such as `requests[0].url`."""

    path: str
    before: Any
    after: Any
    is_secret: bool = False

    def __str__(self) -> str:
        if self.is_secret:
            return f"{self.path}: changed"
        return f"{self.path}: {_shown(self.before)} → {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is added, changed or removed."""

    action: Action
    kind: str
    name: str
    context: str = ""
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        line = f"{_SIGNS[self.action]} {self.kind} {self.name}"
        if self.context:
            line += f" ({self.context})"
        return f"{line}: {', '.join(map(str, self.differences))}" if self.differences else line


@dataclass(slots=True)
class Report:
    """What an application did, or would do: changes in the order made, and problems in the file's order.

    With problems nothing was changed.
    """

    is_dry_run: bool = False
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        return not self.problems

    def lines(self) -> list[str]:
        """Return one line for each change, then the sum."""
        if not self.changes:
            return ["Nothing to change."]
        return [*map(str, self.changes), self._sum()]

    def _sum(self) -> str:
        counts = {
            action: sum(change.action == action for change in self.changes) for action in _SIGNS
        }
        if self.is_dry_run:
            return (
                f"Dry run: {counts['add']} to add, {counts['change']} to change, {counts['remove']} to remove. "
                "Nothing was changed."
            )
        return f"{counts['add']} added, {counts['change']} changed, {counts['remove']} removed."


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return what differs between two things in the form of the file; a key absent from `after` stays as it is."""
    found: list[Difference] = []
    for key, value in after.items():
        found.extend(_compare(key, (key,), before.get(key), value))
    return tuple(found)


def _compare(path: str, keys: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*after, *(key for key in before if key not in after)]:
            yield from _compare(
                f"{path}.{key}", (*keys, key), before.get(key, _NOTHING), after.get(key, _NOTHING)
            )
    elif isinstance(before, list) and isinstance(after, list) and _are_alike(before, after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _compare(f"{path}[{index}]", keys, old, new)
    elif not same(before, after):
        yield Difference(path, before, after, _is_hidden(keys, before, after))


def _are_alike(before: list[Any], after: list[Any]) -> bool:
    """Lists of as many mappings are compared one by one; others are told as a whole."""
    return len(before) == len(after) and all(isinstance(item, dict) for item in [*before, *after])


def _is_hidden(keys: tuple[str, ...], before: Any, after: Any) -> bool:
    """A hidden place is shown where both sides are absent or only refer to variables."""
    if any(isinstance(value, str) and holds_secret(keys, value) for value in (before, after)):
        return True
    return is_hidden(keys) and not all(
        value is _NOTHING or (isinstance(value, str) and only_refers(value))
        for value in (before, after)
    )


def same(left: Any, right: Any) -> bool:
    """Compare as JSON does: `true` is not 1, the order of keys says nothing, 1 and 1.0 are one number."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _shown(value: Any) -> str:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return f"{len(value)} item{'' if len(value) == 1 else 's'}"
    if value is None or value is _NOTHING:
        return "none"
    if isinstance(value, dict):
        return f"{{{', '.join(value)}}}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split()) or '""'
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
