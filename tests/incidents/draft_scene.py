"""Drafts made through the services, by Robin unless said otherwise; Kim is a second person."""

from __future__ import annotations

from datetime import timedelta

from apps.core.actors import Actor
from apps.incidents.models import Draft
from apps.incidents.services import edit_draft, keep_draft
from tests.factories import NOW, PERSON
from tests.incidents.scene import LATER

KIM = Actor("person", "k1mk1mk1mk1m", "Kim Lee")
SOON = NOW + timedelta(hours=1)
DUE = SOON + timedelta(seconds=1)


def news(**fields):
    """Return what an update asks for."""
    return {"status": "identified", "message": "We know why.", "components": {}} | fields


def drafted(incident, *, actor=PERSON, at=LATER, publish_at=None, **fields) -> Draft:
    """Keep an update of the incident as a draft."""
    return keep_draft(
        page_id=incident.page_id,
        kind="post_update",
        incident_id=incident.pk,
        asked=news(**fields),
        seen_sequence=incident.last_sequence,
        publish_at=publish_at,
        actor=actor,
        at=at,
    )


def reworded(draft, *, actor=PERSON, at=LATER, **fields) -> Draft:
    """Change a draft's words; its time stays."""
    return edit_draft(
        draft_id=draft.pk,
        asked=draft.asked | fields,
        publish_at=draft.publish_at,
        actor=actor,
        at=at,
    )
