"""A monitor's pages cost the same with few runs and with two hundred thousand: by statements, and by their plans."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.clock import database_now
from apps.monitors.models import Monitor, Run, Schedule
from apps.monitors.partitions import DEFAULT
from apps.monitors.services.rollups import DAY, HOUR, RunProgress, day_of, hour_of
from tests.factories import LocationFactory, MonitorFactory, ScheduleFactory

pytestmark = pytest.mark.django_db

RUNS = 200_000
# Those of the monitor that is looked at are a twentieth.
SCHEDULES = 20


def bulk(first: Schedule, number: int) -> None:
    """Write runs of `SCHEDULES` schedules, one every 20 s until now, in one statement."""
    columns = (
        "INSERT INTO monitors_run (schedule_id, due_at, started_at, result, is_manual, duration_ms,"
        " response_time_ms, slowest_request_ms, reason)"
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"{columns} SELECT %s + n %% %s, d, d, 'passed', false, 90, 90, 90, ''"
                " FROM generate_series(0, %s) n,"
                " LATERAL (SELECT now() - (n / %s) * interval '20 s' - interval '1 s' d) x",
                [first.pk, SCHEDULES, number - 1, SCHEDULES],
            )
            cursor.execute("ANALYZE monitors_run")
            return
        cursor.execute(
            f"WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < %s) {columns}"
            " SELECT %s + n %% %s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-1 seconds',"
            " (-20 * (n / %s)) || ' seconds'), strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'), 'passed', 0, 90, 90, 90, '' FROM s",
            [number - 1, first.pk, SCHEDULES, SCHEDULES],
        )


@pytest.fixture
def monitor() -> Monitor:
    """A monitor at one of twenty locations; the runs of a day and a half are counted but for two hours."""
    now = database_now()
    for work in RunProgress.Work:
        until = hour_of(now) - HOUR if work == "hours" else day_of(now - HOUR)
        RunProgress.objects.create(work=work, until=until)
    monitors = [MonitorFactory() for _ in range(SCHEDULES)]
    schedules = [
        ScheduleFactory(monitor=monitor, location=LocationFactory(), last_due_at=now)
        for monitor in monitors
    ]
    assert [row.pk for row in schedules] == list(
        range(schedules[0].pk, schedules[0].pk + SCHEDULES)
    )
    bulk(schedules[0], 200 * SCHEDULES)
    found: Monitor = monitors[0]
    return found


def pages(monitor: Monitor) -> list[str]:
    middle = database_now() - timedelta(minutes=30)
    return [
        reverse("admin:monitors_monitor_change", args=[monitor.pk]),
        reverse("admin:monitors_monitor_runs", args=[monitor.pk]),
        reverse("admin:monitors_monitor_runs", args=[monitor.pk])
        + f"?before={int(middle.timestamp() * 1_000_000)}-1",
    ]


def of_runs(console: Client, url: str) -> tuple[int, list[str]]:
    """Return how many statements a page takes, and those that read runs."""
    with CaptureQueriesContext(connection) as asked:
        assert console.get(url).status_code == 200
    statements = [query["sql"] for query in asked.captured_queries]
    return len(statements), [sql for sql in statements if '"monitors_run"' in sql]


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        how = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{how} {sql.replace('%', '%%')}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_pages_take_as_many_statements_for_few_runs_as_for_two_hundred_thousand(
    console: Client, monitor: Monitor
):
    # Once before, for what is read once in a process.
    before = [of_runs(console, url)[0] for url in pages(monitor) * 2][3:]
    Run.objects.all().delete()
    bulk(monitor.schedules.get(), RUNS)

    after = [of_runs(console, url)[0] for url in pages(monitor)]

    assert after == before


def test_what_reads_runs_reads_by_key_and_counts_none(console: Client, monitor: Monitor):
    Run.objects.all().delete()
    bulk(monitor.schedules.get(), RUNS)

    statements = [sql for url in pages(monitor) for sql in of_runs(console, url)[1]]

    assert len(statements) >= 4
    for sql in statements:
        by_hour = "GROUP BY" in sql
        # Only the hours that are not counted yet are counted here.
        assert by_hour or ("COUNT(" not in sql and "LIMIT" in sql)
        found = plan(sql)
        if connection.vendor == "sqlite":
            assert "SEARCH monitors_run USING PRIMARY KEY (schedule_id=?" in found
            assert "SCAN monitors_run" not in found
            assert ("due_at>? AND due_at<?" in found) == by_hour
        else:
            # The empty partitions of the days ahead are read as they come, at the price of nothing.
            assert not _scanned(found) & _filled(), found
            assert "_pkey" in found or "_due_at" in found or "Bitmap" in found, found


def test_the_oldest_page_of_the_list_costs_what_the_newest_does(console: Client, monitor: Monitor):
    Run.objects.all().delete()
    bulk(monitor.schedules.get(), RUNS)
    first, newest = pages(monitor)[1], Run.objects.order_by("due_at").first()
    assert newest is not None
    oldest = f"{first}?before={int((newest.due_at + HOUR).timestamp() * 1_000_000)}-1"

    costs = [of_runs(console, url)[0] for url in (first, oldest)]

    assert costs[0] == costs[1]
    assert newest.due_at < database_now() - DAY


def _scanned(found: str) -> set[str]:
    return {
        line.split(" on ")[1].split()[0] for line in found.splitlines() if "Seq Scan on" in line
    }


def _filled() -> set[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM monitors_run")
        names = {row[0] for row in cursor.fetchall()}
    assert DEFAULT in names
    return names
