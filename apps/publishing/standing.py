"""How publication stands, for people."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Max, QuerySet

from apps.core.clock import database_now
from apps.pages.models import Page
from apps.publishing.models import Publication


def pages_behind(
    pages: QuerySet[Page], *, by_s: float, at_most: int
) -> list[tuple[Publication, float]]:
    """Return (publication, seconds) of those live pages whose newest change is not published for longer than `by_s`.

    Those that wait longest come first.
    """
    now = database_now()
    rows = (
        Publication.objects.filter(
            requested_seq__gt=F("published_seq"),
            requested_at__lt=now - timedelta(seconds=by_s),
            page__in=pages,
            page__archived_at__isnull=True,
        )
        .select_related("page")
        .order_by("requested_at", "pk")[:at_most]
    )
    return [(row, (now - row.requested_at).total_seconds()) for row in rows if row.requested_at]


def last_published_at(pages: QuerySet[Page]) -> datetime | None:
    """Return when the newest version of any of the pages was put in place; None when none ever was."""
    newest = Publication.objects.filter(page__in=pages).aggregate(at=Max("published_at"))
    found: datetime | None = newest["at"]
    return found
