"""Create and edit monitors from their definitions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Workspace
from apps.core import audit
from apps.core.actors import Actor
from apps.core.errors import Invalid
from apps.core.validation import clean
from apps.monitors import crontab
from apps.monitors.checkers.registry import CHECKERS
from apps.monitors.definition import MonitorDefinition
from apps.monitors.models import Location, Monitor, MonitorState
from apps.monitors.selectors import definition_of
from apps.monitors.services import schedules
from apps.monitors.services.coverage import note_unmeasured, unmeasured_until_now
from apps.monitors.services.lifecycle import locked_monitor, note
from apps.monitors.services.outages import settle_outages
from apps.monitors.services.requests import check_requests, request_columns, write_requests
from apps.monitors.signals import monitor_moved

# Model columns under the names that people write.
_PATHS = {"crontab": "crontab.expression", "crontab_time_zone": "crontab.time_zone"}


@transaction.atomic
def create_monitor(*, definition: MonitorDefinition, actor: Actor, at: datetime) -> Monitor:
    """Make a monitor and its schedules; its first run is at its first slot.

    Raises Invalid with every error found, each with its path (`requests[0].url`).
    """
    _lock_family(definition)
    monitor = Monitor(created_at=at)
    locations, parents = _apply(monitor, definition, at)
    monitor.save()
    MonitorState.objects.create(monitor=monitor)
    monitor.parents.set(parents)
    write_requests(monitor=monitor, requests=definition.requests, at=at)
    schedules.place(monitor=monitor, locations=locations, at=at)
    note(actor=actor, at=at, action="monitor.created", row=monitor)
    return monitor


@transaction.atomic
def update_monitor(
    *, monitor_id: int, definition: MonitorDefinition, actor: Actor, at: datetime
) -> Monitor:
    """Bring a monitor to its definition. The same definition again changes nothing.

    A changed interval or crontab starts at its next slot, `enabled` pauses or resumes, changed locations or quorum
    may open or close the outage. Raises Invalid with every error found (also where integrations of the old workspace
    use it), NotFound.
    """
    _lock_family(definition)
    monitor = locked_monitor(monitor_id)
    held = definition_of(monitor)
    if held.canonical() == definition.canonical():
        return monitor
    before = _snapshot(monitor, held)
    locations, parents = _apply(monitor, definition, at)
    monitor.version += 1
    monitor.save()
    if held.workspace_id != definition.workspace_id:
        monitor_moved.send(sender=Monitor, monitor=monitor)
    monitor.parents.set(parents)
    if held.canonical().requests != definition.canonical().requests:
        write_requests(monitor=monitor, requests=definition.requests, at=at)
    is_retimed = held.crontab != definition.crontab
    # What is owed so far, before a new interval or other locations begin anew.
    owed = unmeasured_until_now(monitor_ids=[monitor.pk])
    schedules.place(monitor=monitor, locations=locations, at=at, is_retimed=is_retimed)
    if set(held.locations) != set(definition.locations) or held.quorum != definition.quorum:
        settle_outages(monitor_ids=[monitor.pk], actor=actor, at=at)
    note_unmeasured(found=owed, at=at)
    changes = audit.changes_between(before, _snapshot(monitor, definition))
    changes.pop("version", None)
    note(actor=actor, at=at, action="monitor.updated", row=monitor, changes=changes)
    return monitor


def _apply(
    monitor: Monitor, definition: MonitorDefinition, at: datetime
) -> tuple[list[Location], list[Monitor]]:
    """Write the definition into the row and check all of it. Raises Invalid."""
    monitor.workspace_id = definition.workspace_id
    for name in (
        *("name", "kind", "enabled", "interval_s", "timeout_s", "run_limit_s", "retries"),
        *("retry_delay_s", "failure_threshold", "recovery_threshold", "quorum"),
        *("follow_redirects", "verify_tls"),
    ):
        setattr(monitor, name, getattr(definition, name))
    monitor.crontab = definition.crontab.expression if definition.crontab else ""
    monitor.crontab_time_zone = definition.crontab.time_zone if definition.crontab else ""
    monitor.tags = list(definition.tags)
    monitor.variables = dict(definition.variables)
    monitor.secret_variables = dict(definition.secret_variables)
    monitor.updated_at = at

    errors: list[tuple[str, str]] = []
    try:
        clean(monitor)
    except Invalid as error:
        errors.extend((_PATHS.get(path, path), message) for path, message in error.errors)
    if definition.kind not in CHECKERS:
        errors.append(("kind", f"Use one of: {', '.join(sorted(CHECKERS))}."))
    errors.extend(_timing_errors(definition))
    errors.extend(_variable_errors("variables", definition.variables))
    errors.extend(_variable_errors("secret_variables", definition.secret_variables))
    locations = _locations(definition, errors)
    parents = _parents(monitor, definition, errors)
    errors.extend(check_requests(definition.requests))
    if errors:
        path, message = errors[0]
        raise Invalid("invalid", message, field=path or None, errors=tuple(dict.fromkeys(errors)))
    return locations, parents


def _timing_errors(definition: MonitorDefinition) -> list[tuple[str, str]]:
    errors = []
    if definition.crontab:
        for path, check, value in (
            ("crontab.expression", crontab.parse, definition.crontab.expression),
            ("crontab.time_zone", crontab.time_zone_of, definition.crontab.time_zone),
        ):
            try:
                check(value)
            except ValueError as error:
                errors.append((path, str(error)))
    elif definition.interval_s is None:
        errors.append(("interval_s", "Give an interval in seconds, or a crontab."))
    return errors


def _variable_errors(path: str, variables: Mapping[str, Any]) -> list[tuple[str, str]]:
    errors = []
    for name, value in variables.items():
        if not isinstance(name, str) or not name or "{" in name or "}" in name:
            errors.append((f"{path}.{name}", "A variable's name is a text without braces."))
        elif not isinstance(value, str):
            errors.append((f"{path}.{name}", "A variable's value is a text."))
    return errors


def _locations(definition: MonitorDefinition, errors: list[tuple[str, str]]) -> list[Location]:
    codes = definition.locations
    found = {row.code: row for row in Location.objects.live().filter(code__in=codes)}
    if not codes:
        errors.append(("locations", "Give at least one location."))
    for position, code in enumerate(codes):
        if code not in found:
            errors.append((f"locations[{position}]", f"There is no location {code!r}."))
    if codes and definition.quorum > len(set(codes)):
        errors.append(
            ("quorum", f"At most the number of locations, {len(set(codes))}, can be failing.")
        )
    return list(found.values())


def _parents(
    monitor: Monitor, definition: MonitorDefinition, errors: list[tuple[str, str]]
) -> list[Monitor]:
    _check_children(monitor, definition, errors)
    if not definition.parents:
        return []
    siblings = Monitor.objects.live().filter(workspace_id=definition.workspace_id)
    found = {row.name: row for row in siblings.filter(name__in=definition.parents)}
    for position, name in enumerate(definition.parents):
        if name not in found:
            errors.append((f"parents[{position}]", _missing_parent(definition, name)))
        elif monitor.pk is not None and _reaches(found[name].pk, monitor.pk, siblings):
            errors.append((f"parents[{position}]", f"{name!r} is this monitor or below it."))
    return list(found.values())


def _lock_family(definition: MonitorDefinition) -> None:
    """Let one at a time name parents in a workspace: two at once, each naming the other's monitor, would make a circle.

    Workspaces are locked before their monitors, here as where they are archived.
    """
    if definition.parents:
        list(Workspace.objects.select_for_update(no_key=True).filter(pk=definition.workspace_id))


def _missing_parent(definition: MonitorDefinition, name: str) -> str:
    namesakes = Monitor.objects.filter(name=name, archived_at__isnull=True)
    if namesakes.exclude(workspace_id=definition.workspace_id).exists():
        return (
            f"The workspace has no monitor {name!r}; one of another workspace cannot be a parent."
        )
    if Monitor.objects.filter(workspace_id=definition.workspace_id, name=name).exists():
        return f"{name!r} is archived, and no parent any more."
    return f"The workspace has no monitor {name!r}."


def _check_children(
    monitor: Monitor, definition: MonitorDefinition, errors: list[tuple[str, str]]
) -> None:
    """A monitor that is moved to another workspace leaves no children behind."""
    if monitor._state.adding:
        return
    left = monitor.children.live().exclude(workspace_id=definition.workspace_id).order_by("name")
    names = ", ".join(repr(name) for name in left.values_list("name", flat=True)[:5])
    if names:
        errors.append(("workspace", f"{names} depend on it, and are of another workspace."))


def _reaches(start: int, goal: int, siblings: Any) -> bool:
    """Return whether `goal` is `start` or one of its ancestors."""
    above: dict[int, list[int]] = {}
    for child, parent in Monitor.parents.through.objects.filter(
        from_monitor__in=siblings
    ).values_list("from_monitor_id", "to_monitor_id"):
        above.setdefault(child, []).append(parent)
    seen: set[int] = set()
    queue = [start]
    while queue:
        current = queue.pop()
        if current == goal:
            return True
        if current not in seen:
            seen.add(current)
            queue.extend(above.get(current, []))
    return False


def _snapshot(monitor: Monitor, definition: MonitorDefinition) -> dict[str, Any]:
    values = audit.snapshot(monitor)
    values["locations"] = sorted(definition.locations)
    values["parents"] = sorted(definition.parents)
    for position, request in enumerate(definition.requests):
        for name, value in request_columns(request).items():
            values[f"requests[{position}].{name}"] = value
    return values
