"""A build costs what is open or new, not what has ever been (invariant 10)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.incidents.models import (
    EventNumber,
    Incident,
    IncidentComponent,
    IncidentUpdate,
    Maintenance,
    MaintenanceUpdate,
)
from apps.pages.models import Page
from apps.publishing import services
from apps.publishing.assets import load_assets
from apps.publishing.models import Publication
from tests import factories as make

pytestmark = pytest.mark.django_db


def pile_up(page: Page, count: int) -> None:
    """Give the page so many incidents and maintenances that are long over."""
    component = make.ComponentFactory(page=page)
    now = timezone.now()
    first = EventNumber.objects.create(pk=(page.pk + 1) * 100_000).pk
    began = [now - timedelta(days=100, hours=number) for number in range(count)]
    incidents = Incident.objects.bulk_create(
        Incident(
            page=page, number=first + 1 + number, name=f"No {number}", status="resolved", started_at=at,
            resolved_at=at, created_at=at, updated_at=at, last_sequence=1,
        )
        for number, at in enumerate(began)
    )  # fmt: skip
    IncidentUpdate.objects.bulk_create(
        IncidentUpdate(
            incident=row, sequence=1, status="resolved", body="Over.", display_at=row.started_at,
            created_at=row.started_at, updated_at=row.started_at,
        )
        for row in incidents
    )  # fmt: skip
    IncidentComponent.objects.bulk_create(
        IncidentComponent(
            incident=row, component=component, status="operational", worst_status="major_outage"
        )
        for row in incidents
    )
    works = Maintenance.objects.bulk_create(
        Maintenance(
            page=page, number=first + 1 + count + number, name=f"Work {number}", status="completed",
            scheduled_for=at, scheduled_until=at + timedelta(hours=1), started_at=at, completed_at=at,
            created_at=at, updated_at=at, last_sequence=1,
        )
        for number, at in enumerate(began)
    )  # fmt: skip
    MaintenanceUpdate.objects.bulk_create(
        MaintenanceUpdate(
            maintenance=row, sequence=1, status="completed", display_at=row.created_at,
            created_at=row.created_at, updated_at=row.created_at,
        )
        for row in works
    )  # fmt: skip


def published_page(count: int) -> Publication:
    """Return a page's publication whose archive has been walked through."""
    page = make.PageFactory()
    pile_up(page, count)
    publication: Publication = make.PublicationFactory(page=page)
    assets = load_assets()
    built = services.render(publication, assets, at=timezone.now())
    services.mark(publication, built, is_new=True)
    # The walk itself is no part of what every build costs; it is bounded for each.
    Publication.objects.filter(pk=publication.pk).update(archive_cursor=0)
    publication.refresh_from_db()
    return publication


def cost(publication: Publication) -> tuple[int, int, float]:
    """Return a build's statements, the hundreds of steps that SQLite's machine took for them, and the best time in ms."""
    assets, times, steps = load_assets(), [], [0]

    def count_steps() -> int:
        steps[0] += 1
        return 0

    if connection.vendor == "sqlite":
        connection.connection.set_progress_handler(count_steps, 100)
    with CaptureQueriesContext(connection) as captured:
        services.render(publication, assets, at=timezone.now())
    if connection.vendor == "sqlite":
        connection.connection.set_progress_handler(None, 0)
    for _ in range(5):
        started = time.perf_counter()
        services.render(publication, assets, at=timezone.now())
        times.append((time.perf_counter() - started) * 1000)
    return len(captured), steps[0], min(times)


def test_a_build_costs_the_same_with_a_hundred_and_with_thousands_of_each() -> None:
    small, large = published_page(100), published_page(3_000)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    few, many = cost(small), cost(large)

    assert few[0] == many[0]
    # Deeper trees, but no walk over what is long over.
    assert many[1] <= 1.5 * few[1], (few, many)
    # The same work twice differs by as much on a busy machine.
    assert many[2] < 3 * few[2] + 50, (few, many)
