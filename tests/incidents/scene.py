"""Incidents made and moved through the services, by a person unless said otherwise."""

from __future__ import annotations

from datetime import timedelta

from apps.incidents.services import open_incident, post_update
from tests.factories import NOW, PERSON

LATER = NOW + timedelta(minutes=5)
EVEN_LATER = NOW + timedelta(minutes=10)


def opened(page, *, actor=PERSON, components=(), at=NOW, **fields):
    given = {"name": "Trouble", "status": "investigating", "message": "We look."} | fields
    incident, _ = open_incident(
        page_id=page.pk, components=dict(components), actor=actor, at=at, **given
    )
    return incident


def posted(incident, status, *, actor=PERSON, components=(), at=LATER, **fields):
    given = {"message": "News."} | fields
    return post_update(
        incident_id=incident.pk,
        status=status,
        components=dict(components),
        actor=actor,
        at=at,
        **given,
    )


def status_of(component):
    component.refresh_from_db()
    return component.status
