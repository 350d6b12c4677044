"""JSONPath (RFC 9535) on answers of strangers: bounded in nodes visited and in time spent in patterns."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError, JSONPathMatch
from jsonpath.function_extensions import Match, Search

MAX_NODES = 200_000
_PATTERN_TIMEOUT_S = 0.1
_MAX_SLOW_PATTERNS = 5
_MAX_PATH = 2_000


class PathError(ValueError):
    """The path is no JSONPath, or its evaluation costs too much."""


class _Budget(threading.local):
    """What the evaluation on this thread may still spend."""

    nodes = 0
    slow_patterns = 0


_budget = _Budget()


class _Node(JSONPathMatch):
    """A node without its location, which is not needed and grows with the depth."""

    __slots__ = ()

    def new_child(self, obj: object, key: int | str) -> JSONPathMatch:
        _budget.nodes -= 1
        if _budget.nodes < 0:
            raise PathError(f"the path visits more than {MAX_NODES} values")
        return _Node(filter_context={}, obj=obj, parent=None, parts=(), path="", root=self.root)


def _pattern_holds(pattern: Any, value: str, *, whole: bool) -> bool:
    try:
        call = pattern.fullmatch if whole else pattern.search
        return bool(call(value, timeout=_PATTERN_TIMEOUT_S, concurrent=True))
    except TimeoutError:
        _budget.slow_patterns -= 1
        if _budget.slow_patterns < 0:
            raise PathError("the path's pattern takes too long on this answer") from None
        return False


class _Match(Match):
    def __call__(self, value: object, pattern: object) -> bool:
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        compiled = self.check_cache(pattern)
        return compiled is not None and _pattern_holds(compiled, value, whole=True)


class _Search(Search):
    def __call__(self, value: object, pattern: object) -> bool:
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        compiled = self.check_cache(pattern)
        return compiled is not None and _pattern_holds(compiled, value, whole=False)


class _Environment(JSONPathEnvironment):
    match_class = _Node

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _Match()
        self.function_extensions["search"] = _Search()


_environment = _Environment(strict=True)


@lru_cache(maxsize=2048)
def compile_path(path: str) -> JSONPath:
    """Parse a path. PathError says what is wrong with it."""
    if not path.startswith("$"):
        raise PathError(f"{path!r} is not a JSONPath: it must begin with $, such as $.state")
    if len(path) > _MAX_PATH:
        raise PathError(f"the path is longer than {_MAX_PATH} characters")
    try:
        compiled = _environment.compile(path)
    except JSONPathError as error:
        raise PathError(f"{path!r} is not a JSONPath: {_plain(error)}") from None
    if not isinstance(compiled, JSONPath):
        raise PathError(f"{path!r} is not a JSONPath")
    return compiled


def is_singular(path: str) -> bool:
    """Tell whether the path can select one value at most (RFC 9535, 2.3.5.1)."""
    return bool(compile_path(path).singular_query())


def select(path: str, document: Any) -> list[Any]:
    """Return the values that the path selects, in order. PathError when it is wrong or too costly."""
    compiled = compile_path(path)
    _budget.nodes, _budget.slow_patterns = MAX_NODES, _MAX_SLOW_PATTERNS
    nodes: Any = (
        _Node(filter_context={}, obj=document, parent=None, parts=(), path="", root=document),
    )
    try:
        for segment in compiled.segments:
            nodes = segment.resolve(nodes)
        return [node.obj for node in nodes]
    except RecursionError:
        raise PathError("the answer is nested too deeply for this path") from None
    except JSONPathError as error:
        raise PathError(f"the path cannot be evaluated: {_plain(error)}") from None


def _plain(error: JSONPathError) -> str:
    # Not str(error): it draws the place in the query, and fails itself on an empty one.
    reason = str(error.args[0]) if error.args else "it cannot be read"
    return reason.splitlines()[0][:200]
