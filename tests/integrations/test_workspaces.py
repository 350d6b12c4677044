"""An archived workspace takes its monitors and integrations with it."""

from __future__ import annotations

import pytest

from apps.accounts.services import archive_workspace
from apps.incidents.models import Incident
from apps.integrations.models import Integration
from apps.monitors.models import Monitor, Outage
from tests.factories import PERSON
from tests.integrations.scene import (
    deliver_all,
    fails,
    integrate,
    make_monitor,
    make_page,
    minutes,
    statuses,
)

pytestmark = pytest.mark.django_db


def test_archiving_a_workspace_ends_what_its_monitors_say() -> None:
    monitor, other = make_monitor(), make_monitor("Check elsewhere")
    integrate(monitor, make_page())
    fails(monitor, minutes(1))
    deliver_all()

    archive_workspace(workspace_id=monitor.workspace_id, actor=PERSON, at=minutes(2))
    deliver_all()

    assert list(Monitor.objects.live()) == [other]
    assert not Integration.objects.live().exists()
    assert Outage.objects.get().close_reason == Outage.CloseReason.REMOVED
    assert statuses() == {"Checkout": "operational"}
    assert Incident.objects.get().status == "investigating"
