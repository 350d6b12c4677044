"""`{{name}}` in texts. A variable's own value may name others; what an answer gave is taken literally.

The second half matters: a value extracted from a stranger's answer that reads `{{password}}` must not fetch
the password. Names are case sensitive and blanks inside the braces belong to them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_PLACEHOLDER = re.compile(r"\{\{([^{}]+)\}\}")
# Nested values multiply: ten variables of ten references each would make a gigabyte.
MAX_TEXT = 2_000_000


class UnsetVariable(Exception):
    """A text names a variable that has no value (or that refers to itself)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the variable {name} is not set")
        self.name = name


class TextTooLong(Exception):
    """Substitution would make a text that is too long to send."""


@dataclass
class Scope:
    """The variables of one run: configured ones, and those extracted so far, which win."""

    configured: Mapping[str, str]
    secrets: frozenset[str] = frozenset()
    extracted: dict[str, str] = field(default_factory=dict)

    def text(self, template: str) -> str:
        """Fill in every placeholder. UnsetVariable names the first that has no value."""
        return self._fill(template, (), _refuse)

    def static_text(self, template: str, unknown: str) -> str:
        """Fill in what the configuration alone determines; put `unknown` wherever an answer has a say."""
        return Scope({k: v for k, v in self.configured.items() if k not in self.extracted})._fill(
            template, (), lambda _: unknown
        )

    def value(self, template: Any) -> Any:
        """Fill in every text inside a JSON value, keys included; other values keep their types."""
        if isinstance(template, str):
            return self.text(template)
        if isinstance(template, list):
            return [self.value(item) for item in template]
        if isinstance(template, dict):
            return {self.text(key): self.value(item) for key, item in template.items()}
        return template

    def is_confidential(self, template: str) -> bool:
        """Tell whether a text holds a secret or an answer's value, directly or through other variables."""
        return bool(self._names(template) & (self.secrets | self.extracted.keys()))

    def _names(self, template: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        names: frozenset[str] = frozenset()
        for name in placeholders(template):
            if name in seen or name in names:
                continue
            names |= {name}
            if name not in self.extracted and name in self.configured:
                names |= self._names(self.configured[name], seen | names)
        return names

    def _fill(self, template: str, path: tuple[str, ...], missing: Callable[[str], str]) -> str:
        if "{{" not in template:
            return template

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in self.extracted:
                return self.extracted[name]
            if name in self.configured and name not in path:
                return self._fill(self.configured[name], (*path, name), missing)
            return missing(name)

        parts: list[str] = []
        length = end = 0
        for match in _PLACEHOLDER.finditer(template):
            for part in (template[end : match.start()], replace(match)):
                parts.append(part)
                length += len(part)
            if length > MAX_TEXT:
                raise TextTooLong("a text grows too long once its variables are filled in")
            end = match.end()
        parts.append(template[end:])
        return "".join(parts)


def placeholders(template: Any) -> list[str]:
    """List the names in a text, or in every text of a JSON value, in order."""
    if isinstance(template, str):
        return _PLACEHOLDER.findall(template) if "{{" in template else []
    if isinstance(template, list):
        return [name for item in template for name in placeholders(item)]
    if isinstance(template, dict):
        return [
            name
            for key, item in template.items()
            for name in (*placeholders(key), *placeholders(item))
        ]
    return []


def _refuse(name: str) -> str:
    raise UnsetVariable(name)
