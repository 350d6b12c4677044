"""What each request of a person who is logged in passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone

from apps.accounts import sessions
from apps.accounts.login import marks
from apps.accounts.login.second_factor import has_one, was_used
from apps.core.addresses import client_address

SEEN_EVERY = timedelta(minutes=1)
PREFIX = "/account/"

# What a session may open before it showed its second factor: the ways to show it, and out.
_WAYS_IN = frozenset(
    {
        "account_login",
        "account_logout",
        "account_reauthenticate",
        "account_inactive",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "mfa_login_webauthn",
        "sign_on",
        "sign_on_callback",
        "login",
        "logout",
    }
)
# And what else, while the person has none yet.
_WAYS_TO_SET_UP = frozenset({"mfa_index", "mfa_activate_totp", "mfa_add_webauthn"})


class SecondFactorMiddleware:
    """With REQUIRE_SECOND_FACTOR nothing opens to a session without a second factor.

    Without it the person's own account is still guarded so, once they have a factor: a session from before must not
    be enough to take it away. Browsers are sent to where they can show or set up one; programs get JSON and 403.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        is_account = request.path.startswith(PREFIX)
        if not (settings.REQUIRE_SECOND_FACTOR or is_account):
            return None
        name = request.resolver_match.url_name if request.resolver_match else None
        # A request with a key of its own (the API's) has no session: nothing is asked of it here.
        user: Any = request.user
        if name in _WAYS_IN or not user.is_authenticated or was_used(request, user):
            return None
        if has_one(user):
            methods = marks.adapter(request).get_reauthentication_methods(user)
            return _turned_away(request, methods[0]["url"])
        if not settings.REQUIRE_SECOND_FACTOR or name in _WAYS_TO_SET_UP:
            return None
        return _turned_away(request, reverse("mfa_index"))


def _turned_away(request: HttpRequest, to: str) -> HttpResponse:
    if "text/html" not in request.headers.get("Accept", "text/html"):
        text = "This session has not used a second factor. Log in with it in a browser."
        return JsonResponse({"detail": text, "code": "second_factor_required"}, status=403)
    query = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
    response = HttpResponseRedirect(f"{to}?{query}" if query else to)
    response["Cache-Control"] = "no-store"
    return response


class LoginSessionMiddleware:
    """Note, about once a minute, that a session is used; and follow it when it changes its key.

    What is needed for that is in the session itself, so that a request costs no query for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # A view that never looked at the session (or a page without one) is not made to.
        if request.session.accessed and marks.is_logged_in(request):
            self._note(request, timezone.now())
        return response

    def _note(self, request: HttpRequest, at: datetime) -> None:
        mark = marks.read(request)
        key = request.session.session_key
        if key is None:
            return
        if mark is None:
            marks.keep(request, at=at)
        elif mark.key != key or at - mark.seen_at >= SEEN_EVERY:
            if sessions.see_session(
                session_key=key,
                was_key=mark.key,
                address=client_address(request),
                at=at,
                expires_at=marks.expiry(request, at),
            ):
                marks.write(request, key=key, at=at)
            else:
                marks.keep(request, at=at)
