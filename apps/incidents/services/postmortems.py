"""Post-mortems: written as drafts, published, taken back, deleted. Of resolved incidents only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import changes_between, record, snapshot
from apps.core.editing import live_row
from apps.core.errors import Conflict, Invalid, NotFound
from apps.incidents.drafting import check_text
from apps.incidents.models import Incident, Postmortem
from apps.incidents.services import approval
from apps.pages.services import touch_pages


@transaction.atomic
def save_postmortem(
    *, incident_id: int, body: str, seen: str | None = None, actor: Actor, at: datetime
) -> Postmortem:
    """Keep the text as the draft; what readers see stays as it is. Conflict unless the incident is resolved.

    Conflict `text_moved` where the draft is not the one that `seen` stands for (`drafting.digest_of_text`).
    """
    incident = _resolved(incident_id)
    if not body.strip():
        raise Invalid("invalid", "write something, or delete the post-mortem", field="body")
    row = _of(incident)
    check_text(row.draft if row else "", seen)
    before = snapshot(row) if row else {}
    if row is None:
        row = Postmortem(incident=incident, created_at=at)
    row.draft, row.draft_updated_at = body, at
    return _keep(row, before, "drafted", actor=actor, at=at)


@transaction.atomic
def publish_postmortem(
    *,
    incident_id: int,
    body: str | None = None,
    seen: str | None = None,
    deliver_notifications: bool = True,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> Postmortem:
    """Show the draft to readers, or `body`, which becomes the draft first, as `save_postmortem` does it.

    Published again it replaces the text; the time of the first publication stays.
    Conflict unless the incident is resolved and there is a draft; `needs_approval` as for a post.
    """
    if body is not None:
        save_postmortem(incident_id=incident_id, body=body, seen=seen, actor=actor, at=at)
    incident = _resolved(incident_id)
    approval.demand(incident, actor, approved=approved)
    row = _existing(incident)
    before = snapshot(row)
    if not row.draft.strip():
        raise Conflict("no_draft", "there is no draft to publish")
    row.body, row.body_updated_at = row.draft, at
    row.published_at = row.published_at or at
    row.author, row.deliver_notifications = actor.label[:200], deliver_notifications
    return _keep(row, before, "published", actor=actor, at=at, is_public=True)


@transaction.atomic
def revert_postmortem(*, incident_id: int, actor: Actor, at: datetime) -> Postmortem:
    """Take a published post-mortem back: it is a draft again, and readers see nothing of it."""
    incident = live_row(Incident, incident_id, lock=True)
    row = _existing(incident)
    if not row.is_published:
        raise Conflict("not_published", "this post-mortem is a draft already")
    return _revert(row, actor=actor, at=at)


@transaction.atomic
def delete_postmortem(*, incident_id: int, actor: Actor, at: datetime) -> None:
    """Delete the post-mortem, draft and published text; the audit trail keeps them."""
    incident = live_row(Incident, incident_id, lock=True)
    row = _existing(incident)
    record(
        actor=actor,
        at=at,
        action="incident.postmortem_deleted",
        row=incident,
        changes=changes_between(snapshot(row), {}),
    )
    row.delete()
    _tell(incident, is_public=row.is_published, at=at)


def hide_of_reopened(*, incident: Incident, actor: Actor, at: datetime) -> None:
    """Make the published post-mortem of an incident that was reopened just now a draft again.

    What was learnt from something that is not over would mislead; staff publish it again after the end.
    """
    row = _of(incident)
    if row is not None and row.is_published:
        _revert(row, actor=actor, at=at)


def _resolved(incident_id: int) -> Incident:
    incident = live_row(Incident, incident_id, lock=True)
    if incident.merged_into_id is not None:
        raise Conflict("merged", "this incident was merged into another: write it there")
    if incident.is_open:
        raise Conflict("not_resolved", "only a resolved incident has a post-mortem")
    return incident


def _of(incident: Incident) -> Postmortem | None:
    return Postmortem.objects.filter(incident=incident).select_related("incident").first()


def _existing(incident: Incident) -> Postmortem:
    row = _of(incident)
    if row is None:
        raise NotFound("not_found", "this incident has no post-mortem")
    return row


def _revert(row: Postmortem, *, actor: Actor, at: datetime) -> Postmortem:
    before = snapshot(row)
    row.body, row.body_updated_at, row.published_at = "", None, None
    return _keep(row, before, "reverted", actor=actor, at=at, is_public=True)


def _keep(
    row: Postmortem,
    before: dict[str, Any],
    verb: str,
    *,
    actor: Actor,
    at: datetime,
    is_public: bool = False,
) -> Postmortem:
    changes = changes_between(before, snapshot(row))
    row.updated_at = at
    row.save()
    record(
        actor=actor,
        at=at,
        action=f"incident.postmortem_{verb}",
        row=row.incident,
        changes=changes,
    )
    _tell(row.incident, is_public=is_public, at=at)
    return row


def _tell(incident: Incident, *, is_public: bool, at: datetime) -> None:
    if is_public:
        Incident.objects.filter(pk=incident.pk, updated_at__lt=at).update(updated_at=at)
        touch_pages(page_ids=[incident.page_id], at=at)
