"""API tokens: a person's keys for programs. The key itself is shown once and never kept."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import PublicModel


class ApiToken(PublicModel):
    """A key that acts as its person, within its scopes and limits.

    The key is kept as SHA-256 of its 256 random bits, so a stolen database opens nothing.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens"
    )
    name = models.CharField(max_length=80, help_text="What uses it, such as “Deploy pipeline”.")
    prefix = models.CharField(max_length=12, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list, blank=True)
    networks = models.JSONField(
        default=list, blank=True, help_text="Networks it is accepted from; empty: any."
    )
    workspaces = models.ManyToManyField("accounts.Workspace", blank=True, related_name="+")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_from = models.CharField(max_length=45, blank=True, editable=False)

    class Meta:
        verbose_name = "API token"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                condition=Q(revoked_at__isnull=True),
                name="token_name_once",
                violation_error_message="This person has a token with this name already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_usable(self, at: datetime) -> bool:
        """Tell whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)
