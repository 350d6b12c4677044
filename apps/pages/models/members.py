"""Who belongs to a page."""

from __future__ import annotations

from django.db import models

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.core.models import PublicModel
from apps.pages.models.catalogue import Page


class PageMembership(PublicModel):
    """A person's role on a page."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="page_memberships")
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.VIEWER)
    from_sign_on = models.BooleanField(
        default=False, editable=False, help_text="Given by single sign-on, which takes it back too."
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page"], name="page_membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.page}"
