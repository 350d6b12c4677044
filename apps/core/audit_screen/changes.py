"""An event's changes as lines of a table: field, before, after."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from apps.core.models import AuditEvent

NOTHING = "–"
# What a list shows of a value; the event's own page shows all.
SHORT = 200
_UNIT = re.compile(r" (ms|s)$")


@dataclass(frozen=True, slots=True)
class Line:
    """One field. `is_change` is false for what an event only tells of."""

    field: str
    before: str
    after: str
    is_change: bool = True


def model_of(object_type: str) -> type[models.Model] | None:
    """Return the model that an event is about; None for one that is no more."""
    try:
        return apps.get_model(object_type)
    except (LookupError, ValueError):
        return None


def lines_of(event: AuditEvent, *, at_most: int | None = None) -> list[Line]:
    """Return the event's changes in words, values cut to `at_most` characters."""
    model = model_of(event.object_type)
    lines = []
    # PostgreSQL keeps no order of keys.
    for name, change in sorted(event.changes.items()):
        label = _label(model, name)
        if isinstance(change, list) and len(change) == 2:
            before, after = (_cut(_words(value), at_most) for value in change)
            lines.append(Line(label, before, after))
        else:
            lines.append(Line(label, "", _cut(_words(change), at_most), is_change=False))
    return lines


def _label(model: type[models.Model] | None, name: str) -> str:
    """Return what the forms call a column; a part such as `requests[0].url` stays as it is."""
    if "[" in name or "." in name:
        return name
    try:
        field: Any = model._meta.get_field(name.removesuffix("_id")) if model else None
        text = str(field.verbose_name) if field else name
    except (FieldDoesNotExist, AttributeError):
        text = name
    text = _UNIT.sub(r" (\1)", text.replace("_", " "))
    return text[:1].upper() + text[1:]


def _words(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return ", ".join(map(str, value))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)
    return str(value)


def _cut(text: str, at_most: int | None) -> str:
    return text if at_most is None or len(text) <= at_most else text[: at_most - 1] + "…"
