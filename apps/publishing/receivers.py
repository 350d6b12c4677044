"""What the apps below tell becomes a request for publication."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from apps.pages.signals import pages_changed
from apps.publishing import services


@receiver(pages_changed, dispatch_uid="publishing.pages_changed")
def request_publication(*, page_ids: set[int], at: datetime, **_: Any) -> None:
    services.request(page_ids=page_ids, at=at)
