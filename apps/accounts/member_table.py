"""The members of a workspace or a page, as a table in its form."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.roles import ADMINS
from apps.accounts.scoping import RoleScoped
from apps.core.adminkit import DependentSelects, PartTable, kept_forms
from apps.core.unfold import ModelForm, Select, display

TYPED_FIRST = 2


class MemberForm(ModelForm):
    """A member. Who it is stays; to replace somebody, remove them and add the other."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user: Any = self.fields.get("user")
        if user is None:
            return  # Read only: there is nothing to fill in.
        user.label_from_instance = person_label
        # Nobody reads through the list of people: two letters are asked for.
        user.widget.attrs["data-minimum-input-length"] = str(TYPED_FIRST)
        # The theme's tables name their columns, and no field.
        user.widget.attrs["aria-label"] = "User"
        self.fields["role"].widget.attrs["aria-label"] = "Role"
        if self.instance.pk is not None:
            user.queryset = User.objects.filter(pk=self.instance.user_id)
            user.disabled = True
            user.widget = Select(attrs={"aria-label": "User"})
            # Named here: a select that asks would ask once for each row.
            user.choices = [(self.instance.user_id, person_label(self.instance.user))]


class MemberTable(DependentSelects, PartTable):
    """Who belongs to the row. Its admins change it; who sees the row sees whom to ask."""

    form = MemberForm
    error_path = "members"
    readonly_fields = ["person"]
    hide_title = True
    autocomplete_fields = ["user"]
    ordering = ["user__username"]
    verbose_name = "member"
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        scope = str(self.parent_model._meta.model_name)
        return super().get_queryset(request).select_related("user", scope)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # A name, and no link: the screen of a person is for superusers.
        return ["user" if self.has_change_permission(request, obj) else "person", "role"]

    @display(description="User")
    def person(self, member: Any) -> str:
        return person_label(member.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.may_manage(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and self.may_manage(request, obj)

    def may_manage(self, request: HttpRequest, obj: Any) -> bool:
        """Tell whether the person may change the members of the row; of a new one who may add it does."""
        screen: RoleScoped = self._parent()
        return obj is None or obj.pk is None or screen.may(request, obj, ADMINS)


def roles_in(formset: Any) -> dict[int, str]:
    """Return {user's key: role} as the table of members says."""
    return {part.cleaned_data["user"].pk: part.cleaned_data["role"] for part in kept_forms(formset)}


def person_label(user: User) -> str:
    """Return how selects name a person: no address, no more than is needed to tell who it is."""
    name = user.get_full_name()
    return f"{name} ({user.get_username()})" if name else user.get_username()
