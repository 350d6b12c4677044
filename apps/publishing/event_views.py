"""Ready values for what happened on a page, incidents and maintenance: for its page and for lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString

from apps.core.markdown import render
from apps.incidents import impact
from apps.incidents.models import Impact, IncidentStatus, MaintenanceStatus
from apps.pages.status import ComponentStatus
from apps.publishing.readmodel import (
    POSTMORTEM,
    EventFacts,
    IncidentFacts,
    MaintenanceFacts,
    PageModel,
    UpdateFacts,
)
from apps.publishing.times import (
    clock_text,
    day_text,
    duration_text,
    long_day_text,
    machine_time,
    moment_text,
)

PAST_DAYS = 14
CANCELLED = "Cancelled"

IMPACT_ICONS = {
    "none": "ok",
    "minor": "degraded",
    "major": "partial",
    "critical": "major",
    "maintenance": "maintenance",
}
_IMPACT_WORDS = {
    Impact.NONE.value: "No impact",
    Impact.MINOR.value: "Minor impact",
    Impact.MAJOR.value: "Major impact",
    Impact.CRITICAL.value: "Critical impact",
    impact.MAINTENANCE: "Maintenance",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant for a `<time>` element: for machines, and as shown in the page's zone."""

    machine: str
    text: str


@dataclass(frozen=True, slots=True)
class UpdateView:
    id: str
    status: str
    word: str
    body: SafeString
    shown_at: Moment
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkView:
    """`path` is relative to the page's root."""

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class EventView:
    """An incident or a maintenance. `path` is relative to the page's root.

    `outline` says how long it lasted, or for when a cancelled one was planned, in a sentence. `postmortem` stands apart from the `updates`. Of a
    maintenance `started_at` is its planned start, or the true one once it is over, and `until` the planned end.
    """

    id: str
    name: str
    path: str
    impact: str
    impact_word: str
    status: str
    status_word: str
    icon: str
    is_open: bool
    is_maintenance: bool
    started_at: Moment
    until: Moment | None
    outline: str
    affected: str
    merged_into: LinkView | None
    postmortem: UpdateView | None
    updates: tuple[UpdateView, ...]

    @property
    def latest(self) -> UpdateView:
        return self.updates[0]


@dataclass(frozen=True, slots=True)
class DaysView:
    """A day on which something happened, or a stretch of days on which nothing did."""

    title: str
    incidents: tuple[EventView, ...]


def moment(at: datetime, zone: ZoneInfo) -> Moment:
    return Moment(machine_time(at), moment_text(at, zone))


def component_status_word(status: str) -> str:
    return str(ComponentStatus(status).label)


def event_view(event: EventFacts, zone: ZoneInfo) -> EventView:
    """Return an incident or a maintenance for its page and for lists."""
    if isinstance(event, IncidentFacts):
        return incident_view(event, zone)
    return maintenance_view(event, zone)


def incident_view(incident: IncidentFacts, zone: ZoneInfo) -> EventView:
    names = [name for _, name in incident.affected]
    told = [update for update in incident.updates if update.status == POSTMORTEM]
    updates = tuple(update for update in incident.updates if update.status != POSTMORTEM)
    status = IncidentStatus(updates[0].status if told else incident.status)
    return EventView(
        id=incident.id,
        name=incident.name,
        path=f"incidents/{incident.id}",
        impact=incident.impact,
        impact_word=_IMPACT_WORDS[incident.impact],
        status=status.value,
        status_word=str(status.label),
        icon=IMPACT_ICONS[incident.impact] if incident.impact != Impact.NONE else "notice",
        is_open=incident.is_open,
        is_maintenance=False,
        started_at=moment(incident.started_at, zone),
        until=None,
        outline=_outline(incident.started_at, incident.resolved_at, zone),
        affected=f"This incident affected: {', '.join(names)}." if names else "",
        merged_into=LinkView(f"incidents/{incident.merged_into[0]}", incident.merged_into[1])
        if incident.merged_into
        else None,
        postmortem=_update(told[0], "Post-mortem", zone) if told else None,
        updates=_updates(
            updates, {status.value: str(status.label) for status in IncidentStatus}, zone
        ),
    )


def maintenance_view(maintenance: MaintenanceFacts, zone: ZoneInfo) -> EventView:
    names = [name for _, name in maintenance.affected]
    status = MaintenanceStatus(maintenance.status)
    verb = "affects" if maintenance.is_open else "affected"
    began = maintenance.told_at or maintenance.scheduled_for
    words = {status.value: str(status.label) for status in MaintenanceStatus}
    if maintenance.is_cancelled:
        words[MaintenanceStatus.COMPLETED.value] = CANCELLED
    outline = ""
    if maintenance.is_cancelled:
        outline = f"Was planned for {_stretch(maintenance.scheduled_for, maintenance.scheduled_until, zone)}."
    elif maintenance.started_at is not None:
        outline = _outline(began, maintenance.completed_at, zone)
    return EventView(
        id=maintenance.id,
        name=maintenance.name,
        path=f"incidents/{maintenance.id}",
        impact=impact.MAINTENANCE,
        impact_word="Maintenance",
        status="cancelled" if maintenance.is_cancelled else maintenance.status,
        status_word=words[status.value],
        icon="maintenance",
        is_open=maintenance.is_open,
        is_maintenance=True,
        started_at=moment(began, zone),
        until=moment(maintenance.scheduled_until, zone) if maintenance.is_open else None,
        outline=outline,
        affected=f"This maintenance {verb}: {', '.join(names)}." if names else "",
        merged_into=None,
        postmortem=None,
        updates=_updates(maintenance.updates, words, zone),
    )


def past_days(model: PageModel) -> tuple[DaysView, ...]:
    """Return the past 14 days, newest first, what is over of them on the day it began.

    What began earlier stands on the day it ended. Days without any are drawn together. Nothing is said of days of
    which the model does not hold all incidents.
    """
    today = model.at.astimezone(model.zone).date()
    first = today - timedelta(days=PAST_DAYS - 1)
    complete = model.told_from.astimezone(model.zone).date() if model.told_from else first
    by_day: dict[date, list[EventView]] = {}
    for event in _newest_first(model.events):
        if event.told_at is None or event.ended_at is None:
            continue
        day = event.told_at.astimezone(model.zone).date()
        if day < first:
            day = event.ended_at.astimezone(model.zone).date()
        if first <= day <= today:
            by_day.setdefault(day, []).append(event_view(event, model.zone))
    views: list[DaysView] = []
    quiet: list[date] = []
    for back in range(PAST_DAYS):
        day = today - timedelta(days=back)
        if day not in by_day:
            if day >= complete:
                quiet.append(day)
            continue
        views.extend(_quiet(quiet))
        quiet = []
        views.append(DaysView(long_day_text(day), tuple(by_day[day])))
    views.extend(_quiet(quiet))
    return tuple(views)


def days_of_month(events: Iterable[EventFacts], zone: ZoneInfo) -> tuple[DaysView, ...]:
    """Return what a month's history tells, by the day it began, newest first."""
    by_day: dict[date, list[EventView]] = {}
    for event in _newest_first(events):
        assert event.told_at is not None
        day = event.told_at.astimezone(zone).date()
        by_day.setdefault(day, []).append(event_view(event, zone))
    return tuple(DaysView(long_day_text(day), tuple(found)) for day, found in by_day.items())


def _newest_first(events: Iterable[EventFacts]) -> list[EventFacts]:
    told = [(event.told_at, event.number, event) for event in events if event.told_at is not None]
    return [event for _, _, event in sorted(told, key=lambda one: one[:2], reverse=True)]


def _quiet(days: Sequence[date]) -> list[DaysView]:
    if not days:
        return []
    newest, oldest = days[0], days[-1]
    if newest == oldest:
        return [DaysView(long_day_text(newest), ())]
    return [DaysView(f"{day_text(oldest)} – {day_text(newest)}", ())]


def _updates(
    updates: Sequence[UpdateFacts], words: dict[str, str], zone: ZoneInfo
) -> tuple[UpdateView, ...]:
    """Return the updates; one that repeats the status before it is called Update (they are newest first)."""
    views = []
    for place, update in enumerate(updates):
        repeats = place + 1 < len(updates) and updates[place + 1].status == update.status
        views.append(_update(update, "Update" if repeats else words[update.status], zone))
    return tuple(views)


def _update(update: UpdateFacts, word: str, zone: ZoneInfo) -> UpdateView:
    return UpdateView(
        id=update.id,
        status=update.status,
        word=word,
        body=render(update.body),
        shown_at=moment(update.display_at, zone),
        changes=tuple(
            f"{change.name}: {component_status_word(change.new_status)}"
            for change in update.changes
            if change.old_status != change.new_status
        ),
    )


def _stretch(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    is_one_day = start.astimezone(zone).date() == end.astimezone(zone).date()
    until = clock_text(end, zone) if is_one_day else moment_text(end, zone)
    return f"{moment_text(start, zone)}, until {until}"


def _outline(started_at: datetime, ended_at: datetime | None, zone: ZoneInfo) -> str:
    if ended_at is None:
        return ""
    began, ended = started_at.astimezone(zone), ended_at.astimezone(zone)
    length = duration_text(max(0.0, (ended - began).total_seconds()))
    until = clock_text(ended, zone) if began.date() == ended.date() else moment_text(ended, zone)
    return f"Lasted {length}, until {until}."
