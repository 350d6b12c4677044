"""What a session keeps about itself, for the list of sessions: its own key, and when it was last noted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest

from apps.accounts import sessions
from apps.accounts.login.second_factor import SSO, records_of
from apps.accounts.models import LoginSession
from apps.core.addresses import client_address

_NAME = "login_session"


@dataclass(frozen=True)
class Mark:
    key: str
    seen_at: datetime


def adapter(request: HttpRequest) -> Any:
    """Return allauth's adapter."""
    return get_adapter(request)


def is_logged_in(request: HttpRequest) -> bool:
    """Tell whether the session belongs to a person, without asking the database."""
    return SESSION_KEY in request.session


def read(request: HttpRequest) -> Mark | None:
    """Return the mark; None where the session has none yet."""
    found = request.session.get(_NAME)
    if not isinstance(found, dict):
        return None
    return Mark(found["key"], datetime.fromtimestamp(found["seen"], UTC))


def write(request: HttpRequest, *, key: str, at: datetime) -> None:
    request.session[_NAME] = {"key": key, "seen": at.timestamp()}


def expiry(request: HttpRequest, at: datetime) -> datetime:
    """Return when the session runs out if nothing more is done with it."""
    return at + timedelta(seconds=request.session.get_expiry_age())


def keep(request: HttpRequest, *, at: datetime, user: Any = None) -> None:
    """Put the session on its person's list."""
    user = user or request.user
    if not request.session.session_key:
        request.session.save()
    key = str(request.session.session_key)
    sessions.keep_session(
        user=user,
        session_key=key,
        method=_method(request, user),
        address=client_address(request),
        agent=request.META.get("HTTP_USER_AGENT", ""),
        at=at,
        expires_at=expiry(request, at),
    )
    write(request, key=key, at=at)


def _method(request: HttpRequest, user: Any) -> str:
    records = records_of(request, user)
    if any(record.get("method") == SSO for record in records):
        return LoginSession.Method.SSO
    if any(record.get("passwordless") for record in records):
        return LoginSession.Method.PASSKEY
    return LoginSession.Method.PASSWORD
