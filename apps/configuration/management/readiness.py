"""Say in one line why a command cannot use the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


@contextmanager
def usable_database() -> Iterator[None]:
    """Turn the error of a database that is away or not migrated into a CommandError; others rise."""
    try:
        yield
    except DatabaseError as error:
        reason = _reason()
        if reason is None:
            raise
        raise CommandError(reason) from error


def _reason() -> str | None:
    try:
        executor = MigrationExecutor(connection)
        is_behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        said = str(error).strip() or type(error).__name__
        return f"the database cannot be used: {said.splitlines()[0]}"
    if is_behind:
        return "the database is not migrated; run `manage.py migrate` first (`manage.py up` does it by itself)"
    return None
