"""Log-ins: where a person is logged in, and who they are at the identity provider."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

from apps.core.models import PublicModel


class LoginSession(PublicModel):
    """One browser in which a person is logged in. `created_at` is when they logged in.

    The row goes with the session: logged out, ended by somebody, or run out.
    """

    class Method(models.TextChoices):
        PASSWORD = "password", "password"
        PASSKEY = "passkey", "passkey"
        SSO = "sso", "single sign-on"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="login_sessions"
    )
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    method = models.CharField(max_length=12, choices=Method.choices, default=Method.PASSWORD)
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True, help_text="What the browser calls itself.")
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-last_seen_at", "-id"]

    def __str__(self) -> str:
        return f"{self.get_method_display()} from {self.address or 'an unknown address'}"

    def is_live(self, at: datetime) -> bool:
        return self.expires_at > at


class SignOnIdentity(PublicModel):
    """Who a person is at an identity provider: its issuer and its subject there, which never change."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_on_identities"
    )
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    gave_superuser = models.BooleanField(
        default=False, help_text="Whether the person is a superuser by their groups there."
    )
    last_login_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="sign_on_identity_once")
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
