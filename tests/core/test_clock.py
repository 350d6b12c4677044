"""The database's clock, as a value and in expressions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from apps.core.clock import DatabaseNow, database_now
from apps.core.models import Heartbeat

pytestmark = pytest.mark.django_db


def test_the_databases_time_is_about_ours_and_aware():
    assert abs(database_now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_it_goes_on_within_a_transaction():
    assert database_now() <= database_now()


def test_it_can_be_written_moved_and_compared():
    Heartbeat.objects.create(name="beat", at=DatabaseNow())
    Heartbeat.objects.create(name="late", at=DatabaseNow() - timedelta(seconds=90))
    Heartbeat.objects.create(name="lease", at=DatabaseNow() + timedelta(seconds=15))

    beats = Heartbeat.objects.filter(at__lte=DatabaseNow())
    stale = Heartbeat.objects.filter(at__lt=DatabaseNow() - timedelta(seconds=60))

    assert set(beats.values_list("name", flat=True)) == {"beat", "late"}
    assert [row.name for row in stale] == ["late"]
    lease = Heartbeat.objects.get(name="lease").at - datetime.now(UTC)
    assert timedelta(seconds=5) < lease < timedelta(seconds=16)


def test_it_can_be_read_beside_a_row():
    Heartbeat.objects.create(name="beat", at=datetime(2026, 3, 2, tzinfo=UTC))

    row = Heartbeat.objects.annotate(now=DatabaseNow()).filter(now__gt=F("at")).get()

    assert abs(row.now - datetime.now(UTC)) < timedelta(seconds=5)
