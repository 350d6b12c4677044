"""The database's clock. Leases and due times are compared on it, so that hosts need not agree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import connections, models
from django.db.models import Func


class DatabaseNow(Func):
    """The database's present time (aware UTC), moving within a transaction on PostgreSQL too."""

    function = "CLOCK_TIMESTAMP"
    template = "%(function)s()"
    arity = 0
    output_field = models.DateTimeField()

    def as_sqlite(  # type: ignore[override]  # Django gives lists, where its stubs say tuples.
        self, compiler: Any, connection: Any, **_: Any
    ) -> tuple[str, list[Any]]:
        """SQLite keeps instants as text; its clock in the same form compares as text."""
        return "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')", []


def database_now(using: str = "default") -> datetime:
    """Return the database's present time (aware UTC)."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT clock_timestamp()")
            value = cursor.fetchone()[0]
            return value.astimezone(UTC)  # type: ignore[no-any-return]
        cursor.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        return datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)
