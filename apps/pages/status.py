"""A component's status is derived, and explainable. Pure (docs/architecture.md, "Status").

The status is the worst contribution, with these exceptions: while a maintenance in progress, or staff's own
`under_maintenance`, covers the component, monitor links are masked and it is `under_maintenance` unless
staff or an incident say something worse than operational. Muted links do not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from django.db import models


class ComponentStatus(models.TextChoices):
    OPERATIONAL = "operational", "Operational"
    UNDER_MAINTENANCE = "under_maintenance", "Under maintenance"
    DEGRADED_PERFORMANCE = "degraded_performance", "Degraded performance"
    PARTIAL_OUTAGE = "partial_outage", "Partial outage"
    MAJOR_OUTAGE = "major_outage", "Major outage"


# From best to worst (contracts/statuspage-public-v2, section 2, "component").
SEVERITY: dict[str, int] = {status: rank for rank, status in enumerate(ComponentStatus.values)}

Role = Literal["decides", "counts", "muted", "masked"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """A contribution as the rule sees it. `source` is one of StatusContribution.Source."""

    source: str
    key: str
    status: str
    muted: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """An opinion and its part in the result."""

    opinion: Opinion
    role: Role


@dataclass(frozen=True, slots=True)
class Derived:
    """The status and why: every opinion with its part in it, in the order given."""

    status: str
    explained: tuple[Explained, ...]


def worst(statuses: Iterable[str]) -> str:
    """Return the worst of the statuses; operational when there is none."""
    return max(statuses, key=SEVERITY.__getitem__, default=ComponentStatus.OPERATIONAL.value)


def derive(opinions: Iterable[Opinion]) -> Derived:
    """Return the status that the opinions make, with the part of each."""
    all_opinions = tuple(opinions)
    covered = any(_covers(opinion) for opinion in all_opinions)
    counting = [opinion for opinion in all_opinions if _sets_aside(opinion, covered) is None]
    if covered:
        # Only what a person or an incident says beyond operational outweighs the maintenance.
        louder = [
            opinion
            for opinion in counting
            if opinion.source in {"staff", "incident"}
            and not _covers(opinion)
            and opinion.status != ComponentStatus.OPERATIONAL
        ]
        status = (
            worst(opinion.status for opinion in louder)
            if louder
            else ComponentStatus.UNDER_MAINTENANCE.value
        )
    else:
        status = worst(opinion.status for opinion in counting)
    return Derived(
        status,
        tuple(
            Explained(
                opinion,
                _sets_aside(opinion, covered)
                or ("decides" if opinion.status == status else "counts"),
            )
            for opinion in all_opinions
        ),
    )


def _covers(opinion: Opinion) -> bool:
    """A maintenance in progress, or staff's own under_maintenance."""
    return opinion.source == "maintenance" or (
        opinion.source == "staff" and opinion.status == ComponentStatus.UNDER_MAINTENANCE
    )


def _sets_aside(opinion: Opinion, covered: bool) -> Role | None:
    """Why the opinion does not count, or None. A mute outlasts a mask, so it is named first."""
    if opinion.muted:
        return "muted"
    if covered and opinion.source == "link":
        return "masked"
    return None
