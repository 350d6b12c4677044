"""The overview and the policy that its pages are sent with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.core.csp import HEADER
from apps.integrations.models import Delivery
from tests.factories import (
    ComponentFactory,
    DeliveryFactory,
    IncidentFactory,
    MonitorFactory,
    OutageFactory,
    ScheduleFactory,
)

pytestmark = pytest.mark.django_db


def _text(console: Client) -> str:
    return console.get(reverse("admin:index")).content.decode()


def test_a_new_installation_is_told_the_first_steps(console: Client):
    text = _text(console)

    assert "First steps" in text
    assert "No worker has been seen yet" in text


def test_the_overview_says_what_is_wrong(console: Client):
    OutageFactory(monitor=MonitorFactory(name="Orders"), reason="status is 503")
    IncidentFactory(name="Orders fail")
    DeliveryFactory(state=Delivery.State.DEAD, last_error="410 gone")
    ComponentFactory(status="major_outage")

    text = _text(console)

    assert "status is 503" in text
    assert "Orders fail" in text
    assert "410 gone" in text
    assert "1 of 1 components not operational" in text


def test_a_late_scheduler_is_noticed(console: Client):
    ScheduleFactory(next_run_at=timezone.now() - timedelta(minutes=5))

    assert "Monitors run late" in _text(console)


def test_queries_of_the_overview_do_not_grow(console: Client, django_assert_max_num_queries):
    OutageFactory()
    IncidentFactory()
    DeliveryFactory(state=Delivery.State.DEAD)
    ComponentFactory()
    _text(console)
    with django_assert_max_num_queries(60) as few:
        _text(console)
    for _ in range(5):
        OutageFactory()
        IncidentFactory()
        DeliveryFactory(state=Delivery.State.DEAD)
        ComponentFactory()

    with django_assert_max_num_queries(len(few)):
        _text(console)


def test_only_the_console_may_evaluate_scripts(console: Client):
    inside = console.get(reverse("admin:index")).headers[HEADER]
    outside = console.get("/nothing-here").headers[HEADER]

    assert "script-src 'self' 'unsafe-eval'" in inside
    assert "unsafe" not in outside
    assert "default-src 'self'" in outside


def test_the_schedulers_own_tables_are_nobodys_to_edit(console: Client):
    assert console.get("/admin/django_celery_beat/periodictask/").status_code == 404
