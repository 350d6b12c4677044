"""Keep which certificates monitors were shown, so that people can ask which end soon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from apps.monitors.models import Certificate, LatestPass

BATCH = 500


def note_certificates() -> int:
    """Read the certificates out of the newest passed runs; return how many rows differed. Twice is harmless.

    Three statements for each 500 schedules, and of those that write only what there is to write.
    """
    written, done = 0, 0
    while batch := list(LatestPass.objects.filter(pk__gt=done).order_by("pk")[:BATCH]):
        done = batch[-1].pk
        known = Certificate.objects.in_bulk([row.pk for row in batch])
        shown = {row.pk: soonest(row.detail) for row in batch}
        changed = [
            Certificate(schedule_id=pk, host=found[0], expires_at=found[1])
            for pk, found in shown.items()
            if found is not None and (pk not in known or _differs(known[pk], found))
        ]
        gone = [pk for pk in known if shown[pk] is None]
        if changed:
            Certificate.objects.bulk_create(
                changed,
                update_conflicts=True,
                unique_fields=["schedule"],
                update_fields=["host", "expires_at"],
            )
        if gone:
            Certificate.objects.filter(pk__in=gone).delete()
        written += len(changed) + len(gone)
    return written


def soonest(detail: Mapping[str, Any]) -> tuple[str, datetime] | None:
    """Return host and end (aware) of the certificate that ends first in a run's record; None without any."""
    found = [
        (str(urlsplit(attempt["url"]).hostname or "")[:253], datetime.fromisoformat(ends))
        for request in detail.get("requests", ())
        for attempt in request.get("attempts", ())[-1:]
        if (ends := attempt.get("certificate_expires_at"))
    ]
    return min(found, key=lambda one: one[1], default=None)


def _differs(row: Certificate, found: tuple[str, datetime]) -> bool:
    return (row.host, row.expires_at) != found
