"""People, workspaces and who may do what in them."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q

from apps.accounts.login_models import LoginSession, SignOnIdentity
from apps.accounts.roles import Role
from apps.accounts.token_models import ApiToken
from apps.core.ids import new_public_id
from apps.core.models import ArchivableModel, PublicModel

__all__ = ["ApiToken", "LoginSession", "Membership", "SignOnIdentity", "User", "Workspace"]


class User(AbstractUser):
    """A member of staff. They log in by `username`."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.CharField(
        max_length=12, unique=True, default=new_public_id, editable=False, verbose_name="id"
    )


class Workspace(ArchivableModel):
    """A team's own monitors and integrations."""

    name = models.CharField(max_length=120)

    class Meta(ArchivableModel.Meta):
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(archived_at__isnull=True),
                name="workspace_name_once",
                violation_error_message="There is already a workspace with this name.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Membership(PublicModel):
    """A person's role in a workspace."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.VIEWER)
    from_sign_on = models.BooleanField(
        default=False, editable=False, help_text="Given by single sign-on, which takes it back too."
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "workspace"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}"
