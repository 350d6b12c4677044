"""A worker started anywhere for `checks.eu-west` is that location; without one it is not measured, and not red."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from apps.monitors.engine.presence import PRESENT_FOR
from tests.e2e.harness import Installation, wait_for
from tests.e2e.target import Target

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

CONFIGURATION = """
version: 1
workspaces: [{{name: Shop}}]
locations: [{{code: eu-west, name: Europe}}]
monitors:
  - name: Check
    workspace: Shop
    interval_s: 1
    timeout_s: 2
    locations: [eu-west]
    requests:
      - name: Home
        url: "{url}/"
        assertions: [{{source: status, operator: equals, value: 200}}]
pages:
  - slug: shop
    name: Shop
    components: [{{name: Website}}]
integrations:
  - nickname: Check to page
    workspace: Shop
    monitor: Check
    page: shop
    link_components: [{{component: Website}}]
"""

FACTS = """
from apps.console.overview.trouble import troubles
from apps.core.clock import database_now
from apps.monitors.locations import standings
from apps.monitors.models import Outage, Run, Schedule
from apps.pages.models import MeasurementGap, Page
there = {one.location.code: one for one in standings()}["eu-west"]
schedule = Schedule.objects.get()
answer = {
    "has_worker": there.has_worker,
    "notices": [one.what for one in troubles(standings(), Page.objects.none()) if "Europe" in one.what],
    "runs": Run.objects.count(),
    "claims": schedule.claim_no,
    "missed": schedule.missed,
    "outages": Outage.objects.count(),
    "gaps_s": [(gap.ended_at - gap.started_at).total_seconds() for gap in MeasurementGap.objects.all()],
}
"""


def start_worker(place: Installation) -> subprocess.Popen[bytes]:
    """Start what somebody would start on another host."""
    return place.spawn(
        *(sys.executable, "-m", "celery", "-A", "statusplatform.celery", "worker"),
        *("-Q", "checks.eu-west", "--hostname", "eu-west@test"),
    )


def kill(worker: subprocess.Popen[bytes]) -> None:
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(5)


def facts(place: Installation) -> dict[str, Any]:
    found: dict[str, Any] = place.shell(FACTS)
    return found


def status(place: Installation) -> str:
    return str(place.json("/status/shop/api/v2/components.json")["components"][0]["status"])


def test_a_location_without_a_worker_is_not_measured_and_measures_again_with_one(
    place: Installation, target: Target
) -> None:
    place.start()
    place.apply(CONFIGURATION.format(url=target.url))
    worker = start_worker(place)
    wait_for(lambda: len(target.answers) >= 3, within_s=30, hint="the worker runs the monitor")

    kill(worker)
    answered = len(target.answers)
    time.sleep(PRESENT_FOR.total_seconds())
    without = facts(place)
    assert not without["has_worker"]
    assert "has had no worker for" in without["notices"][0]
    assert status(place) == "operational"
    # Nobody claims for it for ever: a lease lapses four times until that is known.
    assert without["claims"] <= 10
    assert without["outages"] == 0
    assert len(target.answers) <= answered + 1

    start_worker(place)
    wait_for(lambda: len(target.answers) >= answered + 3, within_s=30, hint="it measures again")
    again = wait_for(
        lambda: (found := facts(place)) and max(found["gaps_s"], default=0) > 15 and found,
        within_s=40,
    )
    assert again["has_worker"]
    assert again["notices"] == []
    # Of some twenty; a slot that was claimed already is run late instead.
    assert again["missed"] >= 10
    # The other is of before the worker was started at first.
    assert len(again["gaps_s"]) <= 2
    assert again["outages"] == 0
    assert status(place) == "operational"
