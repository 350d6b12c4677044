"""Whether a session was opened with a second factor. It counts per session: what the person has elsewhere does not."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import (
    get_authentication_records,
    record_authentication,
)
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

SSO = "sso"
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def records_of(request: HttpRequest, user: Any) -> list[dict[str, Any]]:
    """Return how the session was opened, as allauth keeps it: {method, at, …}; none for a session without the form."""
    records: list[dict[str, Any]] = get_authentication_records(request, user)
    return records


def was_used(request: HttpRequest, user: Any) -> bool:
    """Tell whether this session used a second factor: one of ours, or the identity provider's."""
    return any(
        record.get("method") == "mfa" or record.get("second_factor")
        for record in records_of(request, user)
    )


def has_one(user: Any) -> bool:
    """Tell whether the person has set up a second factor. Recovery codes alone are none."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


def note_setting_up(request: HttpRequest, authenticator: Authenticator) -> None:
    """Count setting up a factor as using it: its code or key was asked for just then."""
    record_authentication(
        request, authenticator.user, "mfa", id=authenticator.pk, type=authenticator.type
    )


def note_sign_on(request: HttpRequest, user: Any, *, second_factor: bool) -> None:
    """Record that the identity provider let the person in, and whether it asked for a second factor."""
    record_authentication(request, user, SSO, second_factor=second_factor)
