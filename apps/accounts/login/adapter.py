"""How allauth's log-in behaves here."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from apps.accounts.login import events
from apps.accounts.models import User
from apps.core.addresses import client_address
from apps.core.fields import cipher


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by themselves; staff only; addresses as the platform sees them."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "This username and password do not belong together.",
        "too_many_login_attempts": "Too many failed log-ins. Wait a few minutes, then try again.",
        "incorrect_password": "This is not your password.",
        "enter_current_password": "This is not your present password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        # "" behind a socket file: all such requests then share one limit.
        return client_address(request) or "local"

    def get_login_stages(self) -> list[str]:
        return ["apps.accounts.login.stages.SecondFactorStage"]

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        if user.is_active and not user.is_staff:
            # Otherwise the console would send them back to the form without a word.
            raise ImmediateHttpResponse(render(request, "account/not_staff.html", status=403))
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        events.note_failure(
            username=str(credentials.get("username", "")),
            address=client_address(request),
            at=timezone.now(),
        )

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        factors = [one for one in methods if one["id"] != "reauthenticate"]
        # Who has a second factor proves it: the password alone must not be enough to take it away.
        return factors or methods

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_overview")

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        if user.has_usable_password():
            # Who comes by single sign-on gets no password this way: it would outlive them there.
            super().send_password_reset_mail(user, email, context)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Without the host that the request names: each of its names would have a limit of its own.
        return str(credentials.get("username", "")).lower()


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors' secrets are encrypted at rest like every other secret."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This is not the right code."
    }

    def encrypt(self, text: str) -> str:
        return cipher().encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        return cipher().decrypt(encrypted_text.encode("ascii")).decode()

    def get_totp_label(self, user: Any) -> str:
        return str(user.get_username())

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return "Security key"
