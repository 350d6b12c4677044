"""How long the admin's lists take with 10,000 monitors that have states, schedules, tallies and runs.

    .venv/bin/python -m bench.admin [--monitors 10000] [--rounds 15]

Each page is asked for through Django's handler with the whole middleware, as a superuser, and beside it the floor: the list of
an empty table, which is what the theme and the log-in cost. The SQL's part is what the database took of it; CPU is that of the
process (on SQLite the database's too), and the ratio is of that.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

from bench import stage
from bench.stage import child

RUNS_OF_EACH = 30
TARGET_MS = 1000
LIST = "/admin/monitors/monitor/"


def pages(monitor: int, location: int, workspace: int, count: int) -> list[tuple[str, str]]:
    """Return (name, address) of what is measured; the first is the floor."""
    find = (
        "/admin/autocomplete/?app_label=integrations&model_name=integration&field_name=monitor"
        f"&dep_workspace={workspace}&term="
    )
    return [
        ("floor: a list without rows", "/admin/incidents/maintenanceseries/"),
        ("list", LIST),
        ("list, second to last page", f"{LIST}?p={max(count // 100 - 1, 1)}"),
        ("list, failing", f"{LIST}?state=failing"),
        ("list, passing", f"{LIST}?state=passing"),
        ("list, not measured", f"{LIST}?state=not_measured"),
        ("list, late by 1 min", f"{LIST}?lag=1min"),
        ("list, location", f"{LIST}?location={location}"),
        ("list, tag", f"{LIST}?tag=t7"),
        ("list, search", f"{LIST}?q=999"),
        ("monitor", f"{LIST}{monitor}/change/"),
        ("monitor, 90 days", f"{LIST}{monitor}/change/?range=90d"),
        ("outages", "/admin/monitors/outage/"),
        ("autocomplete", f"{find}Monitor"),
        ("autocomplete, rare", f"{find}9999"),
    ]


def measured(kind: str, count: int, rounds: int, pipe: Connection) -> None:
    """Send a row for each page, then one for each thing done to all monitors."""
    with stage.prepared(database=kind):
        import django

        django.setup()
        from django.conf import settings
        from django.db import connection
        from django.test import Client
        from django.test.utils import CaptureQueriesContext

        from apps.accounts.models import User
        from apps.monitors.engine.presence import record_presence
        from apps.monitors.models import Location, Monitor

        settings.ALLOWED_HOSTS = ["testserver"]
        settings.STORAGES = settings.STORAGES | {
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
        }
        fill(count)
        stage.analyze(connection)
        client = Client()
        client.force_login(User.objects.create_superuser("bench", password="bench"))
        monitor = Monitor.objects.order_by("pk")[count // 2]
        location = Location.objects.get(code="default")
        floor = 0.0
        for name, url in pages(monitor.pk, location.pk, monitor.workspace_id, count):
            # Signs of life last for seconds.
            record_presence(location_ids=[location.pk], references={})
            walls, cpus, in_sql = [], [], []
            statements = 0
            for turn in range(rounds + 2):
                began, cpu = time.monotonic(), time.thread_time()
                answer = client.get(url)
                wall, used = time.monotonic() - began, time.thread_time() - cpu
                if answer.status_code != 200:
                    raise SystemExit(f"{url}: {answer.status_code}")
                if turn >= 2:
                    walls.append(wall * 1000)
                    cpus.append(used * 1000)
            for _ in range(3):
                with CaptureQueriesContext(connection) as captured:
                    client.get(url)
                statements = len(captured)
                in_sql.append(sum(float(one["time"]) for one in captured) * 1000)
            floor = floor or median(cpus)
            ratio = f"{median(cpus) / floor:.1f}"
            in_sql_ms, cpu_ms = f"{median(in_sql):.0f}", f"{median(cpus):.0f}"
            pipe.send([name, kind, str(statements), stage.spread(walls), in_sql_ms, cpu_ms, ratio])
        for name, seconds in done_to_all(client):
            pipe.send([name, kind, "", f"{seconds * 1000:.0f}", "", "", ""])
    pipe.send(None)


def fill(count: int) -> None:
    """Make the monitors, a twentieth of them paused, failing, erring or late, with some tallies and runs."""
    from django.db import connection
    from django.utils import timezone

    from apps.accounts.models import Workspace
    from apps.core.among import among
    from apps.monitors.engine.presence import record_presence
    from apps.monitors.models import Location, Monitor, MonitorState, Outage, RunHour, Schedule
    from apps.monitors.rollups import tally
    from apps.monitors.services.rollups import HOUR, hour_of
    from bench.rows import make_monitors

    make_monitors(count, lambda number: f"http://127.0.0.1/{number}", interval_s=60, is_due=True)
    now = timezone.now()
    record_presence(location_ids=list(Location.objects.values_list("pk", flat=True)), references={})
    others = [Workspace.objects.create(name=f"Team {number:02}") for number in range(20)]
    monitors = list(Monitor.objects.order_by("pk").values_list("pk", flat=True))
    schedules = list(Schedule.objects.order_by("pk").values_list("pk", flat=True))

    def every(rows: list[int], step: int, first: int) -> Any:
        return among(rows[first::step])

    Monitor.objects.update(created_at=now - timedelta(days=100))
    for place in range(50):
        Monitor.objects.filter(pk__in=every(monitors, 50, place)).update(tags=[f"t{place}", "shop"])
    for place, workspace in enumerate(others):
        Monitor.objects.filter(pk__in=every(monitors, 25, place)).update(workspace=workspace)
    Monitor.objects.filter(pk__in=every(monitors, 20, 0)).update(enabled=False)
    Schedule.objects.update(last_result="passed", last_finished_at=now, last_due_at=now)
    for place, changes in enumerate(
        (
            {"is_active": False, "next_run_at": None},
            {"last_result": "error"},
            {"next_run_at": now - timedelta(minutes=5)},
        )
    ):
        Schedule.objects.filter(pk__in=every(schedules, 20, place)).update(**changes)
    failing = every(monitors, 20, 3)
    MonitorState.objects.filter(pk__in=failing).update(is_failing=True, changed_at=now)
    Outage.objects.bulk_create(
        (
            Outage(monitor_id=key, started_at=at, opened_at=at, closed_at=end, reason="status is 503")
            for place, key in enumerate(monitors)
            for number in range(3)
            for at in [now - timedelta(days=8 * number, minutes=5)]
            for end in [None if number == 0 and place % 20 == 3 else at + timedelta(minutes=4)]
        ),
        batch_size=5000,
    )  # fmt: skip
    part = tally([("passed", 120, 55), ("passed", 340, 4), ("failed", None, 1)])
    last = hour_of(now)
    RunHour.objects.bulk_create(
        (RunHour.of(key, last - hours * HOUR, part) for key in schedules for hours in range(1, 7)),
        batch_size=5000,
    )
    columns = (
        "INSERT INTO monitors_run (schedule_id, due_at, started_at, result, is_manual, duration_ms,"
        " response_time_ms, slowest_request_ms, reason)"
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"{columns} SELECT s.id, d, d, 'passed', false, 130, 120 + n, 120 + n, ''"
                " FROM monitors_schedule s CROSS JOIN generate_series(1, %s) n,"
                " LATERAL (SELECT now() - n * interval '1 min' d) x",
                [RUNS_OF_EACH],
            )
            return
        cursor.execute(
            f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < %s) {columns}"
            " SELECT s.id, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', -n || ' minutes'),"
            " strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'), 'passed', 0, 130, 120 + n, 120 + n, ''"
            " FROM monitors_schedule s CROSS JOIN n",
            [RUNS_OF_EACH],
        )


def done_to_all(client: Any) -> list[tuple[str, float]]:
    """Return (what, seconds) of what is done to all monitors at once."""

    def ask(action: str, **more: str) -> Callable[[], Any]:
        data = {
            "action": action,
            "select_across": "1",
            "index": "0",
            "_selected_action": "1",
            **more,
        }
        return lambda: client.post(LIST, data)

    found = []
    for action, more in (
        ("pause_chosen", {}),
        ("resume_chosen", {}),
        ("run_chosen", {}),
        ("tag_chosen", {"tag": "all"}),
        ("untag_chosen", {"tag": "all"}),
    ):
        began = time.monotonic()
        question = ask(action)()
        found.append((f"{action}: the question", time.monotonic() - began))
        found_it = re.search(r'name="expected" value="(\d+)"', question.content.decode())
        expected = found_it[1] if found_it else "0"
        began = time.monotonic()
        answer = ask(action, expected=expected, **more)()
        found.append((f"{action}: {expected}", time.monotonic() - began))
        if answer.status_code != 302:
            raise SystemExit(f"{action}: {answer.status_code}")
    return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--monitors", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    stage.begin(f"admin: lists with {options.monitors:,} monitors")
    rows = []
    for kind in ("postgresql", "sqlite"):
        with child(measured, kind, options.monitors, options.rounds) as pipe:
            while row := pipe.recv():
                rows.append(row)
    print(f"Wanted: each list below {TARGET_MS} ms.")
    stage.table(["page", "on", "statements", "ms", "of it SQL", "CPU ms", "times the floor"], rows)


if __name__ == "__main__":
    main()
