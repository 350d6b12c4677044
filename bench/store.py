"""How fast runs are stored, beside the bare statement with the same columns, table and batches.

    .venv/bin/python -m bench.store [--rows 60000] [--rounds 5]

`writer` is the recorder's own statement for runs; `bare` is COPY (PostgreSQL) or executemany (SQLite) of values that are already
what the adapter wants. Both write batches of 200, a transaction each, into the table as it is in use.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from bench import stage
from bench.stage import child

BATCH = 200
SCHEDULES = 2000


def rows_from(start: datetime, count: int) -> list[tuple[Any, ...]]:
    """Return runs of SCHEDULES schedules, one a second from `start`."""
    return [
        (
            number % SCHEDULES + 1,
            (due := start + timedelta(seconds=number // SCHEDULES)),
            due + timedelta(milliseconds=3),
            "passed",
            False,
            41,
            38,
            38,
            "",
        )
        for number in range(count)
    ]


def rounds(kind: str, count: int, number: int, pipe: Connection) -> None:
    """Send the row of the table."""
    with stage.prepared(database=kind):
        import django

        django.setup()
        from django.db import connection, transaction

        from apps.monitors.engine import storage
        from apps.monitors.engine.sql import as_text

        def bare_postgresql(batch: list[tuple[Any, ...]]) -> None:
            with connection.cursor() as cursor:
                statement = f"COPY monitors_run ({storage._RUN}) FROM STDIN (FORMAT BINARY)"
                with cursor.copy(statement) as copy:
                    copy.set_types(storage._RUN_TYPES)
                    for row in batch:
                        copy.write_row(row)

        def bare_sqlite(batch: list[tuple[Any, ...]]) -> None:
            marks = ", ".join("?" * 9)
            connection.connection.executemany(
                f"INSERT INTO monitors_run ({storage._RUN}) VALUES ({marks})", batch
            )

        def timed(write: Callable[[Any], None], rows: list[tuple[Any, ...]]) -> tuple[float, float]:
            began, cpu = time.monotonic(), time.process_time()
            for at in range(0, count, BATCH):
                with transaction.atomic():
                    write(rows[at : at + BATCH])
            return count / (time.monotonic() - began), (time.process_time() - cpu) / count * 1e6

        start = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0)
        size, figures = stage.size_of(connection, "monitors_run"), []
        for turn in range(2 * (number + 1)):
            rows = rows_from(start + timedelta(hours=turn), count)
            if turn % 2:
                figures.append(timed(storage.write_runs, rows))
                continue
            if kind == "postgresql":
                figures.append(timed(bare_postgresql, rows))
            else:
                ready = [(row[0], as_text(row[1]), as_text(row[2]), *row[3:]) for row in rows]
                figures.append(timed(bare_sqlite, ready))
        bytes_a_run = (stage.size_of(connection, "monitors_run") - size) / (count * len(figures))
        # The first of each warms up.
        bare, writer = figures[2::2], figures[3::2]
        pipe.send([
            kind,
            stage.spread([rate for rate, _ in bare]),
            stage.spread([rate for rate, _ in writer]),
            stage.spread([ours[0] / floor[0] for ours, floor in zip(writer, bare, strict=True)], 2),
            stage.spread([cpu for _, cpu in bare], 1),
            stage.spread([cpu for _, cpu in writer], 1),
            f"{bytes_a_run:.0f}",
        ])  # fmt: skip


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    stage.begin("store: runs a second")
    rows = []
    for kind in ("postgresql", "sqlite"):
        with child(rounds, kind, options.rows, options.rounds) as pipe:
            rows.append(pipe.recv())
    print("Wanted: a ratio of at least 0.5.")
    stage.table(
        [
            "on",
            "bare rows/s",
            "writer rows/s",
            "ratio",
            "bare CPU µs",
            "writer CPU µs",
            "bytes a run",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
