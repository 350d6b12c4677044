"""Places from which monitors run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.core import audit
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.validation import clean
from apps.monitors.engine.reference import parse_reference
from apps.monitors.models import Location, Schedule

# Each is asked every ten seconds; two or three that have nothing in common tell enough.
MOST_TARGETS = 10


@transaction.atomic
def create_location(
    *, code: str, name: str, actor: Actor, at: datetime, reference_targets: Sequence[str] = ()
) -> Location:
    """Make a location. Invalid when its code is taken or no code."""
    location = Location(
        code=code,
        name=name,
        reference_targets=list(reference_targets),
        created_at=at,
        updated_at=at,
    )
    _check(location)
    location.save()
    if not actor.is_automation:
        audit.record(actor=actor, at=at, action="location.created", row=location)
    return location


@transaction.atomic
def update_location(
    *,
    location_id: int,
    actor: Actor,
    at: datetime,
    name: str | None = None,
    reference_targets: Sequence[str] | None = None,
) -> Location:
    """Change what is given; the code, by which workers know the location, stays."""
    try:
        location: Location = (
            Location.objects.live().select_for_update(no_key=True).get(pk=location_id)
        )
    except Location.DoesNotExist as error:
        raise NotFound("location_not_found", f"there is no location {location_id}") from error
    before = audit.snapshot(location)
    if name is not None:
        location.name = name
    if reference_targets is not None:
        location.reference_targets = list(reference_targets)
    _check(location)
    changes = audit.changes_between(before, audit.snapshot(location))
    if changes:
        location.updated_at = at
        location.save(update_fields=["name", "reference_targets", "updated_at"])
        if not actor.is_automation:
            audit.record(
                actor=actor, at=at, action="location.updated", row=location, changes=changes
            )
    return location


@transaction.atomic
def archive_location(*, location_id: int, actor: Actor, at: datetime) -> Location:
    """Archive a location. Conflict for `default`, which always exists, and while monitors run there."""
    try:
        location: Location = (
            Location.objects.live().select_for_update(no_key=True).get(pk=location_id)
        )
    except Location.DoesNotExist as error:
        raise NotFound("location_not_found", f"there is no location {location_id}") from error
    if location.code == Location.DEFAULT_CODE:
        raise Conflict("location_is_default", "the location default always exists")
    used_by = Schedule.objects.filter(
        location=location, removed_at__isnull=True, monitor__archived_at__isnull=True
    ).first()
    if used_by is not None:
        raise Conflict("location_in_use", f"the monitor {used_by.monitor} runs at {location.code}")
    location.archived_at = location.updated_at = at
    location.save(update_fields=["archived_at", "updated_at"])
    if not actor.is_automation:
        audit.record(actor=actor, at=at, action="location.archived", row=location)
    return location


def _check(location: Location) -> None:
    clean(location)
    targets = location.reference_targets
    if len(targets) > MOST_TARGETS:
        raise Invalid("invalid", f"Give at most {MOST_TARGETS}.", field="reference_targets")
    for position, target in enumerate(targets):
        try:
            parse_reference(target if isinstance(target, str) else "")
        except ValueError as error:
            raise Invalid("invalid", str(error), field=f"reference_targets[{position}]") from error
