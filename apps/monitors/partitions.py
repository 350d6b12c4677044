"""The runs' partitions on PostgreSQL: one a day (UTC), made ahead, and a default one for what has none."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, time, timedelta

from django.db import DatabaseError, connections, transaction

from apps.core.clock import database_now

logger = logging.getLogger(__name__)

TABLE = "monitors_run"
DAYS_AHEAD = 7
# Making a partition locks the whole table: rather give up and try again than make the recorder wait.
LOCK_TIMEOUT_MS = 2000


def partition_name(day: date) -> str:
    """Return the name of the table that holds the runs due on `day`."""
    return f"{TABLE}_{day:%Y%m%d}"


def ensure_partitions(*, using: str = "default", today: date | None = None) -> list[str]:
    """Make the partitions of `today` (the database's, UTC) and the next seven days; return those made.

    Does nothing where runs are not partitioned. A day that cannot be made, because the default partition
    holds runs of it or the table is busy, is logged and left: its runs go to the default partition.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    first = today or database_now(using).date()
    existing = _existing(using)
    if existing is None:
        return []
    made = []
    for day in (first + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)):
        name = partition_name(day)
        if name not in existing and _make(name, day, using):
            made.append(name)
    return made


def _existing(using: str) -> set[str] | None:
    """Return the partitions' names; None when the table is not partitioned (yet)."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", [TABLE])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(
            "SELECT child.relname FROM pg_inherits"
            " JOIN pg_class child ON child.oid = inhrelid"
            " WHERE inhparent = to_regclass(%s)",
            [TABLE],
        )
        return {row[0] for row in cursor.fetchall()}


def _make(name: str, day: date, using: str) -> bool:
    start = datetime.combine(day, time(), tzinfo=UTC)
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            # Two processes may make it at once; the name is ours, not input.
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {TABLE}"
                f" FOR VALUES FROM ('{start.isoformat()}')"
                f" TO ('{(start + timedelta(days=1)).isoformat()}')"
            )
    except DatabaseError as error:
        logger.warning("partition not made day=%s error=%s", day, str(error).splitlines()[0])
        return False
    return True
