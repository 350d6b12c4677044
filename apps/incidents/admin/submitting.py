"""Post from a screen what a page may want approved first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from apps.core.adminkit import actor_of
from apps.incidents import services
from apps.incidents.admin.screens import address
from apps.incidents.admin.telling import sentence_of
from apps.incidents.models import Incident, Maintenance
from apps.pages.models import Page


def submit(
    request: HttpRequest,
    *,
    page: Page,
    kind: str,
    asked: Mapping[str, Any],
    event: Incident | Maintenance | None = None,
    expected_sequence: int | None = None,
) -> services.Outcome:
    """Post it, or let it wait where the page wants that. Raises what `services.submit_post` raises."""
    return services.submit_post(
        page_id=page.pk,
        kind=kind,
        asked=asked,
        incident_id=event.pk if isinstance(event, Incident) else None,
        maintenance_id=event.pk if isinstance(event, Maintenance) else None,
        expected_sequence=expected_sequence,
        seen_sequence=event.last_sequence if event is not None else 0,
        actor=actor_of(request),
        at=timezone.now(),
    )


def sentence(outcome: services.Outcome, done: str) -> str:
    """Return what is said afterwards; `done` where it was posted."""
    if outcome.posted is None and outcome.draft is not None:
        return sentence_of(outcome.draft)
    return done


def answer(request: HttpRequest, outcome: services.Outcome, done: str) -> HttpResponse:
    """Say what came of it, and lead to what was posted or to the draft."""
    messages.success(request, sentence(outcome, done))
    if outcome.posted is not None:
        return HttpResponseRedirect(address(outcome.posted.event))
    assert outcome.draft is not None
    return HttpResponseRedirect(address(outcome.draft))


def iso(value: datetime | None) -> str | None:
    """Return the instant as drafts keep it."""
    return value.isoformat() if value else None
