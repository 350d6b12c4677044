"""Admin screens of rows that belong to a workspace: people see those of their workspaces only."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest

from apps.accounts.models import Membership, User
from apps.accounts.selectors import for_user

EDITORS = frozenset({Membership.Role.EDITOR.value, Membership.Role.OWNER.value})
RESPONDERS = EDITORS | {Membership.Role.RESPONDER.value}


class WorkspaceScoped:
    """Mixin before ModelAdmin. `workspace_path` is the lookup from the model to its workspace."""

    workspace_path = "workspace"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        user: Any = request.user
        if user.is_superuser:
            return rows
        # Also of an archived workspace nothing foreign is shown: only live ones are anybody's.
        return rows.filter(**{f"{self.workspace_path}__in": for_user(user)})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "workspace":
            kwargs["queryset"] = for_user(_user(request), roles=EDITORS)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        screen: Any = self
        row = screen.row_of_page(request, obj) if isinstance(obj, str) else obj
        allowed: bool = super().has_change_permission(request, row)  # type: ignore[misc]
        return allowed and self.has_role(request, row, EDITORS)

    def has_role(self, request: HttpRequest, row: Any, roles: frozenset[str]) -> bool:
        """Tell whether the person has one of the roles in the row's workspace."""
        workspace_id = getattr(row, "workspace_id", None)
        if workspace_id is None:
            return True
        held: dict[int, bool] = request.__dict__.setdefault(f"console_{sorted(roles)}", {})
        if workspace_id not in held:
            workspaces = for_user(_user(request), roles=roles)
            held[workspace_id] = workspaces.filter(pk=workspace_id).exists()
        return held[workspace_id]


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    return user  # type: ignore[no-any-return]
