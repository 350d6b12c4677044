"""The audit trail as a file, made while it is sent: its length costs no memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from apps.core.models import AuditEvent

COLUMNS = (
    *("id", "at", "actor_kind", "actor_key", "actor_label", "action", "object_type", "object_id"),
    *("object_label", "channel", "address", "session", "changes"),
)
# Programs that open CSV files calculate what begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """Give one JSON object a line; times in UTC."""
    for event in events:
        yield json.dumps(_values(event), ensure_ascii=False) + "\n"


def as_csv(events: Iterable[AuditEvent]) -> Iterator[str]:
    """Give a header and one line an event; `changes` is JSON. A cell that a program would calculate begins with '."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for event in events:
        values = _values(event)
        values["changes"] = json.dumps(values["changes"], ensure_ascii=False)
        writer.writerow([harmless(str(values[name])) for name in COLUMNS])
        yield _taken(buffer)
    yield _taken(buffer)


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _values(event: AuditEvent) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in COLUMNS}
    values["at"] = event.at.astimezone(UTC).isoformat(timespec="milliseconds")
    return values


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
