"""`maintenances[]`: by page and name. With a `recurrence` it is a series; without, one that is to come.

One that has begun or is over is left to people: a file plans, it does not tell what happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from apps.configuration.context import Context
from apps.configuration.reading import Entry
from apps.configuration.sections.bringing import Bringer, NameKey, Present, Values
from apps.configuration.sections.page_names import ComponentNames, live_pages, page_of
from apps.core.errors import Invalid
from apps.incidents.models import (
    Maintenance,
    MaintenanceSeries,
    MaintenanceStatus,
    MaintenanceUpdate,
)
from apps.incidents.recurrence import first_instant, parse_rule
from apps.incidents.services import maintenance as once_services
from apps.incidents.services import series as series_services
from apps.pages.models import Page

SWITCHES = ("starts_itself", "ends_itself", "deliver_notifications")
TIMES = ("scheduled_for", "scheduled_until")
RECURRENCE = (
    "rule",
    "time_zone",
    "first_date",
    "start_time",
    "duration_minutes",
    "announce_days",
    "enabled",
)


def present_series() -> dict[NameKey, Present]:
    """Return the live series of live pages, by page and name."""
    names = ComponentNames()
    rows = MaintenanceSeries.objects.live().filter(page__archived_at__isnull=True)
    return {
        (row.page.slug, row.name): Present(row.pk, _series_values(row, names.of(row.page_id)))
        for row in rows.select_related("page").prefetch_related("components").order_by("pk")
    }


def present_once() -> dict[NameKey, Present]:
    """Return the live maintenances that have not begun and are of no series, by page and name; the soonest of a name."""
    names = ComponentNames()
    rows = list(
        _once()
        .filter(status=MaintenanceStatus.SCHEDULED)
        .select_related("page")
        .prefetch_related("affected")
        .order_by("-scheduled_for", "-pk")
    )
    first = MaintenanceUpdate.objects.filter(maintenance__in=rows, sequence=1)
    texts = dict(first.values_list("maintenance_id", "body"))
    return {
        (row.page.slug, row.name): Present(
            row.pk, _once_values(row, names.of(row.page_id), texts.get(row.pk, ""))
        )
        for row in rows
    }


def bring(context: Context) -> None:
    if not context.entries("maintenances"):
        return
    keys, names = live_pages(), ComponentNames()
    pages: dict[int, Page] = Page.objects.in_bulk(list(keys.values()))
    series, once = present_series(), present_once()
    for entry in context.entries("maintenances"):
        page_id = page_of(context, entry, keys)
        found = _resolve(context, entry, pages[page_id], names) if page_id is not None else None
        if page_id is None or found is None:
            continue
        page, (values, ids) = pages[page_id], found
        key = _key(values)
        if values["recurrence"] is not None:
            bringer, present = _series_bringer(context, page, ids), series.get(key)
        elif _is_history(page, values, context.at):
            continue
        else:
            bringer, present = _once_bringer(context, page, ids), once.get(key)
            if present is not None:
                # The announcement was published: its text is what it was.
                values["message"] = present.values["message"]
        bringer.bring_one(context, Entry(entry.node, values), present)


def remove_missing(context: Context) -> None:
    """Cancel what is missing and has not begun; archive missing series with what they announced."""
    if not context.has("maintenances"):
        return
    mentioned = {
        (entry.values["page"], entry.values["name"]) for entry in context.entries("maintenances")
    }
    for bringer, present in (
        (_series_bringer(context), present_series()),
        (_once_bringer(context), present_once()),
    ):
        bringer.remove(
            context,
            {
                key: row
                for key, row in present.items()
                if key not in mentioned and not context.is_broken("maintenances", *key)
            },
        )


def _once() -> Any:
    return Maintenance.objects.live().filter(series__isnull=True, page__archived_at__isnull=True)


def _is_history(page: Page, values: Values, at: datetime) -> bool:
    """Whether one of this name and start has begun or is over, or its time has passed."""
    zone = ZoneInfo(page.time_zone)
    begins, ends = (_instant(values[name], zone) for name in TIMES)
    if begins < ends <= at:
        return True
    known = _once().filter(page=page, name=values["name"], scheduled_for=begins)
    return bool(known.exclude(status=MaintenanceStatus.SCHEDULED).exists())


def _resolve(
    context: Context, entry: Entry, page: Page, names: ComponentNames
) -> tuple[Values, list[int]] | None:
    """Return the values as an export writes them, and the components' ids; None with a problem."""
    values = dict(entry.values)
    try:
        ids = names.find_all(page.pk, values["components"], field="components")
    except Invalid as refusal:
        if not context.is_broken("page_parts", page.slug):
            context.refuse(entry.node, refusal.field or "", refusal.message)
        return None
    values["components"] = sorted(names.of(page.pk)[pk] for pk in ids)
    if values["recurrence"] is None:
        zone = ZoneInfo(page.time_zone)
        values |= {name: _written(_instant(values[name], zone), zone) for name in TIMES}
        return values, ids
    recurrence = dict(values["recurrence"])
    recurrence["time_zone"] = recurrence["time_zone"] or page.time_zone
    try:
        recurrence["rule"] = str(parse_rule(recurrence["rule"]))
    except Invalid as refusal:
        context.refuse(entry.node, "recurrence.rule", refusal.message)
        return None
    return values | {"recurrence": recurrence}, ids


def _series_bringer(context: Context, page: Page | None = None, ids: Iterable[int] = ()) -> Bringer:
    who = context.who

    def create(values: Values) -> None:
        assert page is not None
        series_services.create_series(
            page_id=page.pk, components=list(ids), **_series_fields(values), **who
        )

    def update(series_id: int, values: Values) -> None:
        series_services.update_series(
            series_id=series_id, components=list(ids), **_series_fields(values), **who
        )

    return Bringer(
        section="maintenances",
        kind="recurring maintenance",
        key_of=_key,
        create=create,
        update=update,
        archive=partial(_archive_series, who),
        path_of=lambda field: f"recurrence.{field}" if field in RECURRENCE else field,
    )


def _archive_series(who: dict[str, Any], series_id: int) -> None:
    series_services.archive_series(series_id=series_id, cancel_announced=True, **who)


def _once_bringer(context: Context, page: Page | None = None, ids: Iterable[int] = ()) -> Bringer:
    who = context.who
    zone = ZoneInfo(page.time_zone if page else "UTC")

    def create(values: Values) -> None:
        assert page is not None
        once_services.create_maintenance(
            page_id=page.pk,
            name=values["name"],
            message=values["message"],
            components=list(ids),
            scheduled_for=_instant(values["scheduled_for"], zone),
            scheduled_until=_instant(values["scheduled_until"], zone),
            starts_itself=values["starts_itself"],
            ends_itself=values["ends_itself"],
            deliver_notifications=values["deliver_notifications"],
            **who,
        )

    def update(maintenance_id: int, values: Values) -> None:
        once_services.reschedule_maintenance(
            maintenance_id=maintenance_id,
            scheduled_for=_instant(values["scheduled_for"], zone),
            scheduled_until=_instant(values["scheduled_until"], zone),
            **who,
        )
        once_services.edit_maintenance(
            maintenance_id=maintenance_id,
            components=list(ids),
            **{name: values[name] for name in SWITCHES},
            **who,
        )

    return Bringer(
        section="maintenances",
        kind="maintenance",
        key_of=_key,
        create=create,
        update=update,
        archive=lambda pk: once_services.cancel_maintenance(maintenance_id=pk, **who),
    )


def _key(values: Values) -> NameKey:
    return values["page"], values["name"]


def _series_fields(values: Values) -> Any:
    recurrence = values["recurrence"]
    return {
        "name": values["name"],
        "message": values["message"],
        **{name: values[name] for name in SWITCHES},
        **recurrence,
        "first_date": date.fromisoformat(recurrence["first_date"]),
        "start_time": time.fromisoformat(recurrence["start_time"]),
    }


def _series_values(row: MaintenanceSeries, names: dict[int, str]) -> Values:
    recurrence = {name: getattr(row, name) for name in RECURRENCE}
    recurrence["first_date"] = row.first_date.isoformat()
    recurrence["start_time"] = _clock(row.start_time)
    covered = [component.pk for component in row.components.all()]
    return {
        "page": row.page.slug,
        "name": row.name,
        "message": row.message,
        "components": sorted(names[pk] for pk in covered if pk in names),
        **dict.fromkeys(TIMES),
        "recurrence": recurrence,
        **{name: getattr(row, name) for name in SWITCHES},
    }


def _once_values(row: Maintenance, names: dict[int, str], message: str) -> Values:
    zone = ZoneInfo(row.page.time_zone)
    covered = [part.component_id for part in row.affected.all()]
    return {
        "page": row.page.slug,
        "name": row.name,
        "message": message,
        "components": sorted(names[pk] for pk in covered if pk in names),
        **{name: _written(getattr(row, name), zone) for name in TIMES},
        "recurrence": None,
        **{name: getattr(row, name) for name in SWITCHES},
    }


def _instant(text: str, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) of a time of the file: with its own offset, or on the zone's wall clock."""
    found = datetime.fromisoformat(text)
    return found.astimezone(ZoneInfo("UTC")) if found.tzinfo else first_instant(found, zone)


def _written(instant: datetime, zone: ZoneInfo) -> str:
    """Return the wall-clock time; with its offset where that time comes twice and this is the second."""
    local = instant.astimezone(zone)
    wall = local.replace(tzinfo=None)
    spec = "seconds" if wall.second else "minutes"
    if first_instant(wall, zone) != instant:
        return local.isoformat(timespec=spec)
    return wall.isoformat(timespec=spec)


def _clock(value: time) -> str:
    return value.isoformat("seconds" if value.second else "minutes")
