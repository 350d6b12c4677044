"""Closing days: what was true of a component on a day that is over is kept, so that nobody reckons it again.

A change of the past forgets what is kept from there on, in its own transaction and under the component's
lock; closing takes that lock too. So a kept day is right, wherever a process dies.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F, Min, Q

from apps.pages import uptime
from apps.pages.day_selectors import Window, reckoned_days, timelines
from apps.pages.models import ClosedDays, Component, ComponentDay, Page, StatusPeriod
from apps.pages.uptime import Day, zone_of

# In one transaction, so that nobody waits long for its locks.
COMPONENTS_A_TURN = 50
DAYS_A_TURN = 200


def forget_days(*, component_ids: Collection[int], since: datetime) -> None:
    """Let no day count as closed that ends after `since`. Called with the components locked.

    One statement; readers reckon from the periods until the days are closed again.
    """
    ClosedDays.objects.filter(component__in=component_ids, until__gt=since).update(
        until=since, revision=_new_revision()
    )


def close_days(*, at: datetime) -> bool:
    """Close days that were over at `at`: some components' first ones. Say whether there was anything to do.

    Each page's days are those of its zone. Called again and again it ends; twice at once is harmless.
    """
    ids = _behind(at)
    if ids:
        _close(ids, at=at)
    return bool(ids)


def _behind(at: datetime) -> list[int]:
    """Return live components on live pages that have days to close, or are closed in another zone."""
    pages = Page.objects.live().order_by()
    behind = Q()
    for name in pages.values_list("time_zone", flat=True).distinct():
        zone = zone_of(name)
        today = uptime.day_start(at.astimezone(zone).date(), zone)
        behind |= Q(page__time_zone=name) & (
            Q(closed_days__isnull=True)
            | ~Q(closed_days__time_zone=zone.key)
            | Q(closed_days__until__lt=today)
        )
    if not behind:
        return []
    components = Component.objects.live().filter(behind, page__archived_at__isnull=True)
    # Those never closed come last, so that a page with years to close holds nobody's yesterday up.
    order = components.order_by(F("closed_days__until").desc(nulls_last=True), "pk")
    return list(order.values_list("pk", flat=True)[:COMPONENTS_A_TURN])


@transaction.atomic
def _close(ids: Sequence[int], *, at: datetime) -> None:
    components = list(
        Component.objects.filter(pk__in=ids, page__isnull=False)
        .select_related("page")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    ledgers = _ledgers(components)
    most = max(1, DAYS_A_TURN // max(1, len(ledgers)))
    windows: dict[int, Window] = {}
    ranges: dict[int, tuple[date, date]] = {}
    for ledger in ledgers:
        zone = zone_of(ledger.time_zone)
        first = ledger.until.astimezone(zone).date()
        end = min(first + timedelta(days=most), at.astimezone(zone).date())
        if first < end:
            ranges[ledger.pk] = (first, end - timedelta(days=1))
            windows[ledger.pk] = (uptime.day_start(first, zone), uptime.day_start(end, zone))
    found = timelines(windows)
    rows: list[ComponentDay] = []
    for ledger in ledgers:
        if ledger.pk not in ranges:
            continue
        zone = zone_of(ledger.time_zone)
        first, last = ranges[ledger.pk]
        days = reckoned_days(found[ledger.pk], first=first, last=last, zone=zone, now=at)
        ends = uptime.day_starts(first, last, zone)[1:]
        rows += [_row(ledger.pk, day, end, at) for day, end in zip(days, ends, strict=True)]
        ledger.until = ends[-1]
        ledger.revision = _new_revision()
    _store(rows, ledgers)


def _ledgers(components: Sequence[Component]) -> list[ClosedDays]:
    """Return the locked components' rows in their pages' zones, as they stand or begun anew, unsaved."""
    known = {row.pk: row for row in ClosedDays.objects.filter(component__in=components)}
    zones = {one.pk: zone_of(one.page.time_zone) for one in components if one.page is not None}
    anew = [
        one
        for one in components
        if one.pk not in known or known[one.pk].time_zone != zones[one.pk].key
    ]
    if anew:
        ComponentDay.objects.filter(component__in=anew).delete()
        began = dict(
            StatusPeriod.objects.filter(component__in=anew)
            .order_by()
            .values_list("component")
            .annotate(began=Min("started_at"))
        )
        for one in anew:
            zone = zones[one.pk]
            first = began.get(one.pk, one.status_since).astimezone(zone).date()
            known[one.pk] = ClosedDays(
                component=one,
                time_zone=zone.key,
                first_day=first,
                until=uptime.day_start(first, zone),
                revision=_new_revision(),
            )
    return [known[one.pk] for one in components]


def _row(component_id: int, day: Day, ended_at: datetime, at: datetime) -> ComponentDay:
    return ComponentDay(
        component_id=component_id,
        day=day.date,
        ended_at=ended_at,
        built_at=at,
        operational_s=day.tally.operational,
        maintenance_s=day.tally.maintenance,
        degraded_s=day.tally.degraded,
        partial_s=day.tally.partial,
        major_s=day.tally.major,
        unmeasured_s=day.tally.unmeasured,
        corrections="\n".join(day.corrections),
    )


def _store(rows: Iterable[ComponentDay], ledgers: Sequence[ClosedDays]) -> None:
    ComponentDay.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["component", "day"],
        update_fields=[
            "ended_at",
            "built_at",
            "operational_s",
            "maintenance_s",
            "degraded_s",
            "partial_s",
            "major_s",
            "unmeasured_s",
            "corrections",
        ],
    )
    ClosedDays.objects.bulk_create(
        ledgers,
        update_conflicts=True,
        unique_fields=["component"],
        update_fields=["time_zone", "first_day", "until", "revision"],
    )


def _new_revision() -> int:
    """A number that no other state of any database has: a plain count would repeat after a restore."""
    return secrets.randbits(62)
