"""Staff's patterns on strangers' bodies: the `regex` module, which can be stopped and does not hold every thread."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

TIMEOUT_S = 0.1
MAX_PATTERN = 1_000


class PatternError(ValueError):
    """The pattern is wrong, or takes too long on this text."""


@lru_cache(maxsize=2048)
def compile_pattern(pattern: str) -> Any:
    """Parse a regular expression. PatternError says what is wrong with it."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"the pattern is longer than {MAX_PATTERN} characters")
    # Read at the first pattern: it costs every process megabytes.
    regex: Any = import_module("regex")
    try:
        return regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise PatternError(f"not a regular expression: {error}") from None


def find(pattern: str, text: str) -> str | None:
    """Return the first match's first group, or all of it when it has none; None without a match."""
    compiled = compile_pattern(pattern)
    try:
        match = compiled.search(text, timeout=TIMEOUT_S, concurrent=True)
    except TimeoutError:
        raise PatternError(f"the pattern takes longer than {TIMEOUT_S:g} s on this text") from None
    if match is None:
        return None
    return match.group(1) or "" if compiled.groups else match.group(0)
