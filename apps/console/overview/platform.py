"""How the platform does: does it keep time, who is alive, what waits, and when was last published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from apps.console.overview.pulse_chart import Picture, Row, milliseconds, pictures, rows
from apps.core.adminkit import lasting
from apps.core.selectors import heartbeat_ages_s
from apps.core.tasks import BEAT, WORKER_PREFIX
from apps.integrations.selectors import pending_count
from apps.monitors.locations import Standing
from apps.monitors.pulse_selectors import pulse
from apps.monitors.queue_selectors import queue
from apps.pages.models import Page
from apps.publishing.standing import last_published_at

ALIVE_S = 30.0


@dataclass(frozen=True, slots=True)
class Platform:
    """`facts` are (name, value, what it means)."""

    facts: list[tuple[str, str, str]]
    pictures: list[Picture]
    rows: list[Row]


def platform(*, pages: QuerySet[Page], standings: list[Standing], now: datetime) -> Platform:
    """Return the figures of the last hour. A constant number of queries."""
    beat = pulse(at=now)
    waiting = queue()
    ages = heartbeat_ages_s()
    workers = [age for name, age in ages.items() if name.startswith(WORKER_PREFIX)]
    alive = sum(age <= ALIVE_S for age in workers)
    used = [one for one in standings if one.monitors]
    published = last_published_at(pages)
    facts = [
        (
            "Start delay",
            f"{milliseconds(beat.lag_p50_ms)} / {milliseconds(beat.lag_p99_ms)}",
            "half / 99 of 100 runs of the last hour began within",
        ),
        ("Runs a minute", f"{beat.runs_a_minute:,.1f}", "over the last hour"),
        ("Hosts with a worker", f"{alive}", f"of {len(workers)} seen in all"),
        ("Scheduler", "alive" if ages.get(BEAT, ALIVE_S + 1) <= ALIVE_S else "not seen", ""),
        (
            "Locations",
            f"{sum(one.has_worker for one in used)} of {len(used)}",
            "of those that monitors use have a worker",
        ),
        (
            "Queue",
            f"{waiting.sent:,}",
            f"runs wait for a worker, {waiting.running:,} run or are about to",
        ),
        ("Deliveries", f"{pending_count():,}", "on their way"),
        (
            "Last publication",
            f"{lasting(published, now)} ago" if published else "never",
            f"{published:%Y-%m-%d %H:%M:%S} UTC" if published else "",
        ),
    ]
    return Platform(facts, pictures(beat) if beat.runs else [], rows(beat.beats))
