"""What building a page's version costs: CPU of a build, on small pages and large, with and without a past.

    .venv/bin/python -m bench.builds [--times 10] [--incidents 10000]

In one process on SQLite, each build after a change of a component's status, as an outage makes it; components have full bars. With incidents of two
years past (older than what the page itself shows) their archive is written before, which takes minutes for 10,000 and is told apart. It is to stay flat with the past, and to grow no faster
than what a page shows.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from bench import stage
from bench.publish import INCIDENTS, make_incidents
from bench.stage import child

_SINCE = timedelta(days=120)
_PAGE = """
version: 1
pages: [{{slug: shop, name: Shop, components: [{components}]}}]
"""


def builds(times: int, past: int, pipe: Connection) -> None:
    """Send the rows of the table."""
    with stage.prepared() as environment, tempfile.TemporaryDirectory() as folder:
        import django

        django.setup()
        from django.core.management import call_command

        from apps.core.actors import command_actor
        from apps.core.clock import database_now
        from apps.pages.models import Component, StatusPeriod
        from apps.pages.services import close_days, set_staff_status
        from apps.publishing import services
        from apps.publishing.models import Publication

        def apply(components: int) -> Component:
            named = ["Website", *(f"Part {number}" for number in range(1, components))]
            path = Path(folder) / "page.yaml"
            path.write_text(
                _PAGE.format(components=", ".join(f"{{name: {name}}}" for name in named))
            )
            with open(os.devnull, "w") as nowhere:
                call_command("apply", str(path), prune=True, stdout=nowhere)
            # Their bars are full.
            at = database_now()
            StatusPeriod.objects.filter(ended_at=None).update(started_at=at - _SINCE)
            Component.objects.update(status_since=at - _SINCE)
            while close_days(at=at):
                pass
            return Component.objects.get(name="Website")

        def build() -> float:
            Publication.objects.update(published_at=None)
            began = time.process_time()
            services.build_due()
            return (time.process_time() - began) * 1000

        def settle(website: Component) -> float:
            """Build until nothing of the past is left to be written; return the CPU ms."""
            services.request(page_ids=[website.page_id], at=database_now())
            spent = build()
            while Publication.objects.get(page=website.page_id).archive_cursor:
                spent += build()
            return spent

        def note(components: int, incidents: int) -> None:
            website = apply(components)
            first_ms = settle(website)
            figures = []
            for turn in range(times + 1):
                set_staff_status(
                    component_id=website.pk,
                    status="operational" if turn % 2 else "partial_outage",
                    actor=command_actor("bench"),
                    at=database_now(),
                )
                services.request(page_ids=[website.page_id], at=database_now())
                figures.append(build())
            shown = stage.spread(figures[1:], 1)
            pipe.send([str(components), f"{incidents:,}", shown, f"{first_ms:,.0f}"])

        for components in (1, 500, 50):
            note(components, 0)
        with child(make_incidents, environment, past) as made:
            made.recv()
        note(50, past)
        note(500, past)
    pipe.send(None)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--incidents", type=int, default=INCIDENTS)
    options = parser.parse_args()
    stage.begin("builds: CPU of a page's version")
    rows = []
    with child(builds, options.times, options.incidents) as pipe:
        while row := pipe.recv():
            rows.append(row)
    stage.table(["components", "incidents", "CPU ms a build", "first builds, CPU ms"], rows)


if __name__ == "__main__":
    main()
