"""Times as staff read and write them: on the wall clock of a page's zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from apps.core.unfold import TextInput
from apps.incidents.recurrence import first_instant


class WallTimeInput(TextInput):
    """The browser's own input of a day and a time."""

    input_type = "datetime-local"

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, datetime):
            return f"{value.replace(tzinfo=None):%Y-%m-%dT%H:%M}"
        text: str | None = super().format_value(value)
        return text


class WallTimeField(forms.DateTimeField):
    """A naive time; `at_zone` makes an instant of it once the zone is known."""

    widget = WallTimeInput

    def prepare_value(self, value: Any) -> Any:
        return value

    def to_python(self, value: Any) -> datetime | None:
        # Django reads it as UTC, which leaves the digits as they are.
        found: datetime | None = super().to_python(value)
        return found.replace(tzinfo=None) if found else None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(initial and initial.replace(second=0, microsecond=0), data))


def at_zone(wall: datetime, zone_name: str) -> datetime:
    """Return the instant (UTC) of a wall-clock time, a repeated one's first. ValidationError for a skipped one."""
    zone = ZoneInfo(zone_name)
    instant = first_instant(wall, zone)
    if instant.astimezone(zone).replace(tzinfo=None) != wall:
        raise ValidationError(f"Clocks in {zone_name} skip this time on that day.")
    return instant


def on_wall(instant: datetime, zone_name: str) -> datetime:
    """Return the naive wall-clock time of an instant in the zone."""
    return instant.astimezone(ZoneInfo(zone_name)).replace(tzinfo=None)


def times_in(form: forms.BaseForm, zone_name: str, *names: str) -> None:
    """Turn these wall-clock times of a form that is being cleaned into instants, and check their order."""
    for name in names:
        wall = form.cleaned_data.get(name)
        if wall is None:
            continue
        try:
            form.cleaned_data[name] = at_zone(wall, zone_name)
        except ValidationError as error:
            form.add_error(name, error)
    begins, ends = (form.cleaned_data.get(name) for name in ("scheduled_for", "scheduled_until"))
    if begins and ends and ends <= begins:
        form.add_error("scheduled_until", "The end must be after the start.")
