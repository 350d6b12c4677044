"""Do what a draft asks for, by the service that does it at once for whoever needs no draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, NotFound
from apps.incidents.models import (
    Draft,
    Incident,
    IncidentUpdate,
    Maintenance,
    MaintenanceSeries,
    MaintenanceUpdate,
)
from apps.incidents.services.incidents import edit_incident, open_incident
from apps.incidents.services.maintenance import (
    cancel_maintenance,
    create_maintenance,
    edit_maintenance,
    post_maintenance_update,
    reschedule_maintenance,
)
from apps.incidents.services.maintenance_corrections import edit_maintenance_update
from apps.incidents.services.merging import merge_incidents
from apps.incidents.services.postmortems import publish_postmortem
from apps.incidents.services.retrospective import PastUpdate, tell_past_incident
from apps.incidents.services.series import SeriesFields, create_series, update_series
from apps.incidents.services.updates import edit_update, post_update
from apps.pages.models import Component


@dataclass(frozen=True, slots=True)
class Post:
    """What is to be posted. `asked` is {field: JSON value}: components by public id, dates and times in ISO 8601.

    `key` makes a new event once; `approved`: a second person, or an override, stands behind it.
    `expected_sequence` None: whatever was posted meanwhile.
    """

    kind: str
    page_id: int
    asked: Mapping[str, Any]
    incident_id: int | None = None
    maintenance_id: int | None = None
    expected_sequence: int | None = None
    key: str | None = None
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of it: the event, and its update where there is one of its own."""

    event: Incident | Maintenance | MaintenanceSeries
    update: IncidentUpdate | MaintenanceUpdate | None = None


def carry_out(post: Post, *, actor: Actor, at: datetime) -> Posted:
    """Make the post, in the caller's transaction. Raises what the service of its kind raises."""
    return _KINDS[post.kind](post, {"actor": actor, "at": at, "approved": post.approved})


def _open_incident(post: Post, who: dict[str, Any]) -> Posted:
    asked = post.asked
    incident, _ = open_incident(
        page_id=post.page_id,
        name=asked["name"],
        status=asked["status"],
        message=asked["message"],
        components=_statuses(asked),
        impact_override=asked.get("impact_override", ""),
        deliver_notifications=asked.get("deliver_notifications", True),
        idempotency_key=post.key,
        **who,
    )
    return Posted(incident, incident.updates.order_by("sequence").first())


def _post_update(post: Post, who: dict[str, Any]) -> Posted:
    asked = post.asked
    update = post_update(
        incident_id=_given(post.incident_id),
        status=asked["status"],
        message=asked["message"],
        components=_statuses(asked),
        expected_sequence=post.expected_sequence,
        display_at=_instant(asked.get("display_at")),
        deliver_notifications=asked.get("deliver_notifications", True),
        **who,
    )
    return Posted(update.incident, update)


def _correct_update(post: Post, who: dict[str, Any]) -> Posted:
    update = edit_update(
        update_id=_update(IncidentUpdate, post.asked["update"], incident=post.incident_id),
        body=post.asked["body"],
        display_at=_instant(post.asked.get("display_at")),
        seen=post.asked.get("seen"),
        **who,
    )
    return Posted(update.incident, update)


def _merge(post: Post, who: dict[str, Any]) -> Posted:
    into = Incident.objects.filter(page=post.page_id, public_id=post.asked["into"]).first()
    if into is None:
        raise NotFound("not_found", "there is no such incident")
    event = merge_incidents(
        incident_id=_given(post.incident_id),
        into_id=into.pk,
        message=post.asked["message"],
        deliver_notifications=post.asked.get("deliver_notifications", True),
        **who,
    )
    return Posted(event)


def _postmortem(post: Post, who: dict[str, Any]) -> Posted:
    row = publish_postmortem(
        incident_id=_given(post.incident_id),
        body=post.asked["body"],
        seen=post.asked.get("seen"),
        deliver_notifications=post.asked.get("deliver_notifications", True),
        **who,
    )
    return Posted(row.incident)


def _tell_past(post: Post, who: dict[str, Any]) -> Posted:
    updates = [
        PastUpdate(
            status=one["status"],
            message=one["message"],
            at=datetime.fromisoformat(one["at"]),
            components=_statuses(one),
        )
        for one in post.asked["updates"]
    ]
    incident, _ = tell_past_incident(
        page_id=post.page_id,
        name=post.asked["name"],
        updates=updates,
        impact_override=post.asked.get("impact_override", ""),
        idempotency_key=post.key,
        **who,
    )
    return Posted(incident)


def _announce(post: Post, who: dict[str, Any]) -> Posted:
    asked = post.asked
    maintenance, _ = create_maintenance(
        page_id=post.page_id,
        name=asked["name"],
        message=asked["message"],
        scheduled_for=datetime.fromisoformat(asked["scheduled_for"]),
        scheduled_until=datetime.fromisoformat(asked["scheduled_until"]),
        components=list(_statuses(asked)),
        starts_itself=asked.get("starts_itself", True),
        ends_itself=asked.get("ends_itself", True),
        deliver_notifications=asked.get("deliver_notifications", True),
        idempotency_key=post.key,
        **who,
    )
    return Posted(maintenance, maintenance.updates.order_by("sequence").first())


def _post_maintenance(post: Post, who: dict[str, Any]) -> Posted:
    asked = post.asked
    update = post_maintenance_update(
        maintenance_id=_given(post.maintenance_id),
        status=asked.get("status") or None,
        message=asked["message"],
        components=_statuses(asked),
        expected_sequence=post.expected_sequence,
        stays_automated=asked.get("stays_automated", True),
        deliver_notifications=asked.get("deliver_notifications", True),
        **who,
    )
    return Posted(update.maintenance, update)


def _correct_maintenance(post: Post, who: dict[str, Any]) -> Posted:
    update = edit_maintenance_update(
        update_id=_update(MaintenanceUpdate, post.asked["update"], maintenance=post.maintenance_id),
        body=post.asked["body"],
        display_at=_instant(post.asked.get("display_at")),
        seen=post.asked.get("seen"),
        **who,
    )
    return Posted(update.maintenance, update)


def _cancel_maintenance(post: Post, who: dict[str, Any]) -> Posted:
    maintenance = cancel_maintenance(
        maintenance_id=_given(post.maintenance_id),
        message=post.asked["message"],
        deliver_notifications=post.asked.get("deliver_notifications", True),
        **who,
    )
    return Posted(maintenance, maintenance.updates.order_by("-sequence").first())


def _change_incident(post: Post, who: dict[str, Any]) -> Posted:
    incident = edit_incident(
        incident_id=_given(post.incident_id),
        **_values(post.asked, "name", "impact_override", "started_at"),
        **who,
    )
    return Posted(incident)


def _change_maintenance(post: Post, who: dict[str, Any]) -> Posted:
    asked, who = post.asked, {"maintenance_id": _given(post.maintenance_id), **who}
    switches = ("starts_itself", "ends_itself", "deliver_notifications")
    times = _values(asked, "scheduled_for", "scheduled_until")
    if times:
        reschedule_maintenance(**times, **who)
    covers = list(_statuses(asked)) if "components" in asked else None
    return Posted(edit_maintenance(components=covers, **_values(asked, "name", *switches), **who))


def _plan_series(post: Post, who: dict[str, Any]) -> Posted:
    covers = list(_statuses(post.asked))
    fields = _values(post.asked, *SERIES_FIELDS)
    return Posted(create_series(page_id=post.page_id, components=covers, **fields, **who))


def _change_series(post: Post, who: dict[str, Any]) -> Posted:
    asked = post.asked
    rows = MaintenanceSeries.objects.filter(page=post.page_id, public_id=asked["series"])
    series = rows.first()
    if series is None:
        raise NotFound("not_found", "there is no such series")
    covers = list(_statuses(asked)) if "components" in asked else None
    fields = _values(asked, *SERIES_FIELDS)
    return Posted(update_series(series_id=series.pk, components=covers, **fields, **who))


_KINDS: dict[str, Callable[[Post, dict[str, Any]], Posted]] = {
    Draft.Kind.OPEN_INCIDENT: _open_incident,
    Draft.Kind.POST_UPDATE: _post_update,
    Draft.Kind.CORRECT_UPDATE: _correct_update,
    Draft.Kind.MERGE: _merge,
    Draft.Kind.POSTMORTEM: _postmortem,
    Draft.Kind.TELL_PAST: _tell_past,
    Draft.Kind.ANNOUNCE: _announce,
    Draft.Kind.POST_MAINTENANCE: _post_maintenance,
    Draft.Kind.CORRECT_MAINTENANCE: _correct_maintenance,
    Draft.Kind.CANCEL_MAINTENANCE: _cancel_maintenance,
    Draft.Kind.CHANGE_INCIDENT: _change_incident,
    Draft.Kind.CHANGE_MAINTENANCE: _change_maintenance,
    Draft.Kind.PLAN_SERIES: _plan_series,
    Draft.Kind.CHANGE_SERIES: _change_series,
}

SERIES_FIELDS = tuple(SeriesFields.__annotations__)
_PARSED: dict[str, Callable[[Any], Any]] = {
    "started_at": datetime.fromisoformat,
    "scheduled_for": datetime.fromisoformat,
    "scheduled_until": datetime.fromisoformat,
    "first_date": date.fromisoformat,
    "start_time": time.fromisoformat,
}


def _values(asked: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return of these fields those that are asked for, as the services take them."""
    found = {name: asked[name] for name in names if name in asked}
    return {name: _PARSED[name](one) if name in _PARSED else one for name, one in found.items()}


def _statuses(asked: Mapping[str, Any]) -> dict[int, str]:
    """Return {component's key: status} of {public id: status}. Invalid where one is not there any more."""
    wanted: Mapping[str, str] = asked.get("components") or {}
    keys = dict(Component.objects.filter(public_id__in=wanted).values_list("public_id", "pk"))
    if len(keys) != len(wanted):
        raise Invalid("invalid", "a component is not there any more", field="components")
    return {keys[public_id]: status for public_id, status in wanted.items()}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _given(pk: int | None) -> int:
    if pk is None:
        raise Conflict("gone", "there is nothing that this could be posted to")
    return pk


def _update(
    model: type[IncidentUpdate] | type[MaintenanceUpdate], public_id: str, **of: int | None
) -> int:
    pk = model._default_manager.filter(public_id=public_id, **of).values_list("pk", flat=True)
    found = pk.first()
    if found is None:
        raise NotFound("not_found", "there is no such update")
    return int(found)
