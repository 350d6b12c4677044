"""One validation for the admin, the API, the configuration file and commands: a row's own `full_clean`."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from apps.core.errors import Invalid


def clean(row: models.Model, *, at: str = "", exclude: set[str] | None = None) -> None:
    """Raise Invalid, naming the first field at fault under the path `at`, unless the row is valid."""
    try:
        row.full_clean(exclude=exclude)
    except ValidationError as error:
        raise invalid(error, at=at) from error


def invalid(error: ValidationError, *, at: str = "") -> Invalid:
    """Return the same refusal as an Invalid: `errors` lists every (path, message), the first one leads."""
    if hasattr(error, "error_dict"):
        found = [
            (_joined(at, "" if field == NON_FIELD_ERRORS else field), message)
            for field, messages in error.message_dict.items()
            for message in messages
        ]
    else:
        found = [(at, message) for message in error.messages]
    return Invalid("invalid", found[0][1], field=found[0][0] or None, errors=tuple(found))


def _joined(at: str, field: str) -> str:
    return f"{at}.{field}" if at and field else at or field


def validate_time_zone(name: str) -> None:
    """Refuse a name that is no IANA time zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValidationError(
            "Enter an IANA time zone such as Europe/Berlin.", code="time_zone"
        ) from error
