"""Everything at once on three components: no two transactions ever wait for each other in a circle."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from django.db import OperationalError, transaction

from apps.accounts.services import archive_workspace
from apps.core.errors import DomainError
from apps.core.retrying import tried_again
from apps.incidents.models import Incident
from apps.incidents.services import merge_incidents, post_update
from apps.integrations import deliver
from apps.integrations.models import DeliveryStream, Integration, Replan
from apps.integrations.planning.streams import lock_component_streams
from apps.integrations.services import set_enabled
from apps.monitors.models import Monitor, Outage
from apps.monitors.services.outages import lock_states
from apps.pages.models import Component, Page, StatusContribution, StatusPeriod
from apps.pages.services import set_staff_status, update_component
from tests.factories import PERSON, WorkspaceFactory
from tests.integrations.scene import (
    deliver_all,
    end_maintenance,
    integrate,
    maintain,
    make_monitor,
    make_page,
    minutes,
    pending,
    recovers,
    settle,
)
from tests.racing import HOLD_S, at_once

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("Checkout", "Website", "Search")
THREADS = 10
STEPS = 30


def test_no_deadlock_however_outages_maintenance_staff_and_deliveries_meet() -> None:
    page = make_page(components=NAMES)
    monitors = [make_monitor(f"Monitor {number}") for number in range(4)]
    for number, monitor in enumerate(monitors):
        first, second = NAMES[number % 3], NAMES[(number + 1) % 3]
        integrate(
            monitor,
            page,
            nickname=f"Integration {number}",
            links={first: "major_outage", second: "partial_outage"},
        )

    outcomes = at_once([partial(_work, seed, page, monitors) for seed in range(THREADS)])

    assert [one for one in outcomes if one is not None] == []
    _be_well(page, monitors)
    assert pending() == 0
    assert not Replan.objects.exists()
    failing = StatusContribution.objects.filter(source="link").exclude(status="operational")
    assert not failing.exists()
    assert StatusPeriod.objects.filter(ended_at=None).count() == len(NAMES)


def _work(seed: int, page: Page, monitors: list[Monitor]) -> None:
    """Do one thing after another, as chance has it. Refusals of services are no matter; deadlocks rise."""
    chance = random.Random(seed)
    for step in range(STEPS):
        at = minutes(step)
        monitor = chance.choice(monitors)
        name = chance.choice(NAMES)
        what: Callable[[], object] = chance.choice(
            [
                partial(settle, monitor, failing=True, at=at),
                partial(settle, monitor, failing=True, at=at),
                partial(recovers, monitor, at),
                partial(recovers, monitor, at),
                partial(maintain, name, at),
                partial(end_maintenance, name, at),
                partial(_staff, name, chance.choice(["operational", "under_maintenance"]), at),
                partial(_move, name, None, at),
                partial(_move, name, page.pk, at),
                partial(_toggle, monitor, chance.random() < 0.3, at),
                partial(_post, chance, at),
                partial(_merge, chance, at),
                deliver.run,
                deliver.run,
                deliver.run,
            ]
        )
        try:
            what()
        except DomainError:
            continue
        except OperationalError as error:
            raise AssertionError(f"step {step} of {seed}: {what}: {error}") from error


def _staff(name: str, status: str, at: datetime) -> None:
    pk = Component.objects.get(name=name).pk
    set_staff_status(component_id=pk, status=status, actor=PERSON, at=at)


def _move(name: str, page_id: int | None, at: datetime) -> None:
    pk = Component.objects.get(name=name).pk
    update_component(component_id=pk, page_id=page_id, actor=PERSON, at=at)


def _toggle(monitor: Monitor, disable: bool, at: datetime) -> None:
    row = Integration.objects.get(monitor=monitor)
    set_enabled(integration_id=row.pk, enabled=not disable, actor=PERSON, at=at)


def _post(chance: random.Random, at: datetime) -> None:
    incident = _an_incident(chance)
    if incident is not None:
        said = {row.component_id: "partial_outage" for row in incident.affected.all()}
        post_update(
            incident_id=incident.pk,
            status=chance.choice(["identified", "resolved"]),
            message="",
            components=said,
            actor=PERSON,
            at=at,
        )


def _merge(chance: random.Random, at: datetime) -> None:
    one, other = _an_incident(chance), _an_incident(chance)
    if one is not None and other is not None:
        merge_incidents(incident_id=one.pk, into_id=other.pk, actor=PERSON, at=at)


def _an_incident(chance: random.Random) -> Incident | None:
    rows = list(Incident.objects.filter(merged_into=None).order_by("-pk")[:4])
    return chance.choice(rows) if rows else None


def _be_well(page: Page, monitors: list[Monitor]) -> None:
    """Let everything be well again, and on its page."""
    at = minutes(STEPS + 1)
    for name in NAMES:
        _move(name, page.pk, at)
    for monitor in monitors:
        _toggle(monitor, False, at)
    for monitor in monitors:
        recovers(monitor, at)
    deliver_all()
    assert not Outage.objects.open().exists()


def test_a_workspace_is_archived_although_its_plans_meet_another_in_a_circle() -> None:
    page = make_page(components=("Checkout",))
    workspace = WorkspaceFactory()
    monitors = [make_monitor(f"Monitor {number}") for number in range(2)]
    for monitor in monitors:
        Monitor.objects.filter(pk=monitor.pk).update(workspace=workspace)
        monitor.refresh_from_db()
        integrate(monitor, page, nickname=monitor.name, incident=None)
    archive = partial(archive_workspace, workspace_id=workspace.pk, actor=PERSON, at=minutes(1))

    outcomes = at_once([partial(_speak_slowly, monitors[1]), archive])

    assert [one for one in outcomes if isinstance(one, Exception)] == []
    assert not Integration.objects.live().exists()
    assert not Monitor.objects.live().exists()


@tried_again
@transaction.atomic
def _speak_slowly(monitor: Monitor) -> None:
    """Lock what an outage locks, in the order of locks, slowly enough for the other to come between."""
    lock_states([monitor.pk])
    time.sleep(2 * HOLD_S)
    lock_component_streams(DeliveryStream.objects.values_list("component_id", flat=True))
