"""Ready values for the overview: words, icons, texts and addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.utils.safestring import SafeString, mark_safe

from apps.incidents.models import Impact
from apps.pages.status import ComponentStatus
from apps.publishing.bars import percentage_text
from apps.publishing.charts import DAY, MONTH, WEEK, Chart, chart_of
from apps.publishing.event_views import (
    IMPACT_ICONS,
    EventView,
    component_status_word,
    event_view,
)
from apps.publishing.fragments import STATUS_ICONS, component_fragment
from apps.publishing.page_status import PageStatus
from apps.publishing.readmodel import ComponentFacts, EventFacts, GroupFacts, PageModel


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
class ComponentsView:
    """Components in a row that are in no group, rendered."""

    html: SafeString


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group with its components, rendered; it is unfolded where one of them is not operational."""

    id: str
    name: str
    description: str
    status: str
    status_word: str
    icon: str
    uptime: str
    components: SafeString
    is_unfolded: bool


@dataclass(frozen=True, slots=True)
class MetricView:
    """A metric's past day, and the longer charts that are unfolded from it."""

    id: str
    name: str
    chart: Chart | None
    longer: tuple[Chart, ...]


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
    if model.active_maintenances:
        parts.append(_in_progress(len(model.active_maintenances)))
    if troubled:
        # A sentence of its own: a component may be in trouble that no incident names.
        parts.append(f"Affected: {_listed(troubled)}")
    elif parts:
        parts.append("All components are operational")
    headline = status.description
    icon = IMPACT_ICONS[status.indicator]
    if count and status.indicator == "none":
        headline, icon = "Active Incident", "notice"
    if parts:
        detail = ". ".join(parts) + "."
    elif model.components:
        detail = "Everything is working as it should."
    else:
        detail = "Nothing has been put on this page yet."
    return Banner(status.indicator, icon, headline, detail)


@dataclass(frozen=True, slots=True)
class Notice:
    """What an embedded frame tells of. `key` changes with it, so that a reader's dismissal ends."""

    key: str
    title: str
    event: EventView


def notice(model: PageModel) -> Notice | None:
    """Return the worst open incident, else a maintenance in progress, else the next one announced."""
    if model.open_incidents:
        order = [choice.value for choice in Impact]
        event: EventFacts = max(
            model.open_incidents,
            key=lambda one: (
                order.index(one.impact) if one.impact in order else 0,
                one.started_at,
            ),
        )
        title = "Incident"
    elif model.active_maintenances:
        event, title = model.active_maintenances[0], "Maintenance"
    elif model.upcoming_maintenances:
        event = min(model.upcoming_maintenances, key=lambda one: one.scheduled_for)
        title = "Maintenance"
    else:
        return None
    return Notice(event.updates[0].id, title, event_view(event, model.zone))


def top_level(model: PageModel) -> tuple[ComponentsView | GroupView, ...]:
    """Return what the page lists; components that only show when degraded are left out while they work."""
    views: list[ComponentsView | GroupView] = []
    for is_group, entries in groupby(model.top_level, lambda one: isinstance(one, GroupFacts)):
        if is_group:
            views += [
                _group(one, inside)
                for one in entries
                if isinstance(one, GroupFacts) and (inside := _rendered(one.components, "h4"))
            ]
        elif html := _rendered([one for one in entries if isinstance(one, ComponentFacts)], "h3"):
            views.append(ComponentsView(html))
    return tuple(views)


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


def _is_shown(component: ComponentFacts) -> bool:
    return not (component.only_show_if_degraded and component.status == ComponentStatus.OPERATIONAL)


def _rendered(components: Iterable[ComponentFacts], heading: str) -> SafeString:
    """Return those that are shown, one after another."""
    fragments = (component_fragment(one, heading=heading) for one in components if _is_shown(one))
    # Each is a template's own, escaped there.
    return mark_safe("".join(fragments))  # noqa: S308


def _group(group: GroupFacts, components: SafeString) -> GroupView:
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
        status_word=component_status_word(group.status),
        icon=STATUS_ICONS[group.status],
        uptime=percentage_text(sum(measured) / len(measured)) if measured else "",
        components=components,
        is_unfolded=group.status != ComponentStatus.OPERATIONAL,
    )


def _in_progress(count: int) -> str:
    return "1 maintenance in progress" if count == 1 else f"{count} maintenances in progress"


def _listed(names: Sequence[str], most: int = 3) -> str:
    """Name a few and count the rest: A, B, C and 4 more."""
    if len(names) <= most:
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{', '.join(names[:most])} and {len(names) - most} more"
