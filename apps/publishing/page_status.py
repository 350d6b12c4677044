"""A page's overall status (contract statuspage-public-v2, section 3, "page status"). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from apps.incidents import impact
from apps.incidents.models import Impact
from apps.pages.status import ComponentStatus

_MAJOR = ComponentStatus.MAJOR_OUTAGE
_PARTIAL = ComponentStatus.PARTIAL_OUTAGE
_DEGRADED = ComponentStatus.DEGRADED_PERFORMANCE
_MAINTENANCE = ComponentStatus.UNDER_MAINTENANCE


@dataclass(frozen=True, slots=True)
class PageStatus:
    """`indicator` is none, minor, major, critical or maintenance; `description` its one sentence."""

    indicator: str
    description: str


OPERATIONAL = PageStatus("none", "All Systems Operational")
CRITICAL = PageStatus("critical", "Major System Outage")
MAJOR = PageStatus("major", "Partial System Outage")
MINOR_OUTAGE = PageStatus("minor", "Minor Service Outage")
DEGRADED = PageStatus("minor", "Degraded System Service")
PARTLY_DEGRADED = PageStatus("minor", "Partially Degraded Service")
MAINTENANCE = PageStatus("maintenance", "Service Under Maintenance")

# A page without components says what its worst open incident says, from best to worst.
_OF_IMPACT = {
    Impact.NONE.value: OPERATIONAL,
    impact.MAINTENANCE: MAINTENANCE,
    Impact.MINOR.value: MINOR_OUTAGE,
    Impact.MAJOR.value: MAJOR,
    Impact.CRITICAL.value: CRITICAL,
}


def page_status(
    component_statuses: Collection[str], open_impacts: Iterable[str] = ()
) -> PageStatus:
    """Return the status of a page from its plain components' statuses, groups left out.

    Open incidents do not count, except on a page without components: there the worst of their impacts
    speaks. A single degraded component makes the service partly degraded, a single outage a whole one.
    """
    statuses = list(component_statuses)
    if not statuses:
        order = list(_OF_IMPACT)
        return _OF_IMPACT[max(open_impacts, key=order.index, default=Impact.NONE.value)]

    def all_are(status: str) -> bool:
        return all(one == status for one in statuses)

    if all_are(_MAJOR):
        return CRITICAL
    if _MAJOR in statuses or all_are(_PARTIAL):
        return MAJOR
    if _PARTIAL in statuses:
        return MINOR_OUTAGE
    if len(statuses) > 1 and all_are(_DEGRADED):
        return DEGRADED
    if _DEGRADED in statuses:
        return PARTLY_DEGRADED
    if _MAINTENANCE in statuses:
        return MAINTENANCE
    return OPERATIONAL
