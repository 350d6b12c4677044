"""The runs' partitions on PostgreSQL: one a day (UTC), made ahead, and a default one for what has none.

Making one locks the default partition for a moment, dropping one the whole table. It is asked for with a timeout: rather give up and try again
later than let the recorder wait behind us for whoever reads for long.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, date, datetime, time, timedelta

from django.db import DatabaseError, connections, transaction

from apps.core.clock import database_now

logger = logging.getLogger(__name__)

TABLE = "monitors_run"
DEFAULT = f"{TABLE}_default"
DAYS_AHEAD = 7
LOCK_TIMEOUT_MS = 500
# So many runs are moved out of the default partition while it is locked: a few tenths of a second.
MOVED_AT_MOST = 50_000
_NAME = re.compile(rf"{TABLE}_(\d{{8}})")


def partition_name(day: date) -> str:
    """Return the name of the table that holds the runs due on `day`."""
    return f"{TABLE}_{day:%Y%m%d}"


def ensure_partitions(*, using: str = "default", today: date | None = None) -> list[str]:
    """Make the partitions of `today` (the database's, UTC) and the next seven days; return those made.

    Runs of such a day that are in the default partition are moved, unless they are too many: a day that cannot be made
    is logged and left, and its runs go on to the default partition. Does nothing where runs are not partitioned.
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


def drop_partitions(*, before: date, using: str = "default") -> list[str]:
    """Drop the partitions of the days before `before`; return those dropped.

    Each is detached first, and dropped when nobody looks for runs there any more: dropping a large table takes a
    while. One that is busy is logged and left for the next call, as is one that was detached by a process that died.
    """
    if connections[using].vendor != "postgresql":
        return []
    existing = _existing(using)
    if existing is None:
        return []
    dropped = []
    for name, day in sorted(_days(using).items()):
        if day >= before:
            continue
        if name in existing and not _execute(
            using, f"ALTER TABLE {TABLE} DETACH PARTITION {name}", subject=name
        ):
            continue
        if _execute(using, f"DROP TABLE IF EXISTS {name}", subject=name):
            dropped.append(name)
    return dropped


def default_holds_runs(using: str = "default") -> bool:
    """Return whether there are runs of a day without a partition; false where runs are not partitioned."""
    if connections[using].vendor != "postgresql" or _existing(using) is None:
        return False
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {DEFAULT})")  # noqa: S608 -- a name of ours
        return bool(cursor.fetchone()[0])


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


def _days(using: str) -> dict[str, date]:
    """Return {name: day} of the tables for days, attached or not."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace ="
            " (SELECT relnamespace FROM pg_class WHERE oid = to_regclass(%s)) AND relname LIKE %s",
            [TABLE, f"{TABLE}\\_%"],
        )
        names = [row[0] for row in cursor.fetchall()]
    found = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match:
            found[name] = datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC).date()
    return found


def _make(name: str, day: date, using: str) -> bool:
    start = datetime.combine(day, time(), tzinfo=UTC).isoformat()
    end = (datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)).isoformat()
    # The names are ours, not input.
    whose = f"WHERE due_at >= '{start}' AND due_at < '{end}'"
    bounds = f"FOR VALUES FROM ('{start}') TO ('{end}')"
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {DEFAULT} {whose} LIMIT {MOVED_AT_MOST + 1}) r"  # noqa: S608 -- names of ours
        )
        misplaced = cursor.fetchone()[0]
    if misplaced > MOVED_AT_MOST:
        logger.warning("partition not made day=%s runs_in_default=%s", day, misplaced)
        return False
    # Made apart and attached: of what others use, only the default partition is locked.
    sql = (
        f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);"  # noqa: S608 -- names of ours
        f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE;"
        f"WITH moved AS (DELETE FROM {DEFAULT} {whose} RETURNING *)"
        f" INSERT INTO {name} SELECT * FROM moved;"
        f"ALTER TABLE {TABLE} ATTACH PARTITION {name} {bounds}"
    )
    return _execute(using, sql, subject=name)


def _execute(using: str, sql: str, *, subject: str) -> bool:
    """Execute it in a transaction that waits for no lock for long; tell whether it was done."""
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            cursor.execute(sql)
    except DatabaseError as error:
        text = str(error).splitlines()[0]
        logger.warning("partition left as it is name=%s error=%s", subject, text)
        return False
    return True
