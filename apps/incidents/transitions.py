"""Which step may follow which. Pure (docs/architecture.md, "Incidents")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from apps.core.errors import Conflict, Invalid
from apps.incidents.models import IncidentStatus, MaintenanceStatus

Mover = Literal["person", "automation"]
"""A token and a command move as a person does."""


class Standing(Enum):
    """Where an incident stands, as far as a step depends on it."""

    NEW = "new"
    OPEN = "open"
    RESOLVED_BY_PERSON = "resolved by a person"
    RESOLVED_BY_AUTOMATION = "resolved by automation"
    RETROSPECTIVE = "told after it was over"
    MERGED = "merged into another"


class Refusal(Enum):
    """Why a step is refused: (code, text)."""

    ALREADY_RESOLVED = ("already_resolved", "this incident is resolved already")
    RESOLVED_BY_PERSON = ("resolved_by_person", "a person resolved this incident")
    RETROSPECTIVE = ("retrospective", "this incident was told after it was over: it stays resolved")
    MERGED = ("merged", "this incident was merged into another: post there")


@dataclass(frozen=True, slots=True)
class Move:
    """What a step does to the incident's being open."""

    resolves: bool
    reopens: bool


ON = Move(resolves=False, reopens=False)
RESOLVES = Move(resolves=True, reopens=False)
REOPENS = Move(resolves=False, reopens=True)

# {(who, where it stands): (a step to any open status, a step to resolved)}. A person may go from anywhere to anywhere,
# also out of resolved, which reopens; a step from resolved to resolved is a note. Automation resolves once, and
# may reopen what it resolved itself.
INCIDENT_MOVES: dict[tuple[Mover, Standing], tuple[Move | Refusal, Move | Refusal]] = {
    ("person", Standing.NEW): (ON, RESOLVES),
    ("person", Standing.OPEN): (ON, RESOLVES),
    ("person", Standing.RESOLVED_BY_PERSON): (REOPENS, ON),
    ("person", Standing.RESOLVED_BY_AUTOMATION): (REOPENS, ON),
    ("person", Standing.RETROSPECTIVE): (Refusal.RETROSPECTIVE, ON),
    ("person", Standing.MERGED): (Refusal.MERGED, Refusal.MERGED),
    ("automation", Standing.NEW): (ON, RESOLVES),
    ("automation", Standing.OPEN): (ON, RESOLVES),
    ("automation", Standing.RESOLVED_BY_PERSON): (
        Refusal.RESOLVED_BY_PERSON,
        Refusal.RESOLVED_BY_PERSON,
    ),
    ("automation", Standing.RESOLVED_BY_AUTOMATION): (REOPENS, Refusal.ALREADY_RESOLVED),
    ("automation", Standing.RETROSPECTIVE): (Refusal.RETROSPECTIVE, Refusal.RETROSPECTIVE),
    ("automation", Standing.MERGED): (Refusal.MERGED, Refusal.MERGED),
}


def move(standing: Standing, after: str, *, mover: Mover = "person") -> Move:
    """Return what the step to `after` does. Invalid for an unknown status, Conflict where the table refuses it."""
    if after not in IncidentStatus.values:
        raise Invalid("invalid", f"{after!r} is no incident status", field="status")
    to_open, to_resolved = INCIDENT_MOVES[mover, standing]
    found = to_resolved if after == IncidentStatus.RESOLVED else to_open
    if isinstance(found, Refusal):
        raise Conflict(*found.value)
    return found


CANCELLED = "cancelled"
"""Where a maintenance stands that was called off: completed, and for good."""

_SCHEDULED, _IN_PROGRESS, _VERIFYING, _COMPLETED = MaintenanceStatus.values

# {(who, the status it has; None: it is being announced): the statuses it may come to}. A person may go back, also to
# work that was thought to be completed; what is over is not announced again, and what was called off gets notes only.
# Automation goes forward, one step at a time. A step to the same status is a note.
MAINTENANCE_MOVES: dict[tuple[Mover, str | None], frozenset[str]] = {
    ("person", None): frozenset({_SCHEDULED, _IN_PROGRESS, _VERIFYING, _COMPLETED}),
    ("person", _SCHEDULED): frozenset({_SCHEDULED, _IN_PROGRESS, _VERIFYING, _COMPLETED}),
    ("person", _IN_PROGRESS): frozenset({_SCHEDULED, _IN_PROGRESS, _VERIFYING, _COMPLETED}),
    ("person", _VERIFYING): frozenset({_SCHEDULED, _IN_PROGRESS, _VERIFYING, _COMPLETED}),
    ("person", _COMPLETED): frozenset({_IN_PROGRESS, _VERIFYING, _COMPLETED}),
    ("person", CANCELLED): frozenset({_COMPLETED}),
    ("automation", None): frozenset({_SCHEDULED}),
    ("automation", _SCHEDULED): frozenset({_IN_PROGRESS}),
    ("automation", _IN_PROGRESS): frozenset({_COMPLETED}),
    ("automation", _VERIFYING): frozenset({_COMPLETED}),
    ("automation", _COMPLETED): frozenset(),
    ("automation", CANCELLED): frozenset(),
}


def check_maintenance_move(
    before: str | None, after: str, *, is_cancelled: bool = False, mover: Mover = "person"
) -> None:
    """Refuse a step that the table does not have. Invalid for an unknown status, else Conflict.

    The conflict's code is `cancelled` for one that was called off, `not_allowed` otherwise.
    """
    if after not in MaintenanceStatus.values:
        raise Invalid("invalid", f"{after!r} is no maintenance status", field="status")
    if after in MAINTENANCE_MOVES[mover, CANCELLED if is_cancelled else before]:
        return
    if is_cancelled:
        raise Conflict("cancelled", "this maintenance was cancelled")
    come = MaintenanceStatus(after).label
    was = f"{MaintenanceStatus(before).label} " if before else ""
    raise Conflict("not_allowed", f"a {was}maintenance cannot become {come}".replace("  ", " "))
