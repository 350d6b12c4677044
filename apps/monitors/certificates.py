"""Which certificates end soon."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from apps.monitors.models import Certificate


def certificates_until(until: datetime) -> QuerySet[Certificate]:
    """Return those of live monitors that end before `until`, the first to end first."""
    return Certificate.objects.filter(
        expires_at__lt=until,
        schedule__removed_at__isnull=True,
        schedule__monitor__archived_at__isnull=True,
    ).select_related("schedule__monitor")
