"""One read snapshot for many queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_BEGIN = {
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    # Not Django's own BEGIN IMMEDIATE: reading must never take the one write lock.
    "sqlite": "BEGIN DEFERRED",
}


@contextmanager
def read_snapshot() -> Iterator[None]:
    """Let all queries inside see the database as it is at the first of them. Nothing may be written inside.

    Inside a transaction that is open already its own view is used.
    """
    if connection.in_atomic_block:
        yield
        return
    # Begun by hand on the idle autocommit connection; Django's atomic() knows no read-only form.
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN[connection.vendor])
        try:
            yield
        finally:
            if connection.connection is not None and not connection.closed_in_transaction:
                cursor.execute("ROLLBACK")
