"""How long a tick takes: claim what is due within the next two seconds of 10,000 and 100,000 schedules, and send it.

    .venv/bin/python -m bench.tick [--ticks 30]

A sixtieth of the schedules is due at each tick, as with an interval of a minute; between ticks they are let go again, which is
not measured. Nobody takes the messages.
"""

from __future__ import annotations

import argparse
import random
import time
from multiprocessing.connection import Connection

from bench import stage
from bench.stage import child

COUNTS = (10_000, 100_000)
TARGETS_MS = {10_000: 10, 100_000: 100}


def ticks(kind: str, number: int, pipe: Connection) -> None:
    """Send a row for each count."""
    with stage.prepared(database=kind, redis=kind == "postgresql"):
        import django

        django.setup()
        from django.db import connection

        from apps.monitors.engine.dispatch import dispatch
        from bench.rows import make_due, make_monitors, release
        from statusplatform.celery import app

        schedules: list[int] = []
        chooser = random.Random(1)
        for count in COUNTS:
            schedules += make_monitors(count - len(schedules), lambda n: f"http://127.0.0.1/{n}")
            stage.analyze(connection)
            walls, cpus, claimed = [], [], 0
            for turn in range(number + 5):
                due = chooser.sample(schedules, count // 60)
                make_due(due)
                began, cpu = time.monotonic(), time.thread_time()
                claimed += dispatch()
                if turn >= 5:
                    walls.append((time.monotonic() - began) * 1000)
                    cpus.append((time.thread_time() - cpu) * 1000)
                release(due)
            if claimed != (number + 5) * (count // 60):
                raise SystemExit(f"{claimed} claims")
            pipe.send(
                [
                    f"{count:,}",
                    kind,
                    str(count // 60),
                    stage.spread(walls, 1),
                    stage.spread(cpus, 1),
                ]
            )
        app.close()
    pipe.send(None)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=30)
    options = parser.parse_args()
    stage.begin("tick: claim and send what is due")
    rows = []
    for kind in ("postgresql", "sqlite"):
        with child(ticks, kind, options.ticks) as pipe:
            while row := pipe.recv():
                rows.append(row)
    print("Wanted on PostgreSQL: a median below 10 ms at 10,000 and below 100 ms at 100,000.")
    stage.table(["schedules", "on", "due a tick", "tick ms", "its process's CPU ms"], rows)


if __name__ == "__main__":
    main()
