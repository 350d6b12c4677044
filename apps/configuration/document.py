"""Load a configuration file: YAML into nodes that know their place and line.

Safe by construction: standard tags only, each key once, bounded size, depth and expansion of aliases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from apps.configuration.placeholders import PlaceholderError, fill
from apps.configuration.problems import Problems

MAX_BYTES = 5_000_000
MAX_NODES = 200_000
MAX_DEPTH = 40

_TAG = "tag:yaml.org,2002:"
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
# What neither PostgreSQL's text nor UTF-8 can hold.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file. `text` is a scalar as written (a date stays text); `filled` says it held a `${NAME}`.

    A broken one stands for a value about which a problem was added already.
    """

    place: str
    line: int
    value: Any
    text: str = ""
    filled: bool = False
    broken: bool = False

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    @property
    def holds_broken(self) -> bool:
        """Whether this value, or one inside it, is broken."""
        children = self.value.values() if self.is_mapping else self.value if self.is_list else ()
        return self.broken or any(child.holds_broken for child in children)

    def plain(self) -> Any:
        """Return the value without places, as JSON has it."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


class _TooMuch(Exception):
    """The document is larger than any real one."""


def load(content: bytes, *, environ: Mapping[str, str], problems: Problems) -> Node | None:
    """Return the root of the document, its `${NAME}`s filled; None, with problems, if it is not readable at all."""
    if len(content) > MAX_BYTES:
        problems.add("", f"the file is larger than {MAX_BYTES // 1_000_000} MB")
        return None
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
        if root is None:
            problems.add("", "the file is empty; it begins with `version: 1`")
            return None
        return _Builder(environ, problems).build(root, "", 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(
            "", f"not YAML: {error.problem or error.context}", line=mark.line + 1 if mark else 0
        )
    except yaml.YAMLError as error:
        problems.add("", f"not YAML: {' '.join(str(error).split())}")
    except (RecursionError, _TooMuch):
        problems.add(
            "",
            f"nested more than {MAX_DEPTH} deep, or more than {MAX_NODES} values with its aliases",
        )
    return None


class _Builder:
    """Turns PyYAML's nodes into ours. One node is built for each place, so aliases are counted as often as used."""

    def __init__(self, environ: Mapping[str, str], problems: Problems) -> None:
        self._environ = environ
        self._problems = problems
        self._constructor = yaml.constructor.SafeConstructor()
        self._count = 0

    def build(self, source: yaml.Node, place: str, depth: int) -> Node:
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_NODES:
            raise _TooMuch
        line = source.start_mark.line + 1
        if isinstance(source, yaml.MappingNode) and source.tag == f"{_TAG}map":
            members = self._members(source, place, depth)
            return Node(
                place,
                line,
                {
                    key: self.build(value, _below(place, key), depth + 1)
                    for key, value in members.items()
                },
            )
        if isinstance(source, yaml.SequenceNode) and source.tag == f"{_TAG}seq":
            return Node(
                place,
                line,
                [
                    self.build(value, f"{place}[{index}]", depth + 1)
                    for index, value in enumerate(source.value)
                ],
            )
        if isinstance(source, yaml.ScalarNode):
            return self._scalar(source, place, line)
        return self._broken(place, line, f"the tag {source.tag} is not supported")

    def _broken(self, place: str, line: int, message: str) -> Node:
        self._problems.add(place, message, line=line)
        return Node(place, line, None, broken=True)

    def _members(self, source: yaml.MappingNode, place: str, depth: int) -> dict[str, yaml.Node]:
        """Return {key: value} in the file's order. A merged mapping (`<<`) gives way to what is written out."""
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_NODES:
            raise _TooMuch
        own: dict[str, yaml.Node] = {}
        merged: dict[str, yaml.Node] = {}
        for key, value in source.value:
            line = key.start_mark.line + 1
            if key.tag == f"{_TAG}merge":
                bases = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for base in bases:
                    if not isinstance(base, yaml.MappingNode):
                        self._problems.add(
                            place, "`<<` takes a mapping or a list of them", line=line
                        )
                        continue
                    for name, inherited in self._members(base, place, depth + 1).items():
                        merged.setdefault(name, inherited)
            elif not isinstance(key, yaml.ScalarNode):
                self._problems.add(place, "a key must be text", line=line)
            elif key.value in own:
                self._problems.add(_below(place, key.value), "this key is written twice", line=line)
            elif _UNSTORABLE.search(key.value):
                self._problems.add(
                    place, "a key holds a character that cannot be stored", line=line
                )
            else:
                own[key.value] = value
        return own | {name: value for name, value in merged.items() if name not in own}

    def _scalar(self, source: yaml.ScalarNode, place: str, line: int) -> Node:
        text = str(source.value)
        if "${" in text:
            try:
                text = fill(text, self._environ)
            except PlaceholderError as error:
                return self._broken(place, line, str(error))
        if _UNSTORABLE.search(text):
            return self._broken(place, line, "holds a character that cannot be stored")
        filled = text != source.value
        kind = source.tag.removeprefix(_TAG)
        if kind in {"str", "timestamp", "value", "merge"}:
            return Node(place, line, text, text, filled)
        if kind not in {"int", "float", "bool", "null"}:
            return self._broken(place, line, f"the tag {source.tag} is not supported")
        try:
            value = self._constructor.construct_object(source)
        except (ValueError, KeyError):
            return self._broken(place, line, f"is not what its tag {source.tag} says")
        if isinstance(value, float) and not math.isfinite(value):
            return self._broken(place, line, "infinity and not-a-number cannot be stored")
        return Node(place, line, value, text, filled)


def _below(place: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f'{place}["{key}"]'
    return f"{place}.{key}" if place else key
