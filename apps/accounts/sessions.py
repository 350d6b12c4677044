"""Where people are logged in: kept, listed and ended. Services; times are aware UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import LoginSession, User
from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.errors import NotFound

AGENT_LENGTH = LoginSession._meta.get_field("agent").max_length or 200


def keep_session(
    *,
    user: User,
    session_key: str,
    method: str,
    address: str,
    agent: str,
    at: datetime,
    expires_at: datetime,
) -> LoginSession:
    """Keep that the person is logged in there. Called again for the same session it only says so anew."""
    session, _ = LoginSession.objects.update_or_create(
        session_key=session_key,
        defaults={
            "user": user,
            "method": method,
            "address": address,
            "agent": agent[:AGENT_LENGTH],
            "last_seen_at": at,
            "expires_at": expires_at,
        },
        create_defaults={
            "user": user,
            "method": method,
            "address": address,
            "agent": agent[:AGENT_LENGTH],
            "created_at": at,
            "updated_at": at,
            "last_seen_at": at,
            "expires_at": expires_at,
        },
    )
    return session


def see_session(
    *, session_key: str, was_key: str, address: str, at: datetime, expires_at: datetime
) -> bool:
    """Note that the session was used, also under a new key; false where there is none."""
    return bool(
        LoginSession.objects.filter(session_key=was_key).update(
            session_key=session_key, address=address, last_seen_at=at, expires_at=expires_at
        )
    )


def live_sessions(user: User, at: datetime) -> QuerySet[LoginSession]:
    """Return where the person is logged in, the last used first."""
    return LoginSession.objects.filter(user=user, expires_at__gt=at).order_by(
        "-last_seen_at", "-id"
    )


@transaction.atomic
def end_session(*, user_id: int, session_id: int, actor: Actor, at: datetime) -> LoginSession:
    """Log the person out there. NotFound when it is over already, or another person's."""
    sessions = LoginSession.objects.select_for_update(of=("self",)).select_related("user")
    session = sessions.filter(pk=session_id, user_id=user_id).first()
    if session is None:
        raise NotFound("not_found", "This session is over already.")
    _end([session], actor=actor, at=at)
    return session


@transaction.atomic
def end_sessions(
    *,
    user_id: int,
    actor: Actor,
    at: datetime,
    but_key: str | None = None,
    method: str | None = None,
) -> int:
    """Log the person out everywhere, but in the session `but_key`; return how many sessions were ended.

    With `method` only those that were opened by it.
    """
    sessions = LoginSession.objects.select_for_update(of=("self",)).select_related("user")
    sessions = sessions.filter(user_id=user_id).order_by("pk")
    if but_key is not None:
        sessions = sessions.exclude(session_key=but_key)
    if method is not None:
        sessions = sessions.filter(method=method)
    ended = list(sessions)
    if ended:
        _end(ended, actor=actor, at=at)
    return len(ended)


def forget_session(session_key: str) -> None:
    """Drop the row of a session that its own person has just logged out of."""
    LoginSession.objects.filter(session_key=session_key).delete()


def remove_old_sessions(at: datetime) -> int:
    """Drop what has run out; return how many rows of ours went."""
    _store().clear_expired()
    count, _ = LoginSession.objects.filter(expires_at__lte=at).delete()
    return count


def _end(sessions: Iterable[LoginSession], *, actor: Actor, at: datetime) -> None:
    ended = list(sessions)
    for session in ended:
        _store()(session_key=session.session_key).delete()
    LoginSession.objects.filter(pk__in=[session.pk for session in ended]).delete()
    record(
        actor=actor,
        at=at,
        action="account.sessions_ended",
        row=ended[0].user,
        changes={"sessions": [len(ended), 0]},
    )


def _store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore
