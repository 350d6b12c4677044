"""Post now, at a time, or once a second person has approved: whichever the page and the time say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.actors import Actor
from apps.core.editing import live_row
from apps.core.errors import Invalid
from apps.incidents.services import approval
from apps.incidents.services.carrying_out import Post, carry_out
from apps.incidents.services.drafts import (
    Outcome,
    edit_draft,
    expect,
    hand_over_draft,
    keep_draft,
    post_draft,
)
from apps.pages.models import Page


@transaction.atomic
def submit_post(
    *,
    page_id: int,
    kind: str,
    asked: Mapping[str, Any],
    incident_id: int | None = None,
    maintenance_id: int | None = None,
    expected_sequence: int | None = None,
    seen_sequence: int = 0,
    publish_at: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> Outcome:
    """Post at once, or keep a draft that is scheduled, or that waits where the page has a second person approve.

    Nothing is kept of a post that is refused. Invalid for a `publish_at` that has passed.
    """
    page = live_row(Page, page_id)
    if publish_at is not None and publish_at <= at:
        raise Invalid("invalid", "this time has passed; leave it empty", field="publish_at")
    if publish_at is None and not approval.is_needed(page, actor):
        post = Post(
            kind=kind,
            page_id=page_id,
            asked=asked,
            incident_id=incident_id,
            maintenance_id=maintenance_id,
            expected_sequence=expected_sequence,
        )
        return Outcome(posted=carry_out(post, actor=actor, at=at))
    draft = keep_draft(
        page_id=page_id,
        kind=kind,
        asked=asked,
        incident_id=incident_id,
        maintenance_id=maintenance_id,
        seen_sequence=expected_sequence or seen_sequence,
        publish_at=publish_at,
        actor=actor,
        at=at,
    )
    if approval.is_needed(page, actor):
        expect(draft, expected_sequence)
        return Outcome(draft=hand_over_draft(draft_id=draft.pk, actor=actor, at=at))
    return post_draft(draft_id=draft.pk, expected_sequence=expected_sequence, actor=actor, at=at)


@transaction.atomic
def submit_draft(
    *,
    draft_id: int,
    asked: Mapping[str, Any],
    expected_digest: str | None = None,
    expected_sequence: int | None = None,
    publish_at: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> Outcome:
    """Give a draft its last words and post it, schedule it, or let it wait where a second person approves.

    It is never approved by this, whoever wrote it: that is `post_draft`. Refused it stays as it was.
    """
    if publish_at is not None and publish_at <= at:
        raise Invalid("invalid", "this time has passed; leave it empty", field="publish_at")
    draft = edit_draft(
        draft_id=draft_id,
        asked=asked,
        expected_digest=expected_digest,
        seen_sequence=expected_sequence,
        publish_at=publish_at,
        actor=actor,
        at=at,
    )
    if approval.is_needed(draft.page, actor):
        expect(draft, expected_sequence)
        return Outcome(draft=hand_over_draft(draft_id=draft.pk, actor=actor, at=at))
    return post_draft(draft_id=draft.pk, expected_sequence=expected_sequence, actor=actor, at=at)
