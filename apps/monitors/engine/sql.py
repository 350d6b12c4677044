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
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Key = tuple[int, int]
"""(schedule id, claim number)."""


def vendor() -> Literal["postgresql", "sqlite"]:
    """Return which database this is."""
    return "postgresql" if connection.vendor == "postgresql" else "sqlite"


def stamp(column: str) -> str:
    """Return an expression for a column of instants as `as_instant` takes it, quickest to read.

    Microseconds since 1970 on PostgreSQL and text on SQLite: the databases' adapters take 5 µs to make a datetime of each.
    """
    if vendor() == "postgresql":
        return f"(extract(epoch FROM {column}) * 1000000)::bigint"
    return f"{column} || ''"


def as_instant(value: Any) -> datetime | None:
    """Return what was read of a `stamp`, or of a raw column, as aware UTC."""
    if value is None:
        return None
    if isinstance(value, int):
        return _EPOCH + timedelta(microseconds=value)
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def as_text(value: datetime | None) -> str | None:
    """Return an instant as SQLite keeps it, comparable as text."""
    if value is None:
        return None
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    # Without the offset, +00:00.
    return in_utc.isoformat(" ")[:-6]


def as_array(numbers: Iterable[int]) -> str:
    """Return integers as PostgreSQL writes an array of them; an adapter takes longer for each than a check's row."""
    return f"{{{','.join(map(str, numbers))}}}"
