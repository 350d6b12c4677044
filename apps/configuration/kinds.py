"""The kinds of value that a configuration file has: each reads a node, or says what is allowed there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any, Final, Protocol

from apps.configuration.document import Node
from apps.configuration.problems import Problems


class _Mark:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


INVALID: Final[Any] = _Mark("INVALID")
"""What a kind returns after it has added a problem."""

ABSENT: Final[Any] = _Mark("ABSENT")
"""A default that leaves the key out: the file says nothing about it."""


class Kind(Protocol):
    """Reads one node into a plain value, or adds problems and returns INVALID."""

    def read(self, node: Node, problems: Problems) -> Any: ...


def read(kind: Kind, node: Node, problems: Problems) -> Any:
    """Read a node that may be broken already."""
    return INVALID if node.broken else kind.read(node, problems)


def refuse(node: Node, problems: Problems, message: str) -> Any:
    problems.add(node.place, message, line=node.line)
    return INVALID


def _refuse_other(node: Node, problems: Problems, allowed: str) -> Any:
    if node.value is None:
        return refuse(node, problems, f"is empty; write {allowed} or leave the key out")
    return refuse(node, problems, f"must be {allowed}")


@dataclass(frozen=True, slots=True)
class Text:
    """Text. A number, date or yes/no written without quotes is taken as it is written."""

    choices: tuple[str, ...] = ()
    not_yet: tuple[str, ...] = ()
    what: str = "text"
    may_be_empty: bool = True

    def read(self, node: Node, problems: Problems) -> Any:
        if node.is_mapping or node.is_list or node.value is None:
            allowed = f"one of {', '.join(self.choices)}" if self.choices else self.what
            return _refuse_other(node, problems, allowed)
        if node.text in self.not_yet:
            return refuse(node, problems, f"{node.text} is not supported yet")
        if self.choices and node.text not in self.choices:
            return refuse(
                node, problems, f"must be one of {', '.join(self.choices)}, not {_shown(node)}"
            )
        if not self.may_be_empty and not node.text.strip():
            return refuse(node, problems, f"must be {self.what}, and not empty")
        return node.text


@dataclass(frozen=True, slots=True)
class Integer:
    least: int
    most: int

    def read(self, node: Node, problems: Problems) -> Any:
        value = node.value
        if node.filled and re.fullmatch(r"-?[0-9]{1,18}", node.text):
            value = int(node.text)
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not self.least <= value <= self.most
        ):
            return _refuse_other(node, problems, f"a whole number from {self.least} to {self.most}")
        return value


@dataclass(frozen=True, slots=True)
class Number:
    least: float
    most: float

    def read(self, node: Node, problems: Problems) -> Any:
        value = node.value
        if node.filled and re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", node.text):
            value = float(node.text)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not self.least <= value <= self.most
        ):
            return _refuse_other(node, problems, f"a number from {self.least:g} to {self.most:g}")
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, node: Node, problems: Problems) -> Any:
        if node.filled and node.text in {"true", "false"}:
            return node.text == "true"
        if not isinstance(node.value, bool):
            return _refuse_other(node, problems, "true or false")
        return node.value


@dataclass(frozen=True, slots=True)
class Day:
    """A date, as text in ISO form."""

    def read(self, node: Node, problems: Problems) -> Any:
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", node.text):
                return date.fromisoformat(node.text).isoformat()
        except ValueError:
            pass
        return _refuse_other(node, problems, "a date such as 2026-01-31")


@dataclass(frozen=True, slots=True)
class Moment:
    """A date and time, as text in ISO form; with an offset, or on the wall clock of some zone."""

    def read(self, node: Node, problems: Problems) -> Any:
        try:
            if re.fullmatch(
                r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?", node.text
            ):
                return datetime.fromisoformat(node.text).isoformat()
        except ValueError:
            pass
        allowed = "a date and time such as 2026-01-31T02:00, with Z or +01:00 where it is in no local time"
        return _refuse_other(node, problems, allowed)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day, as text in ISO form."""

    def read(self, node: Node, problems: Problems) -> Any:
        try:
            if re.fullmatch(r"\d{2}:\d{2}(:\d{2})?", node.text):
                value = time.fromisoformat(node.text)
                return value.isoformat("seconds" if value.second else "minutes")
        except ValueError:
            pass
        return _refuse_other(node, problems, "a time of day such as 02:00")


@dataclass(frozen=True, slots=True)
class AnyValue:
    """Whatever JSON can hold."""

    def read(self, node: Node, problems: Problems) -> Any:
        return INVALID if node.holds_broken else node.plain()


@dataclass(frozen=True, slots=True)
class Texts:
    """{name: text}."""

    what: str = "{name: text}"

    def read(self, node: Node, problems: Problems) -> Any:
        if not node.is_mapping:
            return _refuse_other(node, problems, f"a mapping, {self.what}")
        values = {key: read(Text(), child, problems) for key, child in node.value.items()}
        return INVALID if any(value is INVALID for value in values.values()) else values


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list. With `once`, no two of its records may have the same value of that key."""

    item: Kind
    what: str
    once: str = ""

    def read(self, node: Node, problems: Problems) -> Any:
        if not node.is_list:
            return _refuse_other(node, problems, f"a list of {self.what}")
        values = [read(self.item, child, problems) for child in node.value]
        if any(value is INVALID for value in values) or not self._are_distinct(
            node, values, problems
        ):
            return INVALID
        return values

    def _are_distinct(self, node: Node, values: list[Any], problems: Problems) -> bool:
        seen: dict[Any, Node] = {}
        for child, value in zip(node.value, values, strict=True):
            key = value[self.once] if self.once else child.place
            if key in seen:
                refuse(child, problems, f"has the {self.once} of {seen[key].place}; each only once")
            seen.setdefault(key, child)
        return len(seen) == len(values)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a record. Without a default it must be written.

    `stays`: not written, what is stored stays as it is.
    """

    kind: Kind
    default: Any = INVALID
    stays: bool = False

    @property
    def is_required(self) -> bool:
        return self.default is INVALID


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys, read into a dict with every default filled in.

    `check(values, node, problems)` sees what is read and says whether the keys fit together.
    """

    what: str
    keys: Mapping[str, Key]
    not_yet: tuple[str, ...] = ()
    check: Callable[[dict[str, Any], Node, Problems], bool] | None = None

    def read(self, node: Node, problems: Problems) -> Any:
        if not node.is_mapping:
            return _refuse_other(
                node, problems, f"{self.what} with the keys {', '.join(self.keys)}"
            )
        before = len(problems)
        self._refuse_unknown(node, problems)
        values: dict[str, Any] = {}
        for name, key in self.keys.items():
            if name in node.value:
                values[name] = read(key.kind, node.value[name], problems)
            elif key.is_required:
                refuse(node, problems, f"{self.what} needs the key {name}")
            elif key.default is not ABSENT:
                values[name] = _fresh(key.default)
        if len(problems) > before or any(value is INVALID for value in values.values()):
            return INVALID
        if self.check is not None and not self.check(values, node, problems):
            return INVALID
        return values

    def _refuse_unknown(self, node: Node, problems: Problems) -> None:
        for name, child in node.value.items():
            if name in self.not_yet:
                refuse(child, problems, f"{name} is not supported yet")
            elif name not in self.keys:
                near = get_close_matches(name, self.keys, n=1, cutoff=0.75)
                hint = f" (did you mean {near[0]}?)" if near else ""
                refuse(child, problems, f"unknown key{hint}; allowed: {', '.join(self.keys)}")


def _fresh(default: Any) -> Any:
    """A default of its own for each entry, since entries are kept apart."""
    if isinstance(default, dict):
        return {name: _fresh(value) for name, value in default.items()}
    return list(default) if isinstance(default, (list, tuple)) else default


def _shown(node: Node) -> str:
    return repr(node.text if len(node.text) <= 40 else f"{node.text[:40]}…")
