"""A database clock that a test can set, on both databases, for every connection of the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, connections
from django.db.backends.signals import connection_created

_POSTGRESQL = """
CREATE SCHEMA settable_clock;
CREATE TABLE settable_clock.clock (ahead interval);
INSERT INTO settable_clock.clock VALUES (interval '0');
CREATE FUNCTION settable_clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT pg_catalog.statement_timestamp() + ahead FROM settable_clock.clock';
CREATE FUNCTION settable_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT pg_catalog.clock_timestamp() + ahead FROM settable_clock.clock';
"""


class SettableClock:
    """How far the database's clock is ahead of the true time (negative: behind)."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def move(self, by: timedelta) -> None:
        """Set the clock forward, or back."""
        self.ahead += by
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("UPDATE settable_clock.clock SET ahead = %s", [self.ahead])

    def install(self, wrapper: Any) -> None:
        """Make a connection go by this clock."""
        if wrapper.vendor == "postgresql":
            with wrapper.cursor() as cursor:
                cursor.execute("SET search_path = settable_clock, pg_catalog, public")
        else:
            wrapper.connection.create_function("strftime", -1, self._strftime)

    def _strftime(self, form: str, moment: Any, *further: str) -> Any:
        if (form, moment) != ("%Y-%m-%d %H:%M:%f", "now"):
            # Not the present: SQLite's own answer. A connection that lives on after the test never gets it back.
            with closing(sqlite3.connect(":memory:")) as own:
                marks = ", ".join("?" * (2 + len(further)))
                return own.execute(
                    f"SELECT strftime({marks})", (form, moment, *further)
                ).fetchone()[0]
        now = datetime.now(UTC) + self.ahead
        for text in further:
            now += timedelta(seconds=float(text.removesuffix(" seconds")))
        return now.replace(tzinfo=None).isoformat(" ", "milliseconds")


@contextmanager
def settable_database_clock() -> Iterator[SettableClock]:
    """Let a test set the database's clock. On PostgreSQL other connections see it in tests with transaction=True."""
    clock = SettableClock()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_POSTGRESQL)

    def on_connection(connection: Any, **_: Any) -> None:
        clock.install(connection)

    connection_created.connect(on_connection)
    connection.ensure_connection()
    clock.install(connection)
    try:
        yield clock
    finally:
        connection_created.disconnect(on_connection)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("RESET search_path; DROP SCHEMA settable_clock CASCADE")
        elif connection.in_atomic_block:
            # The connection lives on, with its transaction: it goes by the true time again.
            clock.ahead = timedelta(0)
        else:
            connections.close_all()
