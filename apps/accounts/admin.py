"""Workspaces with their members, people and groups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest

from apps.accounts import services
from apps.accounts.models import Membership, User, Workspace
from apps.accounts.selectors import for_user
from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    AuditedAdmin,
    PartTable,
    ServiceModelAdmin,
    kept_forms,
)
from apps.core.unfold import (
    AdminPasswordChangeForm,
    ModelAdmin,
    UserChangeForm,
    UserCreationForm,
    display,
)


class MemberInline(PartTable):
    """Who belongs to the workspace."""

    model = Membership
    error_path = "members"
    fields = ["user", "role"]
    autocomplete_fields = ["user"]
    verbose_name = "member"
    verbose_name_plural = "members"


@admin.register(Workspace)
class WorkspaceAdmin(ServiceModelAdmin):
    """A team's own monitors and integrations."""

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
        if not request.user.is_superuser:
            rows = rows.filter(pk__in=for_user(request.user))  # type: ignore[arg-type]
        counted: models.QuerySet[Any] = rows.annotate(members=models.Count("memberships"))
        return counted

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        row = self.row_of_page(request, obj) if isinstance(obj, str) else obj
        if not super().has_change_permission(request, row):
            return False
        if not isinstance(row, Workspace) or request.user.is_superuser:
            return True
        owned = for_user(request.user, roles=frozenset({Membership.Role.OWNER.value}))  # type: ignore[arg-type]
        return owned.filter(pk=row.pk).exists()

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
        roles = {
            part.cleaned_data["user"].pk: part.cleaned_data["role"]
            for part in kept_forms(formsets[0])
        }
        services.set_members(workspace_id=workspace.pk, roles=roles, actor=actor, at=at)
        return workspace

    def archive(self, *, row: Workspace, actor: Actor, at: datetime) -> None:
        services.archive_workspace(workspace_id=row.pk, actor=actor, at=at)


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg,misc]
    """People. They are deactivated, not deleted: what they did keeps their name."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    show_full_result_count = False
    list_display = ["username", "full_name", "email", "is_active", "is_staff", "is_superuser"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]
    list_filter_submit = False
    add_fieldsets = [
        (
            None,
            {
                "fields": ["username", "usable_password", "password1", "password2"],
                "description": "Give them workspaces and permissions after the first save.",
            },
        )
    ]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "email"]}),
        (
            "Access",
            {
                "fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"],
                "description": "Staff may log in here. They see the workspaces that they are members of.",
            },
        ),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    readonly_fields = ["last_login", "date_joined"]

    @display(description="Name", ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        if request.user.is_superuser:
            return fields
        # Whoever manages people must not give themselves more than they have.
        return [*fields, "is_superuser", "groups", "user_permissions"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(AuditedAdmin, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Named sets of permissions."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    has_add_permission = has_change_permission
    has_delete_permission = has_change_permission
