"""Leaving for the identity provider, and coming back."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from django.conf import settings
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.login.second_factor import note_sign_on
from apps.accounts.sso import client, tokens
from apps.accounts.sso.client import Attempt, SignOnError
from apps.accounts.sso.config import OIDCConfig
from apps.accounts.sso.mapping import roles_of
from apps.accounts.sso.people import Person, let_in, turn_away
from apps.accounts.sso.roles import SIGN_ON

logger = logging.getLogger(__name__)

_KEPT = "sign_on"
# Several tabs may be on their way at once; who takes longer begins anew.
_ATTEMPTS = 5
_ATTEMPT_LIVES_S = 600
# After it the groups are looked at again.
SESSION_LIVES = timedelta(hours=12)


def _config() -> OIDCConfig:
    config: OIDCConfig | None = settings.OIDC
    if config is None:
        raise Http404("There is no single sign-on here.")
    return config


@require_GET
@never_cache
def leave(request: HttpRequest) -> HttpResponse:
    """Send the browser to the identity provider."""
    config = _config()
    if not ratelimit.consume(request, action="login"):
        closed: HttpResponse = ratelimit.respond_429(request)
        return closed
    try:
        provider = client.discover(config)
    except SignOnError as error:
        return _failed(request, error, status=502)
    attempt = Attempt.new()
    kept = _unexpired(request)
    kept[attempt.state] = {
        "nonce": attempt.nonce,
        "verifier": attempt.verifier,
        "next": get_next_redirect_url(request) or "",
        "at": time.time(),
    }
    request.session[_KEPT] = dict(list(kept.items())[-_ATTEMPTS:])
    url = client.authorization_url(config, provider, attempt, _redirect_uri(request))
    return HttpResponseRedirect(url)


@require_GET
@never_cache
def come_back(request: HttpRequest) -> HttpResponse:
    """Take the provider's answer: log the person in, or say why not."""
    config = _config()
    kept = _unexpired(request)
    state = request.GET.get("state", "")
    found = kept.pop(state, None)
    request.session[_KEPT] = kept
    if found is None:
        text = "This log-in was begun in another browser, or too long ago. Begin it again."
        return _failed(request, SignOnError(text), status=400)
    if "code" not in request.GET:
        cancelled = request.GET.get("error") == "access_denied"
        text = "You cancelled it." if cancelled else "The identity provider did not let you in."
        return _failed(request, SignOnError(text), status=403)
    attempt = Attempt(state, found["nonce"], found["verifier"])
    try:
        claims = _claims(request, config, attempt)
    except SignOnError as error:
        return _failed(request, error, status=502)
    return _enter(request, config, claims, found["next"])


def _claims(request: HttpRequest, config: OIDCConfig, attempt: Attempt) -> dict[str, Any]:
    """Return what is known of the person: the ID token, and what it leaves out from the userinfo."""
    provider = client.discover(config)
    id_token, access_token = client.exchange(
        config, provider, attempt, request.GET["code"], _redirect_uri(request)
    )
    keys = client.keys(config, provider)
    claims = dict(tokens.claims_of(id_token, keys=keys, config=config, nonce=attempt.nonce))
    if config.groups_claim not in claims:
        claims = {**client.userinfo(config, provider, access_token, claims["sub"]), **claims}
    return claims


def _enter(
    request: HttpRequest, config: OIDCConfig, claims: dict[str, Any], next_url: str
) -> HttpResponse:
    roles = roles_of(config.grants, tokens.groups_of(claims, config.groups_claim))
    at = timezone.now()
    if roles.is_nothing:
        turn_away(issuer=config.issuer, subject=claims["sub"], actor=SIGN_ON, at=at)
        logger.info("single sign-on refused: no mapped group subject=%s", claims["sub"])
        return render(request, "account/no_group.html", {"provider": config.name}, status=403)
    person = _person(config, claims)
    try:
        user = let_in(person=person, roles=roles, actor=SIGN_ON, at=at)
    except IntegrityError:
        # They came for the first time in two tabs: the other one was first.
        user = let_in(person=person, roles=roles, actor=SIGN_ON, at=at)
    if request.user.is_authenticated:
        get_adapter(request).logout(request)
    factor = tokens.had_second_factor(claims, config.second_factor)
    note_sign_on(request, user, second_factor=factor)
    request.session.set_expiry(at + SESSION_LIVES)
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=next_url or None))
    return response


def _person(config: OIDCConfig, claims: dict[str, Any]) -> Person:
    def text(name: str) -> str:
        value = claims.get(name)
        return value.strip() if isinstance(value, str) else ""

    first, _, last = text("name").partition(" ")
    return Person(
        issuer=config.issuer,
        subject=claims["sub"],
        username=text("preferred_username"),
        first_name=text("given_name") or first,
        last_name=text("family_name") or last,
        email=text("email") if claims.get("email_verified") is True else "",
    )


def _unexpired(request: HttpRequest) -> dict[str, Any]:
    kept = request.session.get(_KEPT)
    if not isinstance(kept, dict):
        return {}
    return {key: one for key, one in kept.items() if time.time() - one["at"] < _ATTEMPT_LIVES_S}


def _redirect_uri(request: HttpRequest) -> str:
    # The address that the provider knows: not one that the request names.
    return f"{settings.PUBLIC_URL}{reverse('sign_on_callback')}"


def _failed(request: HttpRequest, error: SignOnError, *, status: int) -> HttpResponse:
    logger.warning("single sign-on failed: %s", error)
    context = {"reason": str(error), "provider": _config().name}
    return render(request, "account/sign_on_failed.html", context, status=status)
