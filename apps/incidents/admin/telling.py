"""Sentences about drafts."""

from __future__ import annotations

from apps.core.adminkit import local
from apps.incidents.models import Draft


def sentence_of(draft: Draft) -> str:
    """Return what is to be said of a draft that was just kept, handed over or scheduled."""
    match draft.state:
        case Draft.State.SCHEDULED:
            when = local(draft.publish_at, draft.page.time_zone)
            return f"Scheduled: it is posted by itself on {when}."
        case Draft.State.WAITING:
            return "It waits for a publisher to post it. Nothing is public yet."
        case _:
            return "The draft is kept. Nothing is public yet."
