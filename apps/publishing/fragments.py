"""What a page shows of each component, rendered. Kept from build to build: a change of one component renders one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps.pages.status import ComponentStatus
from apps.publishing.bars import percentage_text, uptime_bars, what_happened
from apps.publishing.event_views import component_status_word
from apps.publishing.kept import Kept
from apps.publishing.readmodel import ComponentFacts

STATUS_ICONS = {
    ComponentStatus.OPERATIONAL.value: "ok",
    ComponentStatus.UNDER_MAINTENANCE.value: "maintenance",
    ComponentStatus.DEGRADED_PERFORMANCE.value: "degraded",
    ComponentStatus.PARTIAL_OUTAGE.value: "partial",
    ComponentStatus.MAJOR_OUTAGE.value: "major",
}
# Some 3,000 components.
_MOST_BYTES = 8 * 2**20
# Of what a fragment was made of: 90 days, by reference.
_INPUTS_BYTES = 1_200


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


_kept: Kept[SafeString] = Kept(_MOST_BYTES, lambda made: sys.getsizeof(made) + _INPUTS_BYTES)


def component_fragment(component: ComponentFacts, *, heading: str) -> SafeString:
    """Return a component's part of the overview. `heading` is its name's element, such as h3."""
    uptime = component.uptime
    shown: tuple[object, ...] = ()
    if uptime:
        # Of today what is shown; its seconds are others in each build.
        today = uptime.days[-1]
        shown = (
            uptime.days[:-1],
            (today.day, today.level, today.corrections, what_happened(today)),
            percentage_text(uptime.percentage),
        )
    return _kept.get(
        (component.id, heading),
        (component.name, component.description, component.status, shown),
        partial(_rendered, component, heading),
    )


def component_view(component: ComponentFacts) -> ComponentView:
    uptime = component.uptime
    return ComponentView(
        id=component.id,
        name=component.name,
        description=component.description,
        status=component.status,
        status_word=component_status_word(component.status),
        icon=STATUS_ICONS[component.status],
        bars=uptime_bars(component.name, uptime) if uptime else None,
        uptime=percentage_text(uptime.percentage) if uptime else "",
        days=len(uptime.days) if uptime else 0,
    )


def _rendered(component: ComponentFacts, heading: str) -> SafeString:
    return render_to_string(
        "public/_component.html", {"component": component_view(component), "heading": heading}
    )
