"""Times that a slip of the keyboard makes are refused: a page could not be written in every zone with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core.errors import Invalid
from apps.incidents import services
from tests import factories as make
from tests.factories import NOW, PERSON

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": PERSON, "at": NOW}
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
LATER = datetime(9999, 12, 31, 23, tzinfo=UTC)


def tell_past(at: datetime) -> None:
    updates = [services.PastUpdate(status="resolved", message="Over.", at=at)]
    services.tell_past_incident(page_id=make.PageFactory().pk, name="Past", updates=updates, **BY)


def open_at(at: datetime) -> None:
    page = make.PageFactory()
    services.open_incident(
        page_id=page.pk, name="Now", status="investigating", message="?", started_at=at, **BY
    )


def start_at(at: datetime) -> None:
    services.edit_incident(incident_id=make.IncidentFactory().pk, started_at=at, **BY)


def show_at(at: datetime) -> None:
    services.post_update(
        incident_id=make.IncidentFactory().pk, status="monitoring", message="?", display_at=at, **BY
    )


def show_again_at(at: datetime) -> None:
    update = make.IncidentFactory(started_at=NOW - timedelta(hours=1)).updates.get()
    services.edit_update(update_id=update.pk, display_at=at, **BY)


@pytest.mark.parametrize("do", [tell_past, open_at, start_at, show_at, show_again_at])
def test_no_time_of_an_incident_is_before_2000(do: Callable[[datetime], None]) -> None:
    with pytest.raises(Invalid, match="from 2000 to 2199"):
        do(LONG_AGO)


@pytest.mark.parametrize(("begins", "ends"), [(NOW, LATER), (LATER, LATER + timedelta(minutes=1))])
def test_no_maintenance_is_planned_after_2199(begins: datetime, ends: datetime) -> None:
    page, work = make.PageFactory(), make.MaintenanceFactory()

    with pytest.raises(Invalid, match="from 2000 to 2199"):
        services.create_maintenance(
            page_id=page.pk, name="Work", scheduled_for=begins, scheduled_until=ends, **BY
        )
    with pytest.raises(Invalid, match="from 2000 to 2199"):
        services.reschedule_maintenance(
            maintenance_id=work.pk, scheduled_for=begins, scheduled_until=ends, **BY
        )
