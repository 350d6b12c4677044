"""A person's own account: password, second factors, and where they are logged in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts.actors import person_actor
from apps.accounts.login.devices import device_name
from apps.accounts.models import LoginSession
from apps.accounts.sessions import end_session, end_sessions, live_sessions
from apps.core.errors import NotFound


@dataclass(frozen=True)
class SessionRow:
    """A session as its person sees it. Times are aware UTC."""

    key: str
    device: str
    agent: str
    address: str
    method: str
    since: datetime
    last_seen: datetime
    is_this: bool


def session_rows(sessions: Any, own_key: str | None) -> list[SessionRow]:
    """Return the sessions for the table, this one first."""
    rows = [_row(session, own_key) for session in sessions]
    return sorted(rows, key=lambda row: not row.is_this)


def _row(session: LoginSession, own_key: str | None) -> SessionRow:
    return SessionRow(
        key=session.public_id,
        device=device_name(session.agent),
        agent=session.agent,
        address=session.address or "unknown",
        method=session.get_method_display(),
        since=session.created_at,
        last_seen=session.last_seen_at,
        is_this=session.session_key == own_key,
    )


@login_required
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """Show the account on one page."""
    user: Any = request.user
    kept = list(Authenticator.objects.filter(user=user).order_by("pk"))
    of_type = {kind: [one for one in kept if one.type == kind] for kind in Authenticator.Type}
    codes = of_type[Authenticator.Type.RECOVERY_CODES]
    context = {
        "has_app": bool(of_type[Authenticator.Type.TOTP]),
        "keys": [one.wrap().name for one in of_type[Authenticator.Type.WEBAUTHN]],
        "codes_left": len(codes[0].wrap().get_unused_codes()) if codes else None,
        "factor_required": settings.REQUIRE_SECOND_FACTOR,
        "signs_on": [one.issuer for one in user.sign_on_identities.all()],
        "sessions": session_rows(live_sessions(user, timezone.now()), request.session.session_key),
    }
    return render(request, "account/overview.html", context)


@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """Answer where allauth goes after a change of a key: they are listed with the other factors."""
    return redirect("mfa_index")


@login_required
def no_password(request: HttpRequest) -> HttpResponse:
    """Say why there is no password to change. Who comes by single sign-on gets none by themselves: it would outlive them there."""
    return render(request, "account/no_password.html")


@login_required
@require_POST
def end_one(request: HttpRequest) -> HttpResponse:
    """Log the person out in one other browser."""
    user: Any = request.user
    session = LoginSession.objects.filter(
        user=user, public_id=request.POST.get("session", "")
    ).first()
    try:
        ended = end_session(
            user_id=user.pk,
            session_id=session.pk if session else 0,
            actor=person_actor(user),
            at=timezone.now(),
        )
    except NotFound as error:
        messages.info(request, error.message)
    else:
        messages.success(request, f"Logged out of {device_name(ended.agent)}.")
    return redirect("account_overview")


@login_required
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Log the person out everywhere but here."""
    user: Any = request.user
    count = end_sessions(
        user_id=user.pk,
        but_key=request.session.session_key,
        actor=person_actor(user),
        at=timezone.now(),
    )
    if count:
        messages.success(request, f"Logged out of {count} other session{'s' * (count != 1)}.")
    else:
        messages.info(request, "You are logged in here only.")
    return redirect("account_overview")
