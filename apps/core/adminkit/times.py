"""Times as staff read and type them: on the wall clock of a page's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.core.unfold import TextInput


def at_zone(wall: datetime, zone_name: str) -> datetime:
    """Return the instant (UTC) of a wall-clock time, a repeated one's first.

    ValidationError for a skipped one, and for one at the ends of the calendar that UTC does not have.
    """
    try:
        instant = wall.replace(tzinfo=ZoneInfo(zone_name), fold=0).astimezone(UTC)
        is_skipped = on_wall(instant, zone_name) != wall
    except OverflowError:
        raise ValidationError("Enter a year nearer to ours.") from None
    if is_skipped:
        raise ValidationError(f"Clocks in {zone_name} skip this time on that day.")
    return instant


def on_wall(instant: datetime, zone_name: str) -> datetime:
    """Return the naive wall-clock time of an instant in the zone."""
    return instant.astimezone(ZoneInfo(zone_name)).replace(tzinfo=None)


class LocalTimeInput(TextInput):
    """The browser's own input of a day and a time, to the minute or to the second."""

    input_type = "datetime-local"
    supports_microseconds = False

    def __init__(self, *, with_seconds: bool = False) -> None:
        super().__init__(attrs={"step": "1"} if with_seconds else None)
        self.finest = "seconds" if with_seconds else "minutes"

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, datetime):
            return value.replace(tzinfo=None).isoformat(timespec=self.finest)
        text: str | None = super().format_value(value)
        return text


class WallTimeField(forms.DateTimeField):
    """A naive time; `at_zone` makes an instant of it once the zone is known."""

    widget = LocalTimeInput

    def prepare_value(self, value: Any) -> Any:
        return value

    def to_python(self, value: Any) -> datetime | None:
        # Read as UTC, which leaves the digits as they are.
        with timezone.override(UTC):
            found: datetime | None = super().to_python(value)
        return found.replace(tzinfo=None) if found else None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether other digits were typed than the input showed: it knows no finer ones, and no fold."""
        widget: Any = self.widget
        if isinstance(initial, datetime):
            initial = widget.format_value(self.prepare_value(initial))
        try:
            wall = WallTimeField.to_python(self, data)
            return wall != WallTimeField.to_python(self, initial)
        except ValidationError:
            return True


class PageTimeField(WallTimeField):
    """A time to the second in a zone (`zone`, UTC until it is set); gives an aware one.

    A time that the zone's clocks skip is refused; of one that they show twice the first is meant.
    """

    def __init__(self, *, zone: str = "UTC", **kwargs: Any) -> None:
        super().__init__(widget=LocalTimeInput(with_seconds=True), **kwargs)
        self.zone = zone

    def prepare_value(self, value: Any) -> Any:
        is_instant = isinstance(value, datetime) and timezone.is_aware(value)
        return on_wall(value, self.zone) if is_instant else value

    def to_python(self, value: Any) -> datetime | None:
        wall = super().to_python(value)
        return at_zone(wall, self.zone) if wall else None
