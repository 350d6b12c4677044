"""Runs are stored as they are used: by day on PostgreSQL, by key on SQLite."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from apps.core.clock import database_now
from apps.monitors.models import Location, Run
from apps.monitors.partitions import ensure_partitions, partition_name
from tests.factories import RunFactory, ScheduleFactory
from tests.monitors.conftest import needs_postgresql

pytestmark = pytest.mark.django_db

FAR = date(2040, 5, 1)


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
def test_a_day_of_which_the_default_partition_holds_runs_is_left(caplog: Any):
    run = RunFactory(due_at=datetime(2040, 5, 3, 12, tzinfo=UTC))
    assert holding_table(run) == "monitors_run_default"

    made = ensure_partitions(today=FAR)

    assert partition_name(date(2040, 5, 3)) not in made
    assert len(made) == 7
    assert "2040-05-03" in caplog.text
    assert Run.objects.filter(schedule_id=run.schedule_id).exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the database is no SQLite")
def test_on_sqlite_the_key_is_the_table():
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'monitors_run'")
        sql = cursor.fetchone()[0]

    assert sql.endswith("WITHOUT ROWID")
    assert ensure_partitions() == []


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
