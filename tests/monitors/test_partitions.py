"""Runs are stored as they are used: by day on PostgreSQL, by key on SQLite."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction

from apps.core.clock import database_now
from apps.monitors.models import Location, Run
from apps.monitors.partitions import (
    DEFAULT,
    LOCK_TIMEOUT_MS,
    default_holds_runs,
    drop_partitions,
    ensure_partitions,
    partition_name,
)
from tests.factories import RunFactory, ScheduleFactory
from tests.monitors.conftest import needs_postgresql
from tests.racing import at_once

pytestmark = pytest.mark.django_db

FAR = date(2040, 5, 1)
ONE = timedelta(days=1)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def holding_table(run: Run) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM monitors_run WHERE schedule_id = %s AND due_at = %s",
            [run.schedule_id, run.due_at],
        )
        return str(cursor.fetchone()[0])


@pytest.mark.postgres
@needs_postgresql
def test_todays_runs_are_in_todays_partition():
    run = RunFactory(due_at=database_now())

    assert holding_table(run) == partition_name(run.due_at.date())


@pytest.mark.postgres
@needs_postgresql
def test_partitions_are_made_eight_days_at_a_time_and_once():
    made = ensure_partitions(today=FAR)

    assert made == [partition_name(FAR + timedelta(days=ahead)) for ahead in range(8)]
    assert ensure_partitions(today=FAR) == []


@pytest.mark.postgres
@needs_postgresql
def test_runs_in_the_default_partition_are_moved_to_their_day_s():
    run = RunFactory(due_at=datetime(2040, 5, 3, 12, tzinfo=UTC))
    other = RunFactory(due_at=datetime(2040, 5, 20, tzinfo=UTC))
    assert holding_table(run) == DEFAULT
    assert default_holds_runs()

    made = ensure_partitions(today=FAR)

    assert len(made) == 8
    assert holding_table(run) == partition_name(date(2040, 5, 3))
    assert holding_table(other) == DEFAULT
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = %s", [made[2]])
        assert cursor.fetchone()[0] == 2


@pytest.mark.postgres
@needs_postgresql
def test_partitions_of_days_before_are_dropped_also_one_that_was_only_detached():
    ensure_partitions(today=FAR)
    gone, kept = RunFactory(due_at=noon(FAR)), RunFactory(due_at=noon(FAR + 2 * ONE))
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE monitors_run DETACH PARTITION {partition_name(FAR + ONE)}")

    dropped = drop_partitions(before=FAR + 2 * ONE)

    assert dropped[-2:] == [partition_name(FAR), partition_name(FAR + ONE)]
    assert drop_partitions(before=FAR + 2 * ONE) == []
    assert list(Run.objects.values_list("schedule_id", flat=True)) == [kept.schedule_id]
    assert gone.schedule_id != kept.schedule_id


@pytest.mark.postgres
@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_who_reads_for_long_holds_up_dropping_and_dropping_holds_up_nobody(caplog: Any):
    ensure_partitions(today=FAR)
    schedule = ScheduleFactory()
    reading, over = threading.Event(), threading.Event()
    waited: list[float] = []

    def read() -> None:
        with transaction.atomic():
            Run.objects.filter(due_at__gte=noon(FAR)).count()
            reading.set()
            over.wait(30)

    def record() -> None:
        reading.wait(30)
        for number in range(20):
            began = time.monotonic()
            RunFactory(
                schedule=schedule, due_at=noon(FAR + 3 * ONE) + number * timedelta(minutes=1)
            )
            waited.append(time.monotonic() - began)
            time.sleep(0.05)
        over.set()

    def drop() -> list[str]:
        reading.wait(30)
        return drop_partitions(before=FAR + ONE)

    outcomes = at_once([read, record, drop])

    assert outcomes == [None, None, []]
    assert max(waited) < 2 * LOCK_TIMEOUT_MS / 1000
    assert "lock timeout" in caplog.text
    assert partition_name(FAR) in drop_partitions(before=FAR + ONE)
    drop_partitions(before=FAR + 8 * ONE)
    ensure_partitions()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the database is no SQLite")
def test_on_sqlite_the_key_is_the_table():
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'monitors_run'")
        sql = cursor.fetchone()[0]

    assert sql.endswith("WITHOUT ROWID")
    assert ensure_partitions() == drop_partitions(before=FAR) == []
    assert not default_holds_runs()


@pytest.mark.django_db(transaction=True)
def test_the_storage_is_undone_and_made_again_with_its_runs():
    migration = import_module("apps.monitors.migrations.0002_run_storage")
    schedule = ScheduleFactory()
    runs = {RunFactory(schedule=schedule).due_at for _ in range(3)}

    with connection.schema_editor() as editor:
        migration.store_plainly(apps, editor)
    assert set(Run.objects.values_list("due_at", flat=True)) == runs
    with connection.schema_editor() as editor:
        migration.store_by_use(apps, editor)

    assert set(Run.objects.values_list("due_at", flat=True)) == runs


def test_migrating_again_leaves_one_default_location():
    call_command("migrate", "monitors", verbosity=0)

    assert Location.objects.filter(code="default").count() == 1
