"""Workspaces with their members, and people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import models
from django.http import HttpRequest

from apps.accounts import services
from apps.accounts.login.admin import FIELDS, FIELDSET, LoginParts
from apps.accounts.member_table import TYPED_FIRST, MemberTable, person_label, roles_in
from apps.accounts.models import Membership, User, Workspace
from apps.accounts.roles import ADMINS, NOBODY
from apps.accounts.scoping import RoleScoped, WorkspaceScoped
from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    AuditedAdmin,
    FindsConflicts,
    Gated,
    ServiceModelAdmin,
    is_superuser,
)
from apps.core.adminkit.service import RowOfPage
from apps.core.unfold import (
    AdminPasswordChangeForm,
    ModelAdmin,
    UserChangeForm,
    UserCreationForm,
    display,
)


class MemberInline(MemberTable):
    """Who belongs to the workspace."""

    model = Membership


@admin.register(Workspace)
class WorkspaceAdmin(WorkspaceScoped, ServiceModelAdmin):
    """A team's own monitors and integrations."""

    workspace_path = "pk"
    add_roles = NOBODY
    change_roles = delete_roles = ADMINS
    list_display = ["name", "member_count"]
    list_filter = [ArchivedFilter]
    ordering = ["name", "id"]
    search_fields = ["name"]
    fields = ["name"]
    inlines = [MemberInline]
    archive_text = (
        "Its monitors and integrations are archived with it: they stop running and what they said is "
        "taken from the pages. Their history is kept."
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        counted: models.QuerySet[Any] = rows.annotate(members=models.Count("memberships"))
        return counted

    @display(description="Members", ordering="members")
    def member_count(self, workspace: Any) -> int:
        return int(workspace.members)

    def write(
        self,
        *,
        request: HttpRequest,
        row: Any,
        form: Any,
        formsets: Sequence[Any],
        is_new: bool,
        actor: Actor,
        at: datetime,
    ) -> Workspace:
        name = form.cleaned_data["name"]
        if is_new:
            workspace = services.create_workspace(name=name, actor=actor, at=at)
        else:
            workspace = services.update_workspace(
                workspace_id=row.pk, name=name, actor=actor, at=at
            )
        services.set_members(
            workspace_id=workspace.pk, roles=roles_in(formsets[0]), actor=actor, at=at
        )
        return workspace

    def archive(self, *, row: Workspace, actor: Actor, at: datetime) -> None:
        services.archive_workspace(workspace_id=row.pk, actor=actor, at=at)


@admin.register(User)
class UserAdmin(  # type: ignore[misc]
    LoginParts,
    FindsConflicts,
    RowOfPage,
    Gated,
    AuditedAdmin,
    DjangoUserAdmin,  # type: ignore[type-arg]
    ModelAdmin,
):
    """People. They are deactivated, not deleted: what they did keeps their name."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    show_full_result_count = False
    list_display = ["username", "full_name", "email", "is_active", "is_staff", "is_superuser"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    list_filter_submit = False
    add_fieldsets = [
        (
            None,
            {
                "fields": ["username", "usable_password", "password1", "password2", "is_staff"],
                "description": (
                    "Staff may log in here. What they see and may do is said by their roles: give these under "
                    "Members, on a workspace's and on a page's screen."
                ),
            },
        )
    ]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "email"]}),
        (
            "Access",
            {
                "fields": ["is_active", "is_staff", "is_superuser"],
                "description": (
                    "Staff may log in here. What they see and may do is said by their roles, in workspaces and on "
                    "pages; superusers may everything."
                ),
            },
        ),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
        FIELDSET,
    ]
    readonly_fields = ["last_login", "date_joined", *FIELDS]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new person is staff unless one says otherwise: nobody else can log in or become a member."""
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    @display(description="Name", ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "–"

    def may_choose(self, request: HttpRequest, screen: Any) -> bool:
        """Whoever manages members somewhere may look for people."""
        manages = isinstance(screen, RoleScoped) and screen.may_anywhere(request, ADMINS)
        return manages or is_superuser(request)

    def narrowed(
        self, request: HttpRequest, rows: models.QuerySet[Any], roles: frozenset[str]
    ) -> models.QuerySet[Any]:
        """Only who may log in becomes a member of anything."""
        return rows.filter(is_active=True, is_staff=True)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        if len(search_term.strip()) < TYPED_FIRST and not is_superuser(request):
            queryset = queryset.none()
        found: tuple[models.QuerySet[Any], bool] = super().get_search_results(
            request, queryset, search_term
        )
        return found

    def choice_label(self, row: Any) -> str:
        return person_label(row)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        names = ["username", "first_name", "last_name"]
        return [*names, "email"] if is_superuser(request) else names

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
