"""How long from the first failing check to the public JSON, and from the first passing one; on small pages and large.

    .venv/bin/python -m bench.publish [--back-ends embedded,servers] [--times 6] [--scale]

Runs a whole installation (`manage.py up`) with one monitor every 2 s against a loopback target, breaks and
repairs the target, and polls `components.json` every 5 ms as a reader would. `servers` starts PostgreSQL and
Redis of its own. `--scale` goes on with 50 components, with 10,000 incidents of two years past, and with 500
components: it is to stay flat. Wall times: run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from bench import stage
from bench.stage import child
from tests import services
from tests.e2e.harness import Installation, installation, wait_for
from tests.e2e.target import Target, running_target
from tests.e2e.test_main_job import CONFIGURATION

INCIDENTS = 10_000
WANTED_S = {"embedded": 0.3, "servers": 0.15}


def website_status(place: Installation) -> str:
    components = place.json("/status/shop/api/v2/components.json")["components"]
    return next(str(one["status"]) for one in components if one["name"] == "Website")


def turn(place: Installation, target: Target, *, broken: bool) -> float:
    """Break or repair the target; return the ms from its first such answer to the public JSON."""
    wanted = "partial_outage" if broken else "operational"
    began = time.monotonic()
    target.broken = broken
    wait_for(lambda: website_status(place) == wanted, within_s=20, every_s=0.005)
    seen = time.monotonic()
    answered = target.first_answer_since(began, 503 if broken else 200)
    assert answered is not None
    return (seen - answered) * 1000


def make_incidents(environment: dict[str, str], count: int, pipe: Connection) -> None:
    """Make resolved incidents of one update and one component each, spread over two years that ended before what the page itself shows."""
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="statusplatform.settings")
    import django

    django.setup()
    from apps.core.clock import database_now
    from apps.incidents.models import EventNumber, Incident, IncidentComponent, IncidentUpdate
    from apps.pages.models import Component, Page

    page = Page.objects.get(slug="shop")
    component = Component.objects.filter(page=page).exclude(name="Website").order_by("pk").first()
    numbers = EventNumber.objects.bulk_create(EventNumber() for _ in range(count))
    now = database_now()

    def began(place: int) -> object:
        return now - timedelta(days=100) - place * timedelta(days=730) / count

    incidents = Incident.objects.bulk_create(
        Incident(
            page=page,
            number=number.pk,
            name=f"Incident {place}",
            status="resolved",
            started_at=began(place),
            resolved_at=began(place) + timedelta(minutes=20),
            created_at=began(place),
            updated_at=began(place) + timedelta(minutes=20),
            last_sequence=1,
        )
        for place, number in enumerate(numbers)
    )
    IncidentUpdate.objects.bulk_create(
        IncidentUpdate(
            incident=incident,
            sequence=1,
            status="resolved",
            body="It works again.",
            display_at=incident.resolved_at,
        )
        for incident in incidents
    )
    IncidentComponent.objects.bulk_create(
        IncidentComponent(
            incident=incident,
            component=component,
            status="operational",
            worst_status="partial_outage",
        )
        for incident in incidents
    )
    pipe.send(count)


def measure(place: Installation, target: Target, times: int) -> list[list[float]]:
    """Return the ms of each breaking, and of each repair."""
    failures, recoveries = [], []
    for _ in range(times):
        failures.append(turn(place, target, broken=True))
        time.sleep(0.7)
        recoveries.append(turn(place, target, broken=False))
        time.sleep(0.7)
    return [failures, recoveries]


def rows_of(back_ends: str, times: int, *, scale: bool) -> list[list[str]]:
    """Return the rows of the table."""
    rows = []
    with contextlib.ExitStack() as stack:
        urls = {}
        if back_ends == "servers":
            urls["database_url"] = stack.enter_context(services.postgres())
            urls["broker_url"] = stack.enter_context(services.redis())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        place = stack.enter_context(installation(folder, **urls))
        target = stack.enter_context(running_target())
        place.start()

        def note(components: int, incidents: int) -> None:
            figures = measure(place, target, times)
            rows.append([
                back_ends, str(components), f"{incidents:,}", *(stage.spread(ms) for ms in figures),
                f"{WANTED_S[back_ends] * 1000:.0f}",
            ])  # fmt: skip

        def apply(components: int) -> None:
            more = ", ".join(f"{{{{name: Part {number}}}}}" for number in range(1, components))
            named = "{{name: Website}}"
            configuration = CONFIGURATION.replace(named, f"{named}, {more}" if more else named)
            place.apply(configuration.format(url=target.url))

        apply(1)
        wait_for(lambda: target.answers, within_s=20)
        time.sleep(12)  # the processes settle: they give start-up memory back after 10 s
        note(1, 0)
        if scale:
            apply(50)
            time.sleep(3)
            note(50, 0)
            with child(make_incidents, place.environment, INCIDENTS) as pipe:
                pipe.recv()
            # The archive of two years is written by and by, a build at a time.
            time.sleep(20)
            note(50, INCIDENTS)
            apply(500)
            time.sleep(5)
            note(500, INCIDENTS)
    return rows


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--back-ends", default="embedded,servers")
    parser.add_argument("--times", type=int, default=6)
    parser.add_argument("--scale", action="store_true")
    options = parser.parse_args()
    stage.begin("publish: from a check to the public JSON")
    rows = [
        row
        for back_ends in options.back_ends.split(",")
        for row in rows_of(back_ends, options.times, scale=options.scale)
    ]
    stage.table(
        ["back ends", "components", "incidents", "failing ms", "passing ms", "wanted ms"], rows
    )


if __name__ == "__main__":
    main()
