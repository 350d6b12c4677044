"""Who may do what on a screen. Django's model permissions decide nothing here."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse


class Gated:
    """Mixin before ModelAdmin: `allows` decides. Superusers may everything; scoping mixins let in others."""

    admin_site: Any

    def allows(self, request: HttpRequest, what: str, row: Any = None) -> bool:
        """Tell whether the person may `view`, `add`, `change` or `delete` the row; without one, any row at all."""
        return is_superuser(request)

    def narrowed(
        self, request: HttpRequest, rows: models.QuerySet[Any], roles: frozenset[str]
    ) -> models.QuerySet[Any]:
        """Return those of the rows where the person has one of the roles: the choices of another screen's form."""
        return rows

    def choosing_roles(self, request: HttpRequest) -> frozenset[str]:
        """Return the roles that a person needs at a row to choose it in this screen's form."""
        return frozenset()

    def may_choose(self, request: HttpRequest, screen: Any) -> bool:
        """Tell whether the person may look for these rows in a select of the other screen."""
        return self.allows(request, "view")

    def choice_label(self, row: models.Model) -> str:
        """Return how such a select names the row."""
        return str(row)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        return limited(field, db_field, request, self)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
        return limited(field, db_field, request, self)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._allows_named(request, "view", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.allows(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._allows_named(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._allows_named(request, "delete", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.allows(request, "view")

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show the row's history; to who sees no row of the kind all keys are alike."""
        if not self.allows(request, "view"):
            raise PermissionDenied
        history: HttpResponse = super().history_view(request, object_id, extra_context)  # type: ignore[misc]
        return history

    def _allows_named(self, request: HttpRequest, what: str, obj: Any) -> bool:
        if not isinstance(obj, str | int):
            return self.allows(request, what, obj)
        # The theme asks for its actions with the key in the address.
        screen: Any = self
        row = screen.row_of_page(request, obj)
        return row is not None and self.allows(request, what, row)


def limited(field: Any, db_field: Any, request: HttpRequest, screen: Gated) -> Any:
    """Return the form field of a relation with the choices that the person may choose on the screen."""
    target = screen.admin_site._registry.get(db_field.remote_field.model)
    if field is not None and isinstance(target, Gated):
        field.queryset = target.narrowed(request, field.queryset, screen.choosing_roles(request))
    return field


def is_superuser(request: HttpRequest) -> bool:
    """Tell whether the person is a superuser who may log in here."""
    user: Any = request.user
    return bool(user.is_active and user.is_staff and user.is_superuser)
