"""Screens of pages cost the same statements with fifty components, ten metrics and two years of history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.pages.models import Page, StatusPeriod
from tests.factories import NOW, ComponentFactory, ComponentGroupFactory, MetricFactory, PageFactory

pytestmark = pytest.mark.django_db


def page_with(*, components: int, metrics: int, days: int) -> Page:
    page: Page = PageFactory()
    group = ComponentGroupFactory(page=page)
    began = NOW - timedelta(days=days)
    rows = [
        ComponentFactory(page=page, group=group if number % 2 else None, status_since=NOW)
        for number in range(components)
    ]
    for _ in range(metrics):
        MetricFactory(page=page)
    StatusPeriod.objects.bulk_create(
        StatusPeriod(
            component=component,
            status="major_outage",
            started_at=began + timedelta(days=day),
            ended_at=began + timedelta(days=day, hours=1),
        )
        for component in rows
        for day in range(0, days, 20)
    )
    return page


def statements(console: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert console.get(url).status_code == 200
    return len(captured)


def test_screens_cost_the_same_statements_however_much_there_is(console: Client):
    small = page_with(components=2, metrics=1, days=20)
    large = page_with(components=50, metrics=10, days=730)

    def form(page: Page) -> str:
        return reverse("admin:pages_page_change", args=[page.pk])

    def components(page: Page) -> str:
        return f"{reverse('admin:pages_component_changelist')}?page__id__exact={page.pk}"

    def component(page: Page) -> str:
        first = page.components.order_by("pk")[0]
        return reverse("admin:pages_component_change", args=[first.pk])

    for screen in (form, components, component):
        # What is looked up once per process is looked up here.
        statements(console, screen(small))
        assert statements(console, screen(small)) == statements(console, screen(large)) <= 25
