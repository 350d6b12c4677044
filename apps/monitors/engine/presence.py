"""Which locations have a living worker: engines say so with their leases, claims and people read it.

All on the database's clock. A clock that was set back leaves signs of life in the future; those count for as little
as old ones, until the workers have said it anew.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apps.core.clock import DatabaseNow
from apps.monitors.models import Location, LocationState

logger = logging.getLogger(__name__)

# Engines say that they are there every RENEW_S, so one may be late three times.
PRESENT_FOR = timedelta(seconds=20)
QUEUE_PREFIX = "checks."

# The condition of `claim`'s statements on PostgreSQL; statement_timestamp() as there.
HAS_WORKER = (
    "location_id IN (SELECT p.location_id FROM monitors_locationstate p WHERE p.seen_at BETWEEN"  # noqa: S608 -- built from constants
    f" statement_timestamp() - interval '{PRESENT_FOR.total_seconds()} seconds'"
    f" AND statement_timestamp() + interval '{PRESENT_FOR.total_seconds()} seconds')"
)


@dataclass(frozen=True, slots=True)
class Served:
    """A location that an engine serves, as the database has it."""

    id: int
    code: str
    reference_targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class References:
    """How a location's reference targets stood at `checked_at`; `failing_since`: none answers."""

    checked_at: datetime
    failing_since: datetime | None


def codes_of_queues(queues: Collection[str]) -> frozenset[str]:
    """Return the codes of the locations whose queues these are."""
    return frozenset(
        name.removeprefix(QUEUE_PREFIX) for name in queues if name.startswith(QUEUE_PREFIX)
    )


def served_locations(codes: Collection[str]) -> list[Served]:
    """Return the live locations of these codes."""
    rows = Location.objects.live().filter(code__in=codes).order_by("pk")
    return [Served(row.pk, row.code, tuple(row.reference_targets)) for row in rows]


def record_presence(*, location_ids: Collection[int], references: Mapping[int, References]) -> None:
    """Note that a worker lives at these locations, and how their reference targets stand. One statement.

    Several workers of a location may disagree about its reference targets: the last to speak is shown.
    """
    LocationState.objects.bulk_create(
        [
            LocationState(
                location_id=location_id,
                seen_at=DatabaseNow(),
                references_checked_at=known.checked_at if known else None,
                references_failing_since=known.failing_since if known else None,
            )
            for location_id in sorted(location_ids)
            for known in [references.get(location_id)]
        ],
        update_conflicts=True,
        unique_fields=["location"],
        update_fields=["seen_at", "references_checked_at", "references_failing_since"],
    )


def present(now: datetime) -> QuerySet[LocationState]:
    """Return the states of the locations that have a living worker at `now` (the database's)."""
    return LocationState.objects.filter(seen_at__range=(now - PRESENT_FOR, now + PRESENT_FOR))


def is_present(state: LocationState | None, now: datetime) -> bool:
    """Whether this state is that of a location with a living worker."""
    return state is not None and abs(now - state.seen_at) <= PRESENT_FOR
