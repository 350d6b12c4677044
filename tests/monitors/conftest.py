"""What tests of the engine share: due schedules, claims, finished runs, and listeners."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections

from apps.core.clock import database_now
from apps.monitors import signals
from apps.monitors.checkers.base import CheckOutcome
from apps.monitors.checkers.spec import MonitorSpec
from apps.monitors.engine.flights import Finished, Flight
from apps.monitors.engine.leases import Adopted, adopt
from apps.monitors.engine.presence import record_presence
from apps.monitors.models import Location, Monitor, Schedule
from tests.factories import MonitorFactory, ScheduleFactory, WorkspaceFactory
from tests.monitors.fixtures.targets import Target


@pytest.fixture(autouse=True)
def _living_worker(request: pytest.FixtureRequest) -> None:
    """Where a test has a database, the location `default` has a worker, and stays so for the test's time."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None:
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
        appear(default_location())


def appear(*locations: Location) -> None:
    """Let a worker be seen at these locations."""
    record_presence(location_ids=[location.pk for location in locations], references={})


@pytest.fixture
def target() -> Iterator[Target]:
    """A web server on loopback whose answers a test decides."""
    with Target() as server:
        yield server


@pytest.fixture
def heard() -> Iterator[dict[str, list[Any]]]:
    """What the monitors' signals carried: `opened`, `closed` and `runs`."""
    found: dict[str, list[Any]] = {"opened": [], "closed": [], "runs": []}

    def on_outages(opened: list[Any], closed: list[Any], **_: Any) -> None:
        found["opened"].extend(opened)
        found["closed"].extend(closed)

    def on_runs(runs: list[Any], **_: Any) -> None:
        found["runs"].extend(runs)

    signals.outages_changed.connect(on_outages)
    signals.runs_recorded.connect(on_runs)
    yield found
    signals.outages_changed.disconnect(on_outages)
    signals.runs_recorded.disconnect(on_runs)


def default_location() -> Location:
    found: Location = Location.objects.get(code="default")
    return found


def due_schedule(
    *, in_s: float = 0.5, location: Location | None = None, **columns: Any
) -> Schedule:
    """A schedule whose next slot is `in_s` from now on the database's clock, at a location with a worker."""
    monitor = columns.pop("monitor", None) or MonitorFactory(
        interval_s=columns.pop("interval_s", 20), with_request=False
    )
    if location is not None:
        appear(location)
    columns.setdefault("next_run_at", database_now() + timedelta(seconds=in_s))
    made: Schedule = ScheduleFactory(
        monitor=monitor, location=location or default_location(), **columns
    )
    return made


def due_schedules(count: int, **columns: Any) -> list[Schedule]:
    """Many at once, of one workspace."""
    workspace = WorkspaceFactory()
    location = default_location()
    due = database_now() + timedelta(seconds=columns.pop("in_s", 0.5))
    monitors = Monitor.objects.bulk_create(
        Monitor(workspace=workspace, name=f"Monitor {number}", interval_s=20)
        for number in range(count)
    )
    return Schedule.objects.bulk_create(
        Schedule(monitor=monitor, location=location, interval_s=20, next_run_at=due)
        for monitor in monitors
    )


def flight_of(adopted: Adopted) -> Flight:
    return Flight(adopted, MonitorSpec(), deque(), adopted.due)


def adopted_flights(claims: list[Any]) -> list[Flight]:
    """Adopt claims as an engine does."""
    return [flight_of(one) for one in adopt([(c.schedule_id, c.claim_no) for c in claims])]


def finished(
    flight: Flight,
    result: Any = "passed",
    *,
    due_at: datetime | None = None,
    took_s: float = 0.1,
    reason: str = "",
    skipped: tuple[datetime, ...] = (),
) -> Finished:
    """The run of a flight's slot (the first that is not recorded), ready to be recorded."""
    due = due_at or flight.granted[0]
    outcome = CheckOutcome(result, reason, 90, 60, detail_json='{"requests": []}')
    return Finished(
        flight,
        due,
        due + timedelta(milliseconds=1),
        due + timedelta(seconds=took_s),
        outcome,
        outcome.detail_json,
        reason,
        skipped,
    )


def in_threads(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls at once, each with its own connection; return what they returned, in order."""
    results: list[Any] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(number: int) -> None:
        try:
            barrier.wait(5)
            results[number] = calls[number]()
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


needs_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="TEST_DATABASE_URL is no PostgreSQL"
)
