"""Selects whose choices depend on another field of the form, on Django's own autocomplete.

`dependent_fields` maps a child field to {parent form field: lookup on the child's model}. The browser sends the
parents' present values (static/console/dependent.js); which lookup they mean is found on the server only.
This is comfort: the form's `clean` checks the same relation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest

from apps.core.adminkit.access import Gated

Lookups = Mapping[str, str]


class DependentSelects:
    """Mixin for a ModelAdmin or an inline with `autocomplete_fields`.

    `dependent_parts` declares the same for selects of other models that its form holds: {model: {field: …}}.
    """

    dependent_fields: Mapping[str, Lookups] = {}
    dependent_parts: Mapping[type[models.Model], Mapping[str, Lookups]] = {}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        parents = self.dependent_fields.get(db_field.name)
        if field is not None and parents:
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs["data-depends-on"] = " ".join(parents)
        return field

    @property
    def media(self) -> forms.Media:
        media: forms.Media = super().media  # type: ignore[misc]
        return media + forms.Media(js=["console/dependent.js"])


class DependentAutocompleteView(AutocompleteJsonView):
    """Django's view, narrowed to live rows, to what the person may choose, and to the parents' values."""

    def has_perm(self, request: HttpRequest, obj: Any = None) -> bool:
        screen = self._screen()
        target: Any = self.model_admin
        if not isinstance(target, Gated):
            return bool(target.has_view_permission(request, obj))
        return screen is not None and target.may_choose(request, screen)

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        found: dict[str, str] = super().serialize_result(obj, to_field_name)
        target: Any = self.model_admin
        return {**found, "text": target.choice_label(obj)} if isinstance(target, Gated) else found

    def get_queryset(self) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset()
        target, screen = self.model_admin, self._screen()
        if isinstance(target, Gated) and isinstance(screen, Gated):
            rows = target.narrowed(self.request, rows, screen.choosing_roles(self.request))
        if any(field.name == "archived_at" for field in rows.model._meta.fields):
            rows = rows.filter(archived_at__isnull=True)
        source: Any = self.source_field
        lookups = lookups_of(self.admin_site, source.model, source.name)  # type: ignore[arg-type]
        for parent, lookup in lookups.items():
            value = self.request.GET.get(f"dep_{parent}", "")
            if not value:
                return rows.none()
            try:
                rows = rows.filter(**{lookup: value})
            except (ValueError, TypeError, ValidationError):
                return rows.none()
        return rows

    def _screen(self) -> Any:
        source: Any = self.source_field
        return screen_of(self.admin_site, source.model)  # type: ignore[arg-type]


def screen_of(site: AdminSite, model: type[models.Model]) -> Any:
    """Return the ModelAdmin in whose form rows of the model are written, by itself or as parts; None for none."""
    registered = site._registry.get(model)
    if registered is not None:
        return registered
    for model_admin in site._registry.values():
        parts = {inline.model for inline in model_admin.inlines}
        if model in parts | set(getattr(model_admin, "dependent_parts", {})):
            return model_admin
    return None


def lookups_of(site: AdminSite, model: type[models.Model], field: str) -> Lookups:
    """Return {parent field: lookup} that some screen of the site declares for the field."""
    for model_admin in site._registry.values():
        for screen in (model_admin, *model_admin.inlines):
            declared: Any = getattr(screen, "dependent_parts", {}).get(model, {})
            if getattr(screen, "model", None) is model:
                declared = getattr(screen, "dependent_fields", {}) or declared
            if field in declared:
                found: Lookups = declared[field]
                return found
    return {}
