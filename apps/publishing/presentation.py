"""Ready values for the templates: words, icons, texts and addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString

from apps.core.markdown import render
from apps.incidents import impact
from apps.incidents.models import Impact, IncidentStatus
from apps.pages.status import ComponentStatus
from apps.publishing.bars import percentage_text, uptime_bars
from apps.publishing.charts import DAY, MONTH, WEEK, Chart, chart_of
from apps.publishing.page_status import PageStatus
from apps.publishing.readmodel import ComponentFacts, GroupFacts, IncidentFacts, PageModel
from apps.publishing.times import (
    clock_text,
    day_text,
    duration_text,
    long_day_text,
    machine_time,
    moment_text,
)

PAST_DAYS = 14

_STATUS_ICONS = {
    ComponentStatus.OPERATIONAL.value: "ok",
    ComponentStatus.UNDER_MAINTENANCE.value: "maintenance",
    ComponentStatus.DEGRADED_PERFORMANCE.value: "degraded",
    ComponentStatus.PARTIAL_OUTAGE.value: "partial",
    ComponentStatus.MAJOR_OUTAGE.value: "major",
}
_INDICATOR_ICONS = {
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
class Banner:
    """The page in one line. `announcement` is what a screen reader hears when it changes."""

    indicator: str
    icon: str
    headline: str
    detail: str

    @property
    def announcement(self) -> str:
        return f"{self.headline}. {self.detail}"


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant for a `<time>` element: for machines, and as shown in the page's zone."""

    machine: str
    text: str


@dataclass(frozen=True, slots=True)
class ComponentView:
    id: str
    name: str
    description: str
    status: str
    status_word: str
    icon: str
    bars: SafeString | None
    uptime: str
    days: int


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group; it is unfolded where one of its components is not operational."""

    id: str
    name: str
    description: str
    status: str
    status_word: str
    icon: str
    uptime: str
    components: tuple[ComponentView, ...]
    is_unfolded: bool


@dataclass(frozen=True, slots=True)
class UpdateView:
    id: str
    status: str
    word: str
    body: SafeString
    shown_at: Moment
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IncidentView:
    """`path` is relative to the page's root. `outline` says how long it lasted, in a sentence."""

    id: str
    name: str
    path: str
    impact: str
    impact_word: str
    status: str
    status_word: str
    icon: str
    is_open: bool
    started_at: Moment
    outline: str
    affected: str
    updates: tuple[UpdateView, ...]

    @property
    def latest(self) -> UpdateView:
        return self.updates[0]


@dataclass(frozen=True, slots=True)
class DaysView:
    """A day with incidents, or a stretch of days without."""

    title: str
    incidents: tuple[IncidentView, ...]


@dataclass(frozen=True, slots=True)
class MetricView:
    """A metric's past day, and the longer charts that are unfolded from it."""

    id: str
    name: str
    chart: Chart | None
    longer: tuple[Chart, ...]


def moment(at: datetime, zone: ZoneInfo) -> Moment:
    return Moment(machine_time(at), moment_text(at, zone))


def status_word(status: str) -> str:
    return str(ComponentStatus(status).label)


def banner(model: PageModel) -> Banner:
    """Return the headline: the API's description, unless incidents are open while all components work."""
    status: PageStatus = model.status
    count = len(model.open_incidents)
    troubled = [
        component.name
        for component in model.components
        if component.status != ComponentStatus.OPERATIONAL
    ]
    parts = []
    if count:
        parts.append("1 open incident" if count == 1 else f"{count} open incidents")
    if troubled:
        # A sentence of its own: a component may be in trouble that no incident names.
        parts.append(f"Affected: {_listed(troubled)}")
    elif count:
        parts.append("All components are operational")
    headline = status.description
    icon = _INDICATOR_ICONS[status.indicator]
    if count and status.indicator == "none":
        headline, icon = "Active Incident", "notice"
    if parts:
        detail = ". ".join(parts) + "."
    elif model.components:
        detail = "Everything is working as it should."
    else:
        detail = "Nothing has been put on this page yet."
    return Banner(status.indicator, icon, headline, detail)


def top_level(model: PageModel) -> tuple[ComponentView | GroupView, ...]:
    """Return what the page lists; components that only show when degraded are left out while they work."""
    views: list[ComponentView | GroupView] = []
    for entry in model.top_level:
        if isinstance(entry, GroupFacts):
            components = tuple(_component(one) for one in entry.components if _is_shown(one))
            if components:
                views.append(_group(entry, components))
        elif _is_shown(entry):
            views.append(_component(entry))
    return tuple(views)


def incident_view(incident: IncidentFacts, zone: ZoneInfo) -> IncidentView:
    """Return an incident for its page and for lists."""
    names = [name for _, name in incident.affected]
    shown_statuses = [update.status for update in incident.updates]
    return IncidentView(
        id=incident.id,
        name=incident.name,
        path=f"incidents/{incident.id}",
        impact=incident.impact,
        impact_word=_IMPACT_WORDS[incident.impact],
        status=incident.status,
        status_word=str(IncidentStatus(incident.status).label),
        icon=_INDICATOR_ICONS[incident.impact] if incident.impact != Impact.NONE else "notice",
        is_open=incident.is_open,
        started_at=moment(incident.started_at, zone),
        outline=_outline(incident, zone),
        affected=f"This incident affected: {', '.join(names)}." if names else "",
        updates=tuple(
            UpdateView(
                id=update.id,
                status=update.status,
                word=_update_word(shown_statuses, place),
                body=render(update.body),
                shown_at=moment(update.display_at, zone),
                changes=tuple(
                    f"{change.name}: {status_word(change.new_status)}"
                    for change in update.changes
                    if change.old_status != change.new_status
                ),
            )
            for place, update in enumerate(incident.updates)
        ),
    )


def metrics(model: PageModel) -> tuple[MetricView, ...]:
    views = []
    for metric in model.metrics:
        day, *longer = (
            chart_of(metric, until=model.at, zone=model.zone, period=period)
            for period in (DAY, WEEK, MONTH)
        )
        charts = tuple(chart for chart in longer if chart is not None)
        views.append(MetricView(metric.id, metric.name, day, charts))
    return tuple(views)


def past_days(model: PageModel) -> tuple[DaysView, ...]:
    """Return the past 14 days, newest first, each closed incident on the day it began.

    One that began earlier stands on the day it was resolved. Days without any are drawn together.
    """
    today = model.at.astimezone(model.zone).date()
    first = today - timedelta(days=PAST_DAYS - 1)
    by_day: dict[date, list[IncidentView]] = {}
    for incident in model.incidents:
        if incident.resolved_at is None:
            continue
        day = incident.started_at.astimezone(model.zone).date()
        if day < first:
            day = incident.resolved_at.astimezone(model.zone).date()
        if first <= day <= today:
            by_day.setdefault(day, []).append(incident_view(incident, model.zone))
    views: list[DaysView] = []
    quiet: list[date] = []
    for back in range(PAST_DAYS):
        day = today - timedelta(days=back)
        if day not in by_day:
            quiet.append(day)
            continue
        views.extend(_quiet(quiet))
        quiet = []
        views.append(DaysView(long_day_text(day), tuple(by_day[day])))
    views.extend(_quiet(quiet))
    return tuple(views)


def days_of_month(incidents: Iterable[IncidentFacts], zone: ZoneInfo) -> tuple[DaysView, ...]:
    """Return a month's incidents by the day they began, newest first."""
    by_day: dict[date, list[IncidentView]] = {}
    for incident in sorted(incidents, key=lambda one: one.started_at, reverse=True):
        day = incident.started_at.astimezone(zone).date()
        by_day.setdefault(day, []).append(incident_view(incident, zone))
    return tuple(DaysView(long_day_text(day), tuple(found)) for day, found in by_day.items())


def _quiet(days: Sequence[date]) -> list[DaysView]:
    if not days:
        return []
    newest, oldest = days[0], days[-1]
    if newest == oldest:
        return [DaysView(long_day_text(newest), ())]
    return [DaysView(f"{day_text(oldest)} – {day_text(newest)}", ())]


def _is_shown(component: ComponentFacts) -> bool:
    return not (component.only_show_if_degraded and component.status == ComponentStatus.OPERATIONAL)


def _component(component: ComponentFacts) -> ComponentView:
    uptime = component.uptime
    return ComponentView(
        id=component.id,
        name=component.name,
        description=component.description,
        status=component.status,
        status_word=status_word(component.status),
        icon=_STATUS_ICONS[component.status],
        bars=uptime_bars(component.name, uptime) if uptime else None,
        uptime=percentage_text(uptime.percentage) if uptime else "",
        days=len(uptime.days) if uptime else 0,
    )


def _group(group: GroupFacts, components: tuple[ComponentView, ...]) -> GroupView:
    measured = [
        component.uptime.percentage
        for component in group.components
        if component.uptime and component.uptime.percentage is not None
    ]
    return GroupView(
        id=group.id,
        name=group.name,
        description=group.description,
        status=group.status,
        status_word=status_word(group.status),
        icon=_STATUS_ICONS[group.status],
        uptime=percentage_text(sum(measured) / len(measured)) if measured else "",
        components=components,
        is_unfolded=group.status != ComponentStatus.OPERATIONAL,
    )


def _update_word(statuses: Sequence[str], place: int) -> str:
    """The status, or Update where it repeats the one before it (statuses are newest first)."""
    if place + 1 < len(statuses) and statuses[place + 1] == statuses[place]:
        return "Update"
    return str(IncidentStatus(statuses[place]).label)


def _outline(incident: IncidentFacts, zone: ZoneInfo) -> str:
    if incident.resolved_at is None:
        return ""
    began = incident.started_at.astimezone(zone)
    ended = incident.resolved_at.astimezone(zone)
    length = duration_text(max(0.0, (ended - began).total_seconds()))
    until = clock_text(ended, zone) if began.date() == ended.date() else moment_text(ended, zone)
    return f"Lasted {length}, until {until}."


def _listed(names: Sequence[str], most: int = 3) -> str:
    """Name a few and count the rest: A, B, C and 4 more."""
    if len(names) <= most:
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{', '.join(names[:most])} and {len(names) - most} more"
