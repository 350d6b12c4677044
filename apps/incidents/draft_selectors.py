"""Reading drafts."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from apps.incidents.models import Draft, Incident, Maintenance

NEEDING = (Draft.State.WAITING, Draft.State.REFUSED, Draft.State.SENT_BACK)


def drafts_of(event: Incident | Maintenance) -> QuerySet[Draft]:
    """What is written about an incident or a maintenance and not settled, the latest first, with its page."""
    rows = Draft.objects.filter(settled_at__isnull=True).select_related(
        "page", "incident", "maintenance"
    )
    about = "incident" if isinstance(event, Incident) else "maintenance"
    return rows.filter(**{about: event}).order_by("-updated_at", "-pk")


def drafts_that_need_somebody(page_ids: Collection[int] | None = None) -> QuerySet[Draft]:
    """Drafts that wait for a second person, were sent back, or could not be posted; of these pages (None: of all)."""
    rows = Draft.objects.filter(
        settled_at__isnull=True, state__in=NEEDING, page__archived_at__isnull=True
    )
    if page_ids is not None:
        rows = rows.filter(page__in=page_ids)
    return rows.select_related("page", "incident", "maintenance").order_by("updated_at", "pk")


def scheduled_drafts(page_ids: Collection[int] | None = None) -> QuerySet[Draft]:
    """Drafts that are posted by themselves, the next one first; of these pages (None: of all)."""
    rows = Draft.objects.filter(state=Draft.State.SCHEDULED, page__archived_at__isnull=True)
    if page_ids is not None:
        rows = rows.filter(page__in=page_ids)
    return rows.select_related("page", "incident", "maintenance").order_by("publish_at", "pk")
