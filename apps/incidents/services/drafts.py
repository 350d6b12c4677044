"""Drafts: kept, changed, handed over, approved, sent back, discarded, and posted at once or at a time.

Each holds its draft's row first, then the event's (docs/architecture.md, "Locks").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import changes_between, record
from apps.core.editing import live_row
from apps.core.errors import Conflict, Invalid, NotFound
from apps.incidents import drafting
from apps.incidents.models import Draft, Incident, Maintenance
from apps.incidents.services import approval
from apps.incidents.services.carrying_out import Post, Posted, carry_out
from apps.pages.models import Page

_State = Draft.State


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a post: what was posted, or the draft that waits or is scheduled."""

    posted: Posted | None = None
    draft: Draft | None = None


@transaction.atomic
def keep_draft(
    *,
    page_id: int,
    kind: str,
    asked: Mapping[str, Any],
    incident_id: int | None = None,
    maintenance_id: int | None = None,
    seen_sequence: int = 0,
    publish_at: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> Draft:
    """Keep a post for later. It may be unfinished: it is checked when it is handed over, scheduled or posted.

    `asked` is {field: JSON value} as in `carrying_out.Post`. NotFound for an event that is not on the page.
    """
    drafting.check_kind(
        kind, has_incident=incident_id is not None, has_maintenance=maintenance_id is not None
    )
    draft = Draft(
        page=live_row(Page, page_id),
        kind=kind,
        incident=_on_page(Incident, incident_id, page_id),
        maintenance=_on_page(Maintenance, maintenance_id, page_id),
        created_at=at,
    )
    _write(draft, asked, publish_at=publish_at, seen_sequence=seen_sequence, actor=actor, at=at)
    draft.save(force_insert=True)
    _record(draft, "kept", {}, actor, at)
    return draft


@transaction.atomic
def edit_draft(
    *,
    draft_id: int,
    asked: Mapping[str, Any],
    expected_digest: str | None = None,
    seen_sequence: int | None = None,
    publish_at: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> Draft:
    """Give a draft new words and a new time. Changed words are their writer's, and nobody has approved them.

    It is a draft again: not scheduled, not waiting. Conflict `draft_moved` where the words are not those any
    more that `expected_digest` stands for.
    """
    draft = _locked(draft_id, "edit", expected_digest)
    before = _known(draft)
    same = (
        drafting.digest_of(
            kind=draft.kind, about=_about(draft), asked=asked, publish_at=draft.publish_at
        )
        == draft.digest
    )
    _write(
        draft,
        asked,
        publish_at=publish_at,
        seen_sequence=draft.seen_sequence if seen_sequence is None else seen_sequence,
        actor=Actor("person", draft.author_key, draft.author) if same else actor,
        at=at,
    )
    draft.state, draft.note, draft.approved_by, draft.approved_at = _State.DRAFT, "", "", None
    draft.save()
    _record(draft, "edited", changes_between(before, _known(draft)), actor, at)
    return draft


@transaction.atomic
def hand_over_draft(
    *, draft_id: int, expected_digest: str | None = None, actor: Actor, at: datetime
) -> Draft:
    """Let a draft wait for somebody who may post it. Invalid or Conflict where it could not be posted now."""
    draft = _locked(draft_id, "ask", expected_digest)
    _rehearse(draft, at=at)
    _move(draft, _State.WAITING, "handed_over", actor=actor, at=at)
    return draft


@transaction.atomic
def post_draft(
    *,
    draft_id: int,
    expected_digest: str | None = None,
    expected_sequence: int | None = None,
    actor: Actor,
    at: datetime,
) -> Outcome:
    """Post the draft, or schedule it where its time lies ahead. On a page that wants it, this approves the words.

    Approval holds for the words that `expected_digest` stands for: Conflict `draft_moved` for others. Conflict
    `own_words` for their writer where a second person has to approve; `sequence_moved` when another update than
    `expected_sequence` is the latest. Of two at once one posts it, the other gets `draft_settled`.
    """
    draft = _locked(draft_id, "post", expected_digest)
    if approval.is_needed(draft.page, actor):
        if actor.key == draft.author_key:
            raise Conflict("own_words", "whoever wrote the words cannot approve them")
        draft.approved_by, draft.approved_at = actor.label[:200], at
    return _post_or_schedule(draft, "approved", {}, expected_sequence, actor=actor, at=at)


@transaction.atomic
def override_approval(
    *,
    draft_id: int,
    reason: str,
    expected_digest: str | None = None,
    expected_sequence: int | None = None,
    actor: Actor,
    at: datetime,
) -> Outcome:
    """Post or schedule a draft without a second person, for a reason that the audit trail keeps.

    Whoever calls sees to it that the actor is a superuser. Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid("invalid", "say why it cannot wait", field="reason")
    draft = _locked(draft_id, "post", expected_digest)
    draft.approved_by, draft.approved_at = actor.label[:200], at
    draft.note = f"Without a second person: {reason.strip()}"
    why = {"reason": reason.strip()}
    return _post_or_schedule(draft, "overridden", why, expected_sequence, actor=actor, at=at)


@transaction.atomic
def send_back_draft(*, draft_id: int, note: str, actor: Actor, at: datetime) -> Draft:
    """Give a draft that waits, or is scheduled, back to its writer with a note. Invalid without one."""
    if not note.strip():
        raise Invalid("invalid", "say what is to be changed", field="note")
    draft = _locked(draft_id, "send_back", None)
    draft.note, draft.approved_by, draft.approved_at = note.strip(), "", None
    _move(draft, _State.SENT_BACK, "sent_back", actor=actor, at=at, changes={"note": draft.note})
    return draft


@transaction.atomic
def discard_draft(*, draft_id: int, actor: Actor, at: datetime) -> Draft:
    """Put a draft away for good. Nothing of it was ever public; its row and the audit trail keep the words."""
    draft = _locked(draft_id, "discard", None)
    draft.settled_at = at
    _move(draft, _State.DISCARDED, "discarded", actor=actor, at=at)
    return draft


def lock_draft(draft_id: int) -> Draft:
    """Return the draft, locked. NotFound when there is none."""
    rows = Draft.objects.select_for_update(of=("self",), no_key=True).select_related("page")
    draft = rows.filter(pk=draft_id).first()
    if draft is None:
        raise NotFound("not_found", "there is no such draft")
    return draft


def publish(draft: Draft, *, expected_sequence: int | None, actor: Actor, at: datetime) -> Posted:
    """Post a locked draft in its writer's name, and settle it; `actor` is who made it public."""
    writer = Actor("person", draft.author_key, draft.author)
    posted = carry_out(_post_of(draft, expected_sequence), actor=writer, at=at)
    if isinstance(posted.event, Incident):
        draft.incident = posted.event
    elif isinstance(posted.event, Maintenance):
        draft.maintenance = posted.event
    if posted.update is not None:
        is_incident = isinstance(posted.event, Incident)
        setattr(draft, "update" if is_incident else "maintenance_update", posted.update)
    draft.settled_at = at
    _move(draft, _State.PUBLISHED, "published", actor=actor, at=at)
    return posted


def latest_sequence(draft: Draft) -> int:
    """Return the last sequence of the event that the draft is about; 0 for a new one."""
    event = draft.incident or draft.maintenance
    return event.last_sequence if event is not None else 0


def _post_or_schedule(
    draft: Draft,
    verb: str,
    why: dict[str, Any],
    expected_sequence: int | None,
    *,
    actor: Actor,
    at: datetime,
) -> Outcome:
    before = draft.state
    if approval.is_needed(draft.page, actor):
        _record(draft, verb, {"digest": draft.digest, **why}, actor, at)
    if draft.publish_at is None or draft.publish_at <= at or before == _State.SCHEDULED:
        return Outcome(
            posted=publish(draft, expected_sequence=expected_sequence, actor=actor, at=at),
            draft=draft,
        )
    expect(draft, expected_sequence)
    draft.seen_sequence = latest_sequence(draft)
    _rehearse(draft, at=at)
    _move(draft, _State.SCHEDULED, "scheduled", actor=actor, at=at)
    return Outcome(draft=draft)


def expect(draft: Draft, sequence: int | None) -> None:
    """Raise Conflict `sequence_moved` when another update than this is the latest of its event."""
    latest = latest_sequence(draft)
    if sequence is not None and sequence != latest:
        raise Conflict("sequence_moved", f"it is at update {latest}, not {sequence}")


class _Rehearsed(Exception):
    """Ends a rehearsal: all that it wrote is taken back."""


def _rehearse(draft: Draft, *, at: datetime) -> None:
    """Raise what posting the draft now would raise; nothing stays of it."""
    writer = Actor("person", draft.author_key, draft.author)
    try:
        with transaction.atomic():
            carry_out(_post_of(draft, None, is_approved=True), actor=writer, at=at)
            raise _Rehearsed
    except _Rehearsed:
        pass


def _post_of(draft: Draft, expected_sequence: int | None, *, is_approved: bool = False) -> Post:
    return Post(
        kind=draft.kind,
        page_id=draft.page_id,
        asked=draft.asked,
        incident_id=draft.incident_id,
        maintenance_id=draft.maintenance_id,
        expected_sequence=expected_sequence,
        key=f"draft:{draft.public_id}",
        approved=is_approved or draft.approved_at is not None,
    )


def _write(
    draft: Draft,
    asked: Mapping[str, Any],
    *,
    publish_at: datetime | None,
    seen_sequence: int,
    actor: Actor,
    at: datetime,
) -> None:
    if publish_at is not None and draft.kind not in drafting.SCHEDULABLE:
        raise Invalid("invalid", "this is posted at once", field="publish_at")
    draft.asked, draft.publish_at = dict(asked), publish_at
    draft.digest = drafting.digest_of(
        kind=draft.kind, about=_about(draft), asked=asked, publish_at=publish_at
    )
    draft.seen_sequence, draft.updated_at = seen_sequence, at
    draft.author, draft.author_key = actor.label[:200], actor.key[:80]


def _about(draft: Draft) -> str:
    event = draft.incident or draft.maintenance
    return event.public_id if event is not None else ""


def _locked(draft_id: int, step: drafting.Step, expected_digest: str | None) -> Draft:
    draft = lock_draft(draft_id)
    drafting.check_step(step, draft.state)
    if expected_digest is not None and expected_digest != draft.digest:
        raise Conflict("draft_moved", f"{draft.author} changed this draft meanwhile")
    return draft


def _on_page(model: Any, pk: int | None, page_id: int) -> Any:
    if pk is None:
        return None
    row = live_row(model, pk)
    if row.page_id != page_id:
        raise NotFound("not_found", "it is on another page")
    return row


def _move(
    draft: Draft,
    state: str,
    verb: str,
    *,
    actor: Actor,
    at: datetime,
    changes: Mapping[str, Any] | None = None,
) -> None:
    before, draft.state, draft.updated_at = draft.state, state, at
    draft.save()
    _record(draft, verb, {"state": [before, state], **(changes or {})}, actor, at)


def _record(
    draft: Draft, verb: str, changes: Mapping[str, Any], actor: Actor, at: datetime
) -> None:
    record(
        actor=actor,
        at=at,
        action=f"draft.{verb}",
        row=draft,
        changes=changes or {"asked": dict(draft.asked)},
    )


def _known(draft: Draft) -> dict[str, Any]:
    when = draft.publish_at.isoformat() if draft.publish_at else None
    return {**draft.asked, "publish_at": when, "state": str(draft.state)}
