"""What both databases' statements of the engine share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.db import connection

# A claim that nobody adopts within this is claimed again.
CLAIM_LEASE = timedelta(seconds=5)
# An engine renews what it holds every RENEW_S, so it may be late twice.
HELD_LEASE = timedelta(seconds=15)
RENEW_S = 5.0

Key = tuple[int, int]
"""(schedule id, claim number)."""


def vendor() -> Literal["postgresql", "sqlite"]:
    """Return which database this is."""
    return "postgresql" if connection.vendor == "postgresql" else "sqlite"


def as_instant(value: Any) -> datetime | None:
    """Return a raw column as aware UTC: SQLite gives text, or a naive datetime where it knows the column."""
    if value is None:
        return None
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def as_text(value: datetime | None) -> str | None:
    """Return an instant as SQLite keeps it, comparable as text."""
    return None if value is None else value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Return rows as columns, the form that `unnest` takes; `width` empty columns for no rows."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(width)]
