"""How long ago something was, in the console's pages."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.timesince import timesince

register = template.Library()


@register.filter
def ago(at: datetime, now: datetime | None = None) -> str:
    """Return “5 minutes ago”; “just now” for less than a minute and for a clock that is ahead."""
    now = now or timezone.now()
    return "just now" if (now - at).total_seconds() < 60 else f"{timesince(at, now)} ago"
