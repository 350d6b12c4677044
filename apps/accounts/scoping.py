"""Screens of rows that belong to a workspace (or to a page: apps/pages/scoping.py): roles there decide."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from apps.accounts.models import Workspace
from apps.accounts.roles import EDITORS, VIEWERS
from apps.accounts.selectors import for_user, workspace_roles
from apps.core.adminkit.access import Gated, is_superuser


class RoleScoped(Gated):
    """What the two scoping mixins share. A person sees the rows of those scopes where they have a role.

    `view_roles`, `add_roles`, `change_roles` and `delete_roles` (archiving) say which roles may do so;
    `may` asks about one row. Superusers may all, also in what is archived.
    """

    view_roles: frozenset[str] = VIEWERS
    add_roles: frozenset[str] = EDITORS
    change_roles: frozenset[str] = EDITORS
    delete_roles: frozenset[str] = EDITORS
    scope_model: type[models.Model]

    def scope_path(self) -> str:
        """Return the lookup from the model to its scope; `pk` where the row is the scope itself."""
        raise NotImplementedError

    def roles_held(self, request: HttpRequest) -> dict[int, str]:
        """Return {scope's key: role} of the person, read once per request."""
        raise NotImplementedError

    def scopes(self, request: HttpRequest, roles: frozenset[str]) -> models.QuerySet[Any]:
        """Return the live scopes where the person has one of the roles."""
        raise NotImplementedError

    def may(self, request: HttpRequest, row: Any, roles: frozenset[str]) -> bool:
        """Tell whether the person has one of the roles where the row belongs."""
        if row is None:
            return False
        if is_superuser(request):
            return True
        return self.roles_held(request).get(self._scope_of(row), "") in roles

    def may_anywhere(self, request: HttpRequest, roles: frozenset[str]) -> bool:
        """Tell whether the person has one of the roles somewhere."""
        return is_superuser(request) or bool(self._scopes_with(request, roles))

    def allows(self, request: HttpRequest, what: str, row: Any = None) -> bool:
        roles: frozenset[str] = getattr(self, f"{what}_roles")
        if row is None or row.pk is None:
            return self.may_anywhere(request, roles)
        return self.may(request, row, roles)

    def narrowed(
        self, request: HttpRequest, rows: models.QuerySet[Any], roles: frozenset[str]
    ) -> models.QuerySet[Any]:
        if is_superuser(request):
            return rows
        return rows.filter(**{f"{self.scope_path()}__in": self._scopes_with(request, roles)})

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return self.narrowed(request, rows, self.view_roles)

    def choosing_roles(self, request: HttpRequest) -> frozenset[str]:
        match = request.resolver_match
        name = (match.url_name if match else None) or ""
        if name.endswith("_add"):
            return self.add_roles
        return self.change_roles if name.endswith("_change") else self.add_roles | self.change_roles

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.remote_field.model is self.scope_model:
            kwargs["queryset"] = self.scopes(request, self.choosing_roles(request))
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == self.scope_path() and field is not None and not is_superuser(request):
            # Where it belongs to nobody only superusers would see it.
            field.required = True
        if db_field.remote_field.model is self.scope_model and field is not None:
            field.initial = field.initial or _only_one(field.queryset)
        return field

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Return the filters; those by a relation offer what the person sees."""
        opts: Any = self.opts  # type: ignore[attr-defined]
        related = {field.name for field in opts.fields if field.is_relation}
        return [
            (one, admin.RelatedOnlyFieldListFilter) if one in related else one
            for one in super().get_list_filter(request)  # type: ignore[misc]
        ]

    def _scopes_with(self, request: HttpRequest, roles: frozenset[str]) -> list[int]:
        return [pk for pk, role in self.roles_held(request).items() if role in roles]

    def _scope_of(self, row: Any) -> int:
        *through, last = self.scope_path().split("__")
        for name in through:
            row = getattr(row, name, None)
        return int(getattr(row, "pk" if last == "pk" else f"{last}_id", None) or 0)


def _only_one(rows: models.QuerySet[Any]) -> int | None:
    """Return the key of the only row there is to choose; None where there are several."""
    found = list(rows.order_by().values_list("pk", flat=True)[:2])
    return found[0] if len(found) == 1 else None


class WorkspaceScoped(RoleScoped):
    """Mixin before ModelAdmin. `workspace_path` is the lookup from the model to its workspace."""

    workspace_path = "workspace"
    scope_model = Workspace

    def scope_path(self) -> str:
        return self.workspace_path

    def roles_held(self, request: HttpRequest) -> dict[int, str]:
        return roles_in_workspaces(request)

    def scopes(self, request: HttpRequest, roles: frozenset[str]) -> models.QuerySet[Any]:
        user: Any = request.user
        return for_user(user, roles)


class SeenByMembers(Gated):
    """Mixin before ModelAdmin: whoever is a member of a workspace sees the rows; superusers change them."""

    def allows(self, request: HttpRequest, what: str, row: Any = None) -> bool:
        if super().allows(request, what, row):
            return True
        return what == "view" and bool(roles_in_workspaces(request))


def roles_in_workspaces(request: HttpRequest) -> dict[int, str]:
    """Return {workspace's key: the person's role}, read once per request."""
    held: dict[int, str] | None = request.__dict__.get("console_workspace_roles")
    if held is None:
        user: Any = request.user
        held = request.__dict__["console_workspace_roles"] = workspace_roles(user)
    return held
