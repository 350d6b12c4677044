"""What sources say about components, and the status that comes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import live_row
from apps.core.errors import Conflict, Invalid
from apps.pages import signals
from apps.pages.contributions import ContributionChange, Held, Word, applied
from apps.pages.models import Component, StatusContribution
from apps.pages.services.announcing import touch_pages
from apps.pages.services.periods import Turn, turn
from apps.pages.status import ComponentStatus, Derived, derive

Source = StatusContribution.Source


@transaction.atomic
def apply_contributions(
    *,
    changes: Sequence[ContributionChange],
    told: Collection[int] = (),
    actor: Actor,
    at: datetime,
) -> None:
    """Change what sources say, re-derive the components' statuses, and move their periods at `at`.

    The one way to a component's status. Statements do not grow with the components. An archived
    component keeps its contributions, but its status is derived no more. Automation has no say in
    staff's contribution: Conflict. `told` are pages that the caller itself tells of as changed.
    """
    _refuse_unfit(changes, actor)
    wanted: dict[int, list[ContributionChange]] = defaultdict(list)
    for change in changes:
        wanted[change.component_id].append(change)
    components = _locked(wanted)
    held = _held(wanted)
    rows_by_component = {
        pk: applied(held[pk], wanted[pk]) for pk in sorted(component.pk for component in components)
    }
    _store(held, rows_by_component)
    _settle(
        components,
        {pk: list(rows.values()) for pk, rows in rows_by_component.items()},
        told=told,
        actor=actor,
        at=at,
    )


@transaction.atomic
def set_staff_status(*, component_id: int, status: str, actor: Actor, at: datetime) -> Component:
    """Let staff speak (by hand or API). Operational withdraws staff's word and mutes the links that fail now.

    A muted link counts again with its next change of state. Conflict for automation.
    """
    if actor.is_automation:
        raise Conflict("staff_only", "automation has no say in what staff says")
    if status not in ComponentStatus:
        raise Invalid("invalid", f"{status!r} is no component status", field="status")
    component = live_row(Component, component_id, lock=True)
    held = _held([component.pk])[component.pk]
    said = next((one for one in held if one.source == Source.STAFF), None)
    if status == ComponentStatus.OPERATIONAL:
        after = {
            (one.source, one.word.key): _muted_if_failing(one)
            for one in held
            if one.source != Source.STAFF
        }
    else:
        since = said.word.since if said is not None and said.word.status == status else at
        word = Word(key="", status=status, since=since, label=actor.label)
        change = ContributionChange(component.pk, Source.STAFF, upsert=(word,))
        after = applied(held, [change])
    _store({component.pk: held}, {component.pk: after})
    _settle([component], {component.pk: list(after.values())}, actor=actor, at=at)
    record(
        actor=actor,
        at=at,
        action="component.status_set",
        row=component,
        changes={"staff_status": [said.word.status if said else "", status]},
    )
    return component


def _refuse_unfit(changes: Iterable[ContributionChange], actor: Actor) -> None:
    for change in changes:
        if change.source not in Source:
            raise Invalid("invalid", f"{change.source!r} is no source", field="source")
        if change.source == Source.STAFF and actor.is_automation:
            raise Conflict("staff_only", "automation has no say in what staff says")
        for word in change.upsert:
            if word.status not in ComponentStatus:
                raise Invalid("invalid", f"{word.status!r} is no component status", field="status")


def _locked(ids: Iterable[int]) -> list[Component]:
    """Lock the components in primary-key order, so that two bulk calls cannot deadlock."""
    return list(
        Component.objects.filter(pk__in=set(ids)).order_by("pk").select_for_update(no_key=True)
    )


def _held(ids: Collection[int]) -> dict[int, list[Held]]:
    held: dict[int, list[Held]] = {pk: [] for pk in ids}
    for row in StatusContribution.objects.filter(component__in=ids).order_by("pk"):
        word = Word(key=row.key, status=row.status, since=row.since, label=row.label)
        held[row.component_id].append(Held(row.source, word, row.muted))
    return held


def _muted_if_failing(one: Held) -> Held:
    if one.source != Source.LINK or one.word.status == ComponentStatus.OPERATIONAL:
        return one
    return Held(one.source, one.word, muted=True)


def _store(before: dict[int, list[Held]], after: dict[int, dict[tuple[str, str], Held]]) -> None:
    """Write what differs: one statement for what is gone, one for what is new or changed."""
    gone: set[tuple[int, str, str]] = set()
    written: list[StatusContribution] = []
    for pk, rows in after.items():
        known = {(one.source, one.word.key): one for one in before[pk]}
        gone |= {(pk, source, key) for source, key in known.keys() - rows.keys()}
        written += [
            StatusContribution(
                component_id=pk,
                source=one.source,
                key=one.word.key,
                label=one.word.label[:200],
                status=one.word.status,
                since=one.word.since,
                muted=one.muted,
            )
            for name, one in rows.items()
            if known.get(name) != one
        ]
    if gone:
        # The pairs are picked in Python: a row value IN (…) does not exist everywhere.
        candidates = StatusContribution.objects.filter(
            component__in={pk for pk, _, _ in gone}, key__in={key for _, _, key in gone}
        ).values_list("pk", "component_id", "source", "key")
        StatusContribution.objects.filter(
            pk__in=[pk for pk, *name in candidates if tuple(name) in gone]
        ).delete()
    StatusContribution.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["component", "source", "key"],
        update_fields=["label", "status", "since", "muted"],
    )


def _settle(
    components: Sequence[Component],
    said: dict[int, list[Held]],
    *,
    told: Collection[int] = (),
    actor: Actor,
    at: datetime,
) -> None:
    """Derive the statuses of locked components anew, keep them, and tell of those that changed."""
    live = [component for component in components if not component.is_archived]
    before = {component.pk: component.status for component in live}
    derived = {
        component.pk: derive(one.opinion() for one in said[component.pk]) for component in live
    }
    turn(
        [
            Turn(component, derived[component.pk].status, _is_spoken(derived[component.pk]))
            for component in live
        ],
        at=at,
    )
    changed = [component for component in live if component.status != before[component.pk]]
    if not changed:
        return
    for component in changed:
        component.updated_at = max(at, component.updated_at)
    Component.objects.bulk_update(changed, ["status", "status_since", "updated_at"])
    signals.statuses_changed.send(
        sender=Component,
        components=changed,
        before={component.pk: before[component.pk] for component in changed},
        actor=actor,
        at=at,
    )
    # A hidden component is on no public surface, so readers' pages stay as they are.
    public = {component.page_id for component in changed if not component.hidden}
    touch_pages(page_ids=public.difference(told), at=at)


def _is_spoken(derived: Derived) -> bool:
    """Staff, an incident or a maintenance says this trouble, so it is true also where nobody measures."""
    return derived.status != ComponentStatus.OPERATIONAL and any(
        one.role == "decides" and one.opinion.source != Source.LINK for one in derived.explained
    )
