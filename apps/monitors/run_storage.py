"""How much room runs take. For measurements: it counts rows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections

from apps.monitors.partitions import TABLE


@dataclass(frozen=True, slots=True)
class RunStorage:
    """The runs' table with its indexes and partitions."""

    rows: int
    size_bytes: int

    @property
    def bytes_a_run(self) -> float | None:
        return self.size_bytes / self.rows if self.rows else None


def run_storage(using: str = "default") -> RunStorage:
    """Return the rows and the room on disk, on PostgreSQL over all partitions.

    On SQLite it is the pages of the table where the library was built to tell (`dbstat`), else all of the file's pages
    that are in use.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {TABLE}")  # noqa: S608 -- a name of ours
        rows = cursor.fetchone()[0]
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT coalesce(sum(pg_total_relation_size(relid)), 0) FROM pg_partition_tree(%s)",
                [TABLE],
            )
            return RunStorage(rows, int(cursor.fetchone()[0]))
        cursor.execute("SELECT 1 FROM pragma_module_list WHERE name = 'dbstat'")
        if cursor.fetchone():
            cursor.execute("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = %s", [TABLE])
        else:
            cursor.execute(
                "SELECT (page_count - freelist_count) * page_size"
                " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
            )
        return RunStorage(rows, int(cursor.fetchone()[0]))
