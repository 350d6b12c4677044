"""Many integers as one parameter."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.among import among
from apps.monitors.models import Monitor
from tests.factories import MonitorFactory

pytestmark = pytest.mark.django_db


def test_rows_are_found_by_their_keys_with_one_parameter() -> None:
    wanted = [MonitorFactory().pk, MonitorFactory().pk]
    MonitorFactory()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = Monitor.objects.filter(pk__in=among(wanted)).order_by("pk")

        assert [row.pk for row in found] == wanted

    assert len(queries) == 1


def test_no_key_finds_nothing() -> None:
    MonitorFactory()

    assert not Monitor.objects.filter(pk__in=among([])).exists()


def test_ten_thousand_keys_are_no_more_parameters_than_one() -> None:
    monitor = MonitorFactory()

    assert Monitor.objects.filter(pk__in=among(range(monitor.pk, monitor.pk + 10_000))).count() == 1
