"""Texts with `{{variables}}`, and what is put in their place. Pure.

A variable is a name in double braces: letters, digits and `_`, not beginning with a digit. What is put in is
taken as it is, and not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from apps.core.errors import Invalid

BUILT_IN = ("page", "components", "date", "time")
"""Filled in without asking: the page's name, its affected components, and now in the page's zone."""

_VARIABLE = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]{0,59})[ \t]*\}\}")
_OPENING = re.compile(r"\{\{")


def variables_in(*texts: str) -> list[str]:
    """Return the names of all variables, each once, in their order."""
    return list(dict.fromkeys(name for text in texts for name in _VARIABLE.findall(text)))


def asked_for(*texts: str) -> list[str]:
    """Return the names of the variables that a person has to fill in."""
    return [name for name in variables_in(*texts) if name not in BUILT_IN]


def check_syntax(text: str, *, field: str) -> None:
    """Raise Invalid when `{{` begins no variable: it would be published as it is."""
    rest = _VARIABLE.sub("", text)
    found = _OPENING.search(rest)
    if found:
        near = rest[found.start() : found.start() + 20].splitlines()[0]
        raise Invalid("invalid", f"{near!r} is no variable; write {{{{name}}}}", field=field)


def fill(text: str, values: Mapping[str, str], *, field: str) -> str:
    """Return the text with every variable's value. Invalid, naming them, when any is unknown or empty."""
    check_syntax(text, field=field)
    unset = [name for name in variables_in(text) if not values.get(name, "").strip()]
    if unset:
        names = ", ".join(f"{{{{{name}}}}}" for name in unset)
        raise Invalid("unset_variable", f"there is no value for {names}", field=field)
    return _VARIABLE.sub(lambda found: values[found[1]], text)


def fill_what_is_known(text: str, values: Mapping[str, str]) -> str:
    """Return the text with those variables filled in that have a value; the others stay. For previews only."""
    return _VARIABLE.sub(
        lambda found: values[found[1]] if values.get(found[1], "").strip() else found[0], text
    )


def built_in(
    *, page: str, components: Iterable[str], time_zone: str, at: datetime
) -> dict[str, str]:
    """Return the values of the built-in variables at the moment, such as `2 March 2026` and `13:05 CET`."""
    local = at.astimezone(ZoneInfo(time_zone))
    return {
        "page": page,
        "components": listed(list(components)),
        "date": f"{local.day} {_MONTHS[local.month - 1]} {local.year}",
        "time": f"{local:%H:%M} {local:%Z}",
    }


def listed(names: Sequence[str]) -> str:
    """Return `A`, `A and B` or `A, B and C`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
