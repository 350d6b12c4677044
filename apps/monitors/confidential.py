"""What of a monitor's request may be a secret although it is stored as written. Pure.

The configuration file's report and its export go by these rules, and the audit trail.
"""

from __future__ import annotations

import re

_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|passw|api[-_]?key|credential", re.I)
# A member of a JSON object, as text: its name, and its value as far as the text goes.
_NAMED_VALUE = re.compile(
    r'("[^"\\]{0,60}?(?:authorization|cookie|token|secret|passw|api[-_]?key|credential)[^"\\]{0,20}"\s{0,4}:\s{0,4})'
    r'("(?:[^"\\]|\\.)*(?:"|\\?$)|-?\d[\d.eE+-]*)',
    re.I | re.S,
)
_REFERENCE = re.compile(r"\{\{[^{}]*\}\}")
_USERINFO = re.compile(r"(?<=://)([^/?#\s]*)@")


def is_secret_header(name: str) -> bool:
    """Say whether a header of this name holds a secret: `Authorization: Bearer …` often does."""
    return _SECRET_HEADER.search(name) is not None


def without_named(text: str, stand_in: str) -> str:
    """Return text that may be JSON with the values hidden whose names speak of credentials (`"access_token": …`)."""
    return _NAMED_VALUE.sub(lambda found: f'{found[1]}"{stand_in}"', text)


def only_refers(text: str) -> bool:
    """Say whether a text at a secret's place is no secret itself: empty, or nothing but `{{variables}}`.

    A scheme before the variable is not one either, as in `Bearer {{token}}`.
    """
    rest = _REFERENCE.sub("", text).strip()
    return not rest or (rest.lower() in {"bearer", "basic", "token"} and rest != text.strip())


def holds_password(url: str) -> bool:
    """Say whether a URL has a literal user or password in it, as in `https://user:password@host/`."""
    found = _USERINFO.search(url)
    return found is not None and not only_refers(found[1].replace(":", ""))
