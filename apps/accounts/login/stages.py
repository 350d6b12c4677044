"""The steps between the password and being logged in."""

from __future__ import annotations

from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest

from apps.accounts.login.second_factor import was_used


class SecondFactorStage(AuthenticateStage):  # type: ignore[misc]
    """Ask for the person's second factor, unless the identity provider did."""

    def _should_handle(self, request: HttpRequest) -> bool:
        if was_used(request, self.login.user):
            return False
        return bool(super()._should_handle(request))
