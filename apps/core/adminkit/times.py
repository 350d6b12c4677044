"""Times as staff type them: on the clock of a page's zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from apps.core.unfold import TextInput


class LocalTimeInput(TextInput):
    """The browser's own input of a date and time, to the second."""

    input_type = "datetime-local"
    supports_microseconds = False

    def __init__(self) -> None:
        super().__init__(attrs={"step": "1"})


class PageTimeField(forms.DateTimeField):
    """A time in a zone (`zone`, UTC until it is set); gives an aware one.

    A time that the zone's clocks skip, or show twice, is refused.
    """

    widget = LocalTimeInput

    def __init__(self, *, zone: str = "UTC", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime):
            local = value.astimezone(ZoneInfo(self.zone)) if timezone.is_aware(value) else value
            return local.strftime("%Y-%m-%dT%H:%M:%S")
        return value

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(self.zone):
            return super().to_python(value)
