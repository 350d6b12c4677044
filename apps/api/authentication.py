"""Who asks: an API token in the Authorization header."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.models import ApiToken, User
from apps.accounts.tokens import note_use, token_of
from apps.core.addresses import client_address

KEYWORDS = ("bearer", "token", "oauth")


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`, also with the keywords Token and OAuth. `request.auth` is the ApiToken."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        keyword, _, key = request.headers.get("Authorization", "").strip().partition(" ")
        if keyword.lower() not in KEYWORDS:
            return None
        now, address = timezone.now(), client_address(request._request)
        token = token_of(key.strip(), address=address, at=now)
        if token is None:
            raise AuthenticationFailed(
                "This key is not accepted: it is unknown, expired or revoked, or not meant for this network.",
                code="invalid_authorization_material",
            )
        note_use(token, address=address, at=now)
        user: Any = token.user
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
