"""Invariants 1 to 5 when a worker is killed at each point of the way of a check to the page.

A monitor passes; the target breaks; a worker that dies by SIGKILL at the named point takes the failing check as far
as that; then an ordinary worker comes. Whatever the point: one outage, one incident, the page says so,
and after the recovery all is as if nothing had happened to us.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import operator
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Installation, installation, wait_for
from tests.e2e.target import Target, running_target
from tests.e2e.test_main_job import CONFIGURATION

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WORKER = ["celery", "-A", "statusplatform", "worker", "-P", "threads", "-Q", "default,checks.default", "-l", "INFO"]  # fmt: skip

POINTS = {
    "claimed but unsent": "apps.monitors.engine.dispatch:_send:call",
    "sent but not adopted": "apps.monitors.engine.engine:Engine.take:call",
    "in flight": "apps.core.egress.transfer:Transfer.configure:return",
    "fetched but unrecorded": "apps.monitors.engine.record:record:call",
    "in the recording transaction": "apps.monitors.engine.record:_write:return",
    "recorded but undelivered": "apps.integrations.deliver.local:_apply:call",
    "in the delivering transaction": "apps.integrations.deliver.results:mark_done:return",
    "delivered but unpublished": "apps.publishing.services:_build:call",
    "files written but not swapped": "apps.publishing.versions:put_in_place:call",
    "swapped but not marked": "apps.publishing.services:mark:call",
}


class Stage:
    """An installation with beat running and a monitored target; workers come and go."""

    def __init__(self, place: Installation, target: Target) -> None:
        self.place = place
        self.target = target
        self.bin = Path(sys.executable).parent

    def worker(self) -> subprocess.Popen[bytes]:
        return self.place.spawn(str(self.bin / WORKER[0]), *WORKER[1:])

    def doomed_worker(self, point: str) -> subprocess.Popen[bytes]:
        return self.place.spawn(sys.executable, "-m", "tests.e2e.killer", point, *WORKER)

    def document(self, name: str) -> Any:
        """Return a published document, read from the files as any web server would; None: not there yet."""
        for current in (self.place.data_dir / "published" / "pages").glob("*/current"):
            # The version may be replaced, and the old one removed, between following the link and reading.
            for _ in range(5):
                with contextlib.suppress(FileNotFoundError):
                    return json.loads((current / "api/v2" / name).read_bytes())
        return None

    def component(self) -> str:
        document = self.document("summary.json")
        return document["components"][0]["status"] if document else "unpublished"

    def facts(self) -> dict[str, Any]:
        """Return what the database has to say, in one process start."""
        answer: dict[str, Any] = self.place.shell(
            "from apps.monitors.models import Outage, Run\n"
            "from apps.incidents.models import Incident, IncidentUpdate\n"
            "from apps.integrations.models import Delivery\n"
            "from apps.pages.models import StatusPeriod\n"
            "from django.db.models import Count\n"
            "answer = {\n"
            "  'outages': Outage.objects.count(), 'open': Outage.objects.open().count(),\n"
            "  'incidents': Incident.objects.count(),\n"
            "  'updates': list(Incident.objects.order_by('pk').annotate(n=Count('updates')).values_list('status', 'n')),\n"
            "  'periods': list(StatusPeriod.objects.order_by('started_at').values_list('status', flat=True)),\n"
            "  'undelivered': Delivery.objects.exclude(state='done').count(),\n"
            "}"
        )
        return answer


@pytest.fixture(
    scope="module",
    params=["embedded", pytest.param("servers", marks=[pytest.mark.postgres, pytest.mark.redis])],
)
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """One installation for all points: what one point leaves behind, the next would show."""
    urls = {}
    if request.param == "servers":
        postgres, redis = request.getfixturevalue("servers")
        urls = {"database_url": postgres, "broker_url": redis}
    folder = tmp_path_factory.mktemp("stage") / "data"
    with installation(folder, **urls) as place, running_target() as target:
        place.manage("migrate", "-v", "0")
        # An engine keeps a schedule whose next slot is within 2 s: then nobody would claim it again.
        place.apply(CONFIGURATION.format(url=target.url).replace("interval_s: 2", "interval_s: 5"))
        place.spawn(
            str(Path(sys.executable).parent / "celery"), "-A", "statusplatform", "beat",
            "--pidfile=", "-s", str(folder / "beat"),
        )  # fmt: skip
        yield Stage(place, target)


@pytest.fixture
def _no_worker_is_left(stage: Stage) -> Iterator[None]:
    """End the workers that a test started, however it ended; beat stays."""
    beat = stage.place.processes[-1]
    yield
    for process in [one for one in stage.place.processes if one is not beat]:
        process.kill()
        process.wait()
        stage.place.processes.remove(process)


@pytest.mark.parametrize("point", POINTS)
def test_the_points_are_places_in_the_code(point: str) -> None:
    module, name, _ = POINTS[point].split(":")

    assert callable(operator.attrgetter(name)(importlib.import_module(module)))


@pytest.mark.usefixtures("_no_worker_is_left")
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_loses_nothing_and_doubles_nothing(stage: Stage, point: str) -> None:
    stage.target.broken = False
    first = stage.worker()
    wait_for(lambda: stage.component() == "operational", within_s=40, hint="passing at first")
    before = stage.facts()
    first.terminate()
    first.wait(20)

    stage.target.broken = True
    doomed = stage.doomed_worker(POINTS[point])
    doomed.wait(60)
    stage.worker()
    wait_for(
        lambda: stage.component() == "partial_outage", within_s=40, hint=stage.place.log[-3000:]
    )
    during = stage.facts()
    published = stage.document("summary.json")

    assert doomed.returncode == -signal.SIGKILL
    assert during["outages"] == before["outages"] + 1
    assert during["incidents"] == before["incidents"] + 1
    assert [one["name"] for one in published["incidents"]] == ["The website is failing"]

    stage.target.broken = False
    wait_for(lambda: stage.component() == "operational", within_s=30)
    wait_for(lambda: stage.document("summary.json")["incidents"] == [], within_s=5)
    after = stage.facts()

    assert (after["outages"], after["open"]) == (during["outages"], 0)
    assert after["updates"][-1] == ["resolved", 2]
    assert after["incidents"] == during["incidents"]
    assert after["periods"][len(before["periods"]) :] == ["partial_outage", "operational"]
    assert after["undelivered"] == 0
