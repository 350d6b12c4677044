"""Two incidents that turned out to be one."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.errors import Conflict, Invalid, NotFound
from apps.incidents.models import Incident, IncidentComponent, IncidentStatus
from apps.incidents.services import affected, approval, postmortems
from apps.incidents.services.affected import SOURCE
from apps.incidents.services.steps import FOLLOWING, follow, new_update
from apps.incidents.transitions import Move, Standing, move
from apps.pages.contributions import ContributionChange, Word
from apps.pages.models import Component
from apps.pages.services import touch_pages
from apps.pages.status import ComponentStatus, worst


@transaction.atomic
def merge_incidents(
    *,
    incident_id: int,
    into_id: int,
    message: str = "",
    deliver_notifications: bool = True,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> Incident:
    """Merge an incident into another open one of its page, which keeps going; return that one.

    The merged one is resolved by an update with `message` (empty: one that names the other); readers are led to
    the other, which says in an update of its own what it took over: components with their worst words, where
    persons' words count and automation's are listed. Automation does not act on the merged one any more; of two
    that it tends, neither outage's end would tell that all is over, so the other is taken over too. What was
    merged into it before leads on. Conflict `merged`, `retrospective`, `not_open`; `needs_approval` as for a post;
    `staff_only` for automation.
    """
    if actor.is_automation:
        raise Conflict("staff_only", "only a person merges incidents")
    if incident_id == into_id:
        raise Invalid("invalid", "an incident cannot be merged into itself", field="into")
    rows = {
        row.pk: row
        for row in Incident.objects.filter(
            Q(pk__in=[incident_id, into_id]) | Q(merged_into=incident_id)
        )
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    }
    source, target = _live(rows, incident_id), _live(rows, into_id)
    approval.demand(target, actor, approved=approved)
    step = _refuse_unfit(source, target)
    known = affected.affected_by([source.pk, target.pk])
    # Every component that either can change, in one order.
    list(
        Component.objects.filter(pk__in={*known[source.pk], *known[target.pk]})
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk")
    )
    if source.is_tended and target.is_tended:
        target.taken_over_at = at
        target.save(update_fields=["taken_over_at"])
    changes = [
        *_take_over(source, target, known[source.pk], known[target.pk], actor=actor, at=at),
        *_end(
            source,
            step,
            known[source.pk],
            message or f"This is part of another incident: {target.name}",
            deliver_notifications=deliver_notifications,
            actor=actor,
            at=at,
        ),
    ]
    source.merged_into = target
    source.taken_over_at = source.taken_over_at or (at if source.is_automated else None)
    source.save(update_fields=["merged_into", "taken_over_at"])
    Incident.objects.filter(merged_into=source).update(merged_into=target)
    affected.contribute(changes, page_id=target.page_id, actor=actor, at=at)
    postmortems.hide_of_reopened(incident=source, actor=actor, at=at)
    touch_pages(page_ids=[target.page_id], at=at)
    for row, action, other in (
        (source, "incident.merged", target),
        (target, "incident.took_in", source),
    ):
        record(actor=actor, at=at, action=action, row=row, changes={"other": other.public_id})
    return target


def _live(rows: dict[int, Incident], pk: int) -> Incident:
    if pk not in rows or rows[pk].is_archived:
        raise NotFound("not_found", "there is no such incident")
    return rows[pk]


def _refuse_unfit(source: Incident, target: Incident) -> Move:
    if source.page_id != target.page_id:
        raise Invalid("invalid", "the other incident is on another page", field="into")
    for row in (source, target):
        if row.merged_into_id is not None:
            raise Conflict("merged", f"{row} was merged into another already")
        if row.is_retrospective:
            raise Conflict("retrospective", f"{row} was told after it was over")
    if not target.is_open:
        raise Conflict("not_open", f"{target} is resolved: reopen it first")
    standing = Standing.OPEN if source.is_open else Standing.RESOLVED_BY_PERSON
    return move(standing, IncidentStatus.RESOLVED)


def _take_over(
    source: Incident,
    target: Incident,
    given: dict[int, IncidentComponent],
    held: dict[int, IncidentComponent],
    *,
    actor: Actor,
    at: datetime,
) -> list[ContributionChange]:
    """Write the target's update with what it takes over; return what its contributions become."""
    before = {pk: row.status for pk, row in held.items()}
    changes: list[ContributionChange] = []
    for pk, theirs in sorted(given.items()):
        ours = held.get(pk)
        if ours is None:
            before[pk] = theirs.status
            ours = held[pk] = IncidentComponent(
                incident=target,
                component_id=pk,
                status=ComponentStatus.OPERATIONAL,
                worst_status=theirs.worst_status,
            )
        ours.worst_status = worst([ours.worst_status, theirs.worst_status])
        if theirs.contributes:
            # A word of automation's gives way to a person's.
            said = [ours.status] if ours.contributes else []
            ours.status, ours.contributes = worst([theirs.status, *said]), True
            word = Word(target.public_id, ours.status, at, target.name[:200])
            changes.append(ContributionChange(pk, SOURCE, upsert=(word,)))
        elif source.is_open and not ours.contributes:
            ours.status = worst([ours.status, theirs.status])
    follow(target, target.status, Move(False, False), shown_at=at, at=at)
    target.save(update_fields=FOLLOWING)
    update = new_update(
        target,
        f"This incident now includes: {source.name}",
        deliver_notifications=False,
        shown_at=at,
        actor=actor,
        at=at,
    )
    affected.keep(update=update, rows=held, before=before)
    return changes


def _end(
    source: Incident,
    step: Move,
    known: dict[int, IncidentComponent],
    message: str,
    *,
    deliver_notifications: bool,
    actor: Actor,
    at: datetime,
) -> list[ContributionChange]:
    """Write the merged incident's last update; return the withdrawal of what it contributes."""
    withdrawn = [pk for pk, row in sorted(known.items()) if row.contributes]
    before = {pk: row.status for pk, row in known.items()}
    for row in known.values():
        row.contributes = False
    follow(source, IncidentStatus.RESOLVED, step, shown_at=at, at=at)
    source.save(update_fields=FOLLOWING)
    update = new_update(
        source,
        message,
        deliver_notifications=deliver_notifications,
        shown_at=at,
        actor=actor,
        at=at,
    )
    affected.keep(update=update, rows=known, before=before)
    return [ContributionChange(pk, SOURCE, withdraw=(source.public_id,)) for pk in withdrawn]
