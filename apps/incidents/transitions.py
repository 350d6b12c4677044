"""Which step may follow which. Pure (docs/architecture.md, "Incidents")."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.errors import Conflict, Invalid
from apps.incidents.models import IncidentStatus

_OPEN = frozenset(IncidentStatus.values) - {IncidentStatus.RESOLVED.value}
_ANY = frozenset(IncidentStatus.values)

# A person may go from anywhere to anywhere: back, on, and out of resolved (which reopens).
BY_PERSON: dict[str | None, frozenset[str]] = {None: _ANY, **dict.fromkeys(_ANY, _ANY)}
# Automation resolves once; what it resolved itself it may reopen.
BY_AUTOMATION: dict[str | None, frozenset[str]] = {
    None: _ANY,
    **dict.fromkeys(_OPEN, _ANY),
    IncidentStatus.RESOLVED: _OPEN,
}


@dataclass(frozen=True, slots=True)
class Move:
    """What a step does to the incident's being open."""

    resolves: bool
    reopens: bool


def move(
    before: str | None, after: str, *, by_automation: bool = False, spoken_by_person: bool = False
) -> Move:
    """Return what the step from `before` (None: the opening) to `after` does.

    `spoken_by_person`: a person posted the update that the incident stands at. Invalid for an unknown status;
    Conflict `resolved_by_person` when automation would move what a person resolved, `already_resolved` when it
    resolves twice.
    """
    if after not in _ANY:
        raise Invalid("invalid", f"{after!r} is no incident status", field="status")
    resolved = before == IncidentStatus.RESOLVED
    if by_automation and resolved and spoken_by_person:
        raise Conflict("resolved_by_person", "a person resolved this incident")
    if after not in (BY_AUTOMATION if by_automation else BY_PERSON)[before]:
        raise Conflict("already_resolved", "this incident is resolved already")
    resolving = after == IncidentStatus.RESOLVED
    return Move(resolves=resolving and not resolved, reopens=resolved and not resolving)
