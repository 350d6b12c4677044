"""What both databases' statements of the engine share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.db import connection

from apps.core.clock import database_now

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
    """Return a raw column as aware UTC: SQLite keeps text, PostgreSQL answers with datetimes."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def as_text(value: datetime | None) -> str | None:
    """Return an instant as SQLite keeps it, comparable as text."""
    return None if value is None else value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Return rows as columns, the form that `unnest` takes; `width` empty columns for no rows."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(width)]


def sqlite_now() -> str:
    """Return SQLite's clock as it compares."""
    return as_text(database_now()) or ""
