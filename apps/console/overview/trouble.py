"""What is wrong with the platform itself, in words: what it is, what follows from it, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.core.selectors import heartbeat_ages_s
from apps.core.tasks import BEAT, WORKER_PREFIX
from apps.monitors.locations import Standing
from apps.monitors.selectors import dispatch_lag_s
from apps.pages.models import Page
from apps.publishing.standing import pages_behind

LATE_S = 15.0
SILENT_S = 30.0
BEHIND_S = 120.0
NAMED = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """A notice: what is wrong, and what to do about it."""

    what: str
    advice: str


def troubles(standings: list[Standing], pages: QuerySet[Page]) -> list[Trouble]:
    """Return what is wrong now, the worst first; of pages only those. A constant number of queries."""
    return [*_processes(), *_lag(), *_locations(standings), *_publications(pages)]


def _processes() -> list[Trouble]:
    ages = heartbeat_ages_s()
    workers = [age for name, age in ages.items() if name.startswith(WORKER_PREFIX)]
    found = []
    parts = (
        ("worker", min(workers, default=None), "No monitor runs, and nothing is sent or published"),
        ("scheduler", ages.get(BEAT), "No monitor is started, and maintenance does not move"),
    )
    for name, age_s, effect in parts:
        if age_s is not None and age_s <= SILENT_S:
            continue
        seen = (
            f"No {name} has been seen yet"
            if age_s is None
            else f"The {name} was last seen {round(age_s)} s ago"
        )
        program = "worker" if name == "worker" else "beat"
        found.append(
            Trouble(
                f"{seen}. {effect} until one runs.",
                "Start everything on this machine with python3 manage.py up, or look into"
                f" the log of the process that runs celery {program}.",
            )
        )
    return found


def _lag() -> list[Trouble]:
    lag_s = dispatch_lag_s()
    if lag_s <= LATE_S:
        return []
    return [
        Trouble(
            f"Monitors run late: the most overdue has waited for {round(lag_s)} s.",
            "If scheduler and workers live, there is more to run than they can: start another worker,"
            " or run some monitors less often.",
        )
    ]


def _locations(standings: list[Standing]) -> list[Trouble]:
    return [found for one in standings if one.monitors and (found := _location(one)) is not None]


def _location(one: Standing) -> Trouble | None:
    if not one.has_worker:
        seen = (
            "has never had a worker"
            if one.seen_s is None
            else f"has had no worker for {round(one.seen_s)} s"
        )
        return Trouble(
            f"The location {one.location} {seen}: what runs there is not measured.",
            f"Start a worker for the queue checks.{one.location.code} there, or take the location off its monitors.",
        )
    since = one.references_failing_since
    if since is None:
        return None
    return Trouble(
        f"None of the reference targets of the location {one.location} has answered since"
        f" {since:%Y-%m-%d %H:%M:%S} UTC: what gets no answer there counts as an error, not as an outage.",
        "Look at that machine's own connection to the Internet, and whether the targets still exist.",
    )


def _publications(pages: QuerySet[Page]) -> list[Trouble]:
    behind = pages_behind(pages, by_s=BEHIND_S, at_most=NAMED + 1)
    found = [
        Trouble(
            f"The page {row.page} shows an old state: its newest change is not published"
            f" after {round(behind_s)} s{f' ({row.last_error})' if row.last_error else ''}.",
            "Readers are told so. Look into the worker's log, and whether the folder of published files"
            " can be written and its disk is not full.",
        )
        for row, behind_s in behind[:NAMED]
    ]
    if len(behind) > NAMED:
        found.append(Trouble("Other pages show an old state too.", "It is likely the same cause."))
    return found
