"""An incident's impact. Pure (contracts/statuspage-public-v2, section 3)."""

from __future__ import annotations

from collections.abc import Iterable

from apps.incidents.models import Impact
from apps.pages.status import ComponentStatus, worst

MAINTENANCE = "maintenance"
"""The wire's fifth word: nothing worse than maintenance. No one chooses it, so it is no member of Impact."""

_IMPACTS: dict[str, str] = {
    ComponentStatus.OPERATIONAL: Impact.NONE.value,
    ComponentStatus.UNDER_MAINTENANCE: MAINTENANCE,
    ComponentStatus.DEGRADED_PERFORMANCE: Impact.MINOR.value,
    ComponentStatus.PARTIAL_OUTAGE: Impact.MAJOR.value,
    ComponentStatus.MAJOR_OUTAGE: Impact.CRITICAL.value,
}


def impact_of(worst_statuses: Iterable[str], override: str = "") -> str:
    """Return the override, else what the worst status that any visible component had amounts to."""
    return override or _IMPACTS[worst(worst_statuses)]
