"""Recurring maintenance: a rule whose occurrences become maintenances some days ahead."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Any, TypedDict, Unpack, cast
from zoneinfo import ZoneInfo

from django.db import transaction

from apps.core.actors import AUTOMATION, Actor
from apps.core.audit import record
from apps.core.editing import archive_row, create_row, edit_row, live_row
from apps.core.validation import clean
from apps.incidents.models import Maintenance, MaintenanceSeries, MaintenanceStatus
from apps.incidents.recurrence import Recurrence, recurrence
from apps.incidents.services import approval, covered
from apps.incidents.services.maintenance import call_off, change, create_maintenance
from apps.pages.models import Page

logger = logging.getLogger(__name__)

BATCH = 100
DAY = timedelta(days=1)


class SeriesFields(TypedDict, total=False):
    name: str
    message: str
    rule: str
    time_zone: str
    first_date: date
    start_time: time
    duration_minutes: int
    announce_days: int
    starts_itself: bool
    ends_itself: bool
    deliver_notifications: bool
    enabled: bool


@transaction.atomic
def create_series(
    *,
    page_id: int,
    components: Collection[int] = (),
    approved: bool = False,
    actor: Actor,
    at: datetime,
    **fields: Unpack[SeriesFields],
) -> MaintenanceSeries:
    """Create a series, and announce what its rule gives for the days ahead.

    `components` are the ids of what each occurrence covers. Invalid at `rule` for a bad rule, or one that
    gives no day from `first_date` on. Conflict `needs_approval` as for one maintenance: what a series announces
    later was approved with it.
    """
    page = live_row(Page, page_id)
    found = covered.named_components(page_id=page_id, ids=components)
    series = MaintenanceSeries(page=page, created_at=at, updated_at=at, **fields)
    approval.demand(series, actor, approved=approved)
    _check(series)
    create_row(series, action="maintenance_series.created", actor=actor, at=at)
    series.components.set(found.values())
    announce(series=series, at=at)
    return series


@transaction.atomic
def update_series(
    *,
    series_id: int,
    components: Collection[int] | None = None,
    approved: bool = False,
    actor: Actor,
    at: datetime,
    **fields: Unpack[SeriesFields],
) -> MaintenanceSeries:
    """Change a series, and with it the announced occurrences that have not begun and that nobody changed by hand.

    One whose day the rule still gives gets its new times; one whose day it gives no more is cancelled. One
    that was changed or cancelled by hand stands for its day. Announcements already made keep their text.
    Conflict `needs_approval` as for a new one.
    """
    series = live_row(MaintenanceSeries, series_id, lock=True)
    approval.demand(series, actor, approved=approved)
    values = cast(dict[str, Any], dict(fields))
    for name, value in values.items():
        setattr(series, name, value)
    _check(series)
    values["rule"] = series.rule
    series.refresh_from_db(fields=list(values))
    held_in = ZoneInfo(series.time_zone)
    changes = edit_row(series, values, action="maintenance_series.updated", actor=actor, at=at)
    covers = components is not None and _cover(series, components, actor=actor, at=at)
    if changes or covers:
        _adapt(series, held_in, actor=actor, at=at)
        announce(series=series, at=at)
    return series


@transaction.atomic
def archive_series(
    *, series_id: int, cancel_announced: bool, actor: Actor, at: datetime
) -> MaintenanceSeries:
    """End a series. Its announced occurrences are cancelled or stay; one that has begun goes on either way."""
    series = live_row(MaintenanceSeries, series_id, lock=True)
    archive_row(series, action="maintenance_series.archived", actor=actor, at=at)
    series.next_announcement_at = None
    series.save(update_fields=["next_announcement_at"])
    if cancel_announced:
        for occurrence in announced(series).order_by("pk").select_for_update(no_key=True):
            _call_off(occurrence, actor=actor, at=at)
    return series


def announced(series: MaintenanceSeries) -> Any:
    """Return the live occurrences of a series that have not begun."""
    return Maintenance.objects.live().filter(series=series, status=MaintenanceStatus.SCHEDULED)


def recurrence_of(series: MaintenanceSeries) -> Recurrence:
    """Return when the series' occurrences start. Invalid for a bad rule."""
    return recurrence(
        rule=series.rule,
        time_zone=series.time_zone,
        first_date=series.first_date,
        start_time=series.start_time,
    )


def announce_due_series(*, at: datetime) -> int:
    """Announce what every series has due by `at` (the database's clock); return how many series were due.

    Each in its own transaction, under its row's lock. Twice is harmless: an occurrence is made once.
    """
    due = (
        MaintenanceSeries.objects.live()
        .filter(next_announcement_at__lte=at)
        .order_by("next_announcement_at", "pk")
        .values_list("pk", flat=True)[:BATCH]
    )
    done = 0
    for pk in list(due):
        try:
            done += _announce_one(pk, at)
        except Exception:
            # One that cannot be announced must not hold up the others; it is tried again the next time.
            logger.exception("a maintenance series was not announced", extra={"series": pk})
    return done


@transaction.atomic
def _announce_one(pk: int, at: datetime) -> bool:
    rows = MaintenanceSeries.objects.live().select_for_update(no_key=True)
    series: MaintenanceSeries | None = rows.filter(pk=pk, next_announcement_at__lte=at).first()
    if series is not None:
        announce(series=series, at=at)
    return series is not None


def announce(*, series: MaintenanceSeries, at: datetime) -> None:
    """Make the maintenances of a locked series that begin within its days ahead, and note when the next is due.

    What has ended by `at` is left out: nobody announced it, so it was none.
    """
    ahead, duration = timedelta(days=series.announce_days), _duration(series)
    series.next_announcement_at = None
    page: Page = series.page
    if series.enabled and not page.is_archived:
        taken = set(
            Maintenance.objects.filter(series=series, occurrence_at__gt=at - duration).values_list(
                "occurrence_at", flat=True
            )
        )
        components = _live_components(series)
        for start in recurrence_of(series).starts_after(at - duration):
            if start - ahead > at:
                series.next_announcement_at = start - ahead
                break
            if start not in taken:
                _make(series, start, components, at=at)
    series.save(update_fields=["next_announcement_at", "made_until"])


def _make(
    series: MaintenanceSeries, start: datetime, components: Collection[int], *, at: datetime
) -> None:
    create_maintenance(
        page_id=series.page_id,
        name=series.name,
        scheduled_for=start,
        scheduled_until=start + _duration(series),
        message=series.message,
        components=components,
        starts_itself=series.starts_itself,
        ends_itself=series.ends_itself,
        deliver_notifications=series.deliver_notifications,
        series=series,
        occurrence_at=start,
        actor=AUTOMATION,
        at=at,
    )
    series.made_until = max(start, series.made_until or start)


def _adapt(series: MaintenanceSeries, held_in: ZoneInfo, *, actor: Actor, at: datetime) -> None:
    """Bring the announced occurrences of a changed, locked series to what it says now.

    `held_in` is the zone that gave them their days. Those of the last day that have begun stay as they are, but
    stand for their day where its start is still to come.
    """
    zone = ZoneInfo(series.time_zone)
    rows = Maintenance.objects.filter(series=series, occurrence_at__gt=at - DAY).order_by("pk")
    occurrences: list[Maintenance] = list(rows.select_for_update(no_key=True))
    held = {cast(datetime, one.occurrence_at) for one in occurrences}
    last = max(held, default=at) + DAY
    starts: list[datetime] = []
    for start in recurrence_of(series).starts_after(at):
        if start > last:
            break
        starts.append(start)
    free = {start.astimezone(zone).date(): start for start in starts if start not in held}
    components = _live_components(series)
    for one in occurrences:
        start = cast(datetime, one.occurrence_at)
        if start not in starts:
            moved = free.pop(start.astimezone(held_in).date(), None)
            if moved is None:
                if start > at and _follows(one):
                    _call_off(one, actor=actor, at=at)
                    # The day is free: should the rule give it again, it is announced again.
                    one.occurrence_at = None
                    one.save(update_fields=["occurrence_at"])
                continue
            start = one.occurrence_at = moved
            one.save(update_fields=["occurrence_at"])
        if _follows(one):
            fields = {
                "name": series.name,
                "scheduled_for": start,
                "scheduled_until": start + _duration(series),
                "starts_itself": series.starts_itself,
                "ends_itself": series.ends_itself,
                "deliver_notifications": series.deliver_notifications,
            }
            change(maintenance=one, fields=fields, components=components, actor=actor, at=at)


def _follows(occurrence: Maintenance) -> bool:
    return (
        occurrence.follows_series
        and not occurrence.is_archived
        and occurrence.status == MaintenanceStatus.SCHEDULED
    )


def _call_off(occurrence: Maintenance, *, actor: Actor, at: datetime) -> None:
    notify = occurrence.deliver_notifications
    call_off(maintenance=occurrence, deliver_notifications=notify, actor=actor, at=at)


def _cover(series: MaintenanceSeries, ids: Collection[int], *, actor: Actor, at: datetime) -> bool:
    before = set(series.components.values_list("pk", flat=True))
    if before == set(ids):
        return False
    found = covered.named_components(page_id=series.page_id, ids=set(ids) - before)
    series.components.set([*(before & set(ids)), *found])
    if not actor.is_automation:
        record(actor=actor, at=at, action="maintenance_series.updated", row=series)
    return True


def _live_components(series: MaintenanceSeries) -> list[int]:
    """Return what an occurrence covers: of the series' components those that are still on its page."""
    rows = series.components.filter(archived_at__isnull=True, page=series.page_id)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _duration(series: MaintenanceSeries) -> timedelta:
    return timedelta(minutes=series.duration_minutes)


def _check(series: MaintenanceSeries) -> None:
    """Validate the row, and its rule, which is kept in its plain form."""
    clean(series, exclude={"next_announcement_at", "made_until"})
    series.rule = str(recurrence_of(series).rule)
