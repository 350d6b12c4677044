"""A build costs the same with a day of history and with years of it: statements, and how they are answered."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.pages import services as pages
from apps.pages.models import ClosedDays, Component, MetricPoint, Page, StatusPeriod
from apps.publishing import selectors
from apps.publishing.selectors import read_page
from apps.publishing.snapshot import read_snapshot
from tests import factories as make
from tests.factories import NOW, PERSON

pytestmark = pytest.mark.django_db

# Tables that grow with the years.
LONG = (
    "pages_statusperiod",
    "pages_measurementgap",
    "pages_correction",
    "pages_componentday",
    "pages_metricpoint",
    "pages_metricaggregate",
)


def page_with_history(*, components: int, metrics: int, days: int) -> Page:
    """An outage of every component every five days, all days closed, and points of every metric, all counted."""
    page: Page = make.PageFactory()
    make.PublicationFactory(page=page)
    began = datetime.combine(NOW.date() - timedelta(days=days), time.min, UTC)
    rows = [
        make.ComponentFactory(page=page, period=False, status_since=began)
        for _ in range(components)
    ]
    periods: list[tuple[Any, ...]] = []
    for component in rows:
        at = began
        for _ in range(0, days - 5, 5):
            for status, hours in (("operational", 119), ("major_outage", 1)):
                end = at + timedelta(hours=hours)
                periods.append((component.pk, status, at, end, False))
                at = end
        StatusPeriod.objects.create(component=component, status="operational", started_at=at)
    insert("pages_statusperiod", "component_id, status, started_at, ended_at, spoken", periods)
    insert(
        "pages_componentday",
        "component_id, day, ended_at, built_at, operational_s, maintenance_s, degraded_s, partial_s, major_s, "
        "unmeasured_s, corrections",
        [
            (
                one.pk,
                day.date(),
                day + timedelta(days=1),
                NOW,
                86_400.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                "",
            )
            for one in rows
            for day in (began + timedelta(days=number) for number in range(days))
        ],
    )
    ClosedDays.objects.bulk_create(
        ClosedDays(
            component=one,
            time_zone="UTC",
            first_day=began.date(),
            until=datetime.combine(NOW.date(), time.min, UTC),
            revision=one.pk,
        )
        for one in rows
    )
    for _ in range(metrics):
        metric = make.MetricFactory(page=page)
        MetricPoint.objects.bulk_create(
            MetricPoint(metric=metric, at=NOW - timedelta(days=day, hours=1), value=1.0)
            for day in range(min(days, 40))
        )
    while pages.count_points():
        pass
    return page


def insert(table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    """Write many rows quickly."""
    if not rows:
        return
    column = connection.ops.adapt_datetimefield_value
    marks = ", ".join(["%s"] * len(rows[0]))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})",
            [
                tuple(column(one) if isinstance(one, datetime) else one for one in row)
                for row in rows
            ],
        )


def forget_what_is_held():
    selectors._days._held.clear()
    selectors._series._held.clear()


def reading(page: Page) -> list[str]:
    """Return the statements of one build's reading."""
    with CaptureQueriesContext(connection) as captured, read_snapshot():
        read_page(page.pk, at=NOW)
    return [query["sql"] for query in captured if query["sql"].startswith("SELECT")]


def test_fifty_components_ten_metrics_and_two_years_cost_the_statements_of_one_of_each():
    small = page_with_history(components=1, metrics=1, days=2)
    large = page_with_history(components=50, metrics=10, days=730)
    forget_what_is_held()

    cold = [len(reading(page)) for page in (small, large)]
    warm = [len(reading(page)) for page in (small, large)]

    assert cold[0] == cold[1]
    assert warm[0] == warm[1] == cold[0] - 3

    # What is read of periods is today's, and of closed days the past quarter's: not the 36,500 that there are.
    forget_what_is_held()
    days = [sql for sql in reading(large) if "pages_componentday" in sql]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({days[0]}) AS found")
        assert cursor.fetchone()[0] <= 50 * 93
        periods = [sql for sql in reading(large) if 'FROM "pages_statusperiod"' in sql]
        cursor.execute(f"SELECT COUNT(*) FROM ({periods[0]}) AS found")
        assert cursor.fetchone()[0] <= 50 * 4

    for sql in (*reading(large), *days):
        assert not walked_through(sql), sql


# What leads to the wanted rows alone, in each table's statement.
ENTRIES = {
    "pages_statusperiod": ("component_id", "ended_at"),
    "pages_measurementgap": ("component_id", "ended_at"),
    "pages_correction": ("component_id", "ended_at"),
    "pages_componentday": ("component_id", "day"),
    "pages_metricpoint": ("metric_id", "at"),
    "pages_metricaggregate": ("metric_id", "size_s", "started_at"),
}


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL chooses by what is in the tables"
)
def test_rows_are_entered_by_whose_they_are_and_by_their_time():
    page = page_with_history(components=3, metrics=2, days=10)
    forget_what_is_held()
    statements = [
        (table, sql) for sql in reading(page) for table in LONG if f'FROM "{table}"' in sql
    ]

    assert {table for table, _ in statements} == set(ENTRIES)
    for table, sql in statements:
        plan = entered(sql)
        assert all(column in plan for column in ENTRIES[table]), plan


def entered(sql: str) -> str:
    """Return by which columns SQLite finds the rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = "\n".join(str(row[3]) for row in cursor.fetchall())
    return "\n".join(re.findall(r"\(([^()]*)\)$", plan, re.MULTILINE))


def walked_through(sql: str) -> set[str]:
    """Return the long tables that the database would read from end to end."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = "\n".join(str(row) for row in cursor.fetchall())
            # A partial index that holds only what is wanted may be walked through.
            found = re.findall(r"SCAN (\w+)(?! USING (?:COVERING )?INDEX point_uncounted)", plan)
        else:
            cursor.execute("ANALYZE")
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            # A table of a page or two is rightly read from end to end.
            found = [
                table for table in re.findall(r"Seq Scan on (\w+)", plan) if rows_in(table) > 1_000
            ]
    return set(found) & set(LONG)


def rows_in(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        return int(cursor.fetchone()[0])


def test_a_change_of_status_costs_one_statement_for_closed_days():
    page = page_with_history(components=20, metrics=0, days=3)
    components = list(Component.objects.filter(page=page).order_by("pk"))

    with CaptureQueriesContext(connection) as captured:
        pages.set_staff_status(
            component_id=components[0].pk, status="major_outage", actor=PERSON, at=NOW
        )

    assert sum("pages_closeddays" in query["sql"] for query in captured) == 1
