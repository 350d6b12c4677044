"""The rows of “Link monitor to component”."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.forms.utils import ErrorDict
from django.http import HttpRequest

from apps.core.adminkit import DependentSelects, PartTable
from apps.core.unfold import InlineFormSet
from apps.integrations.admin.plain import is_plain, list_choices
from apps.integrations.belonging import COMPONENT
from apps.integrations.models import ComponentLink

SWITCH = "link_on"
NO_COMPONENT = COMPONENT.message


class LinkFormSet(InlineFormSet):
    """Rows that matter while their switch is on. Then at least one of them has to be filled in."""

    @property
    def is_on(self) -> bool:
        """Whether the action was chosen in what was sent."""
        data: Any = self.data
        return bool(data.get(SWITCH))

    def full_clean(self) -> None:
        super().full_clean()
        if not self.is_bound:
            return
        if not self.is_on:
            self._forget_errors()
        elif not any(map(self._counts, self.forms)):
            self._ask_for_one()

    def _counts(self, form: Any) -> bool:
        return not self._is_marked(form) and bool(
            form.has_changed() or form.instance.pk is not None
        )

    def _is_marked(self, form: Any) -> bool:
        return bool(self.can_delete and self._should_delete_form(form))  # type: ignore[attr-defined]

    def _ask_for_one(self) -> None:
        """Refuse a switch without a component; where the last ones were taken away, the action goes with them."""
        if any(self._is_marked(form) and form.instance.pk is not None for form in self.forms):
            return
        for form in self.forms:
            if not self._is_marked(form):
                form.add_error("component", NO_COMPONENT)
                return
        self._non_form_errors = self.error_class([NO_COMPONENT])

    def _forget_errors(self) -> None:
        for form in self.forms:
            form._errors = ErrorDict()
            if not hasattr(form, "cleaned_data"):
                form.cleaned_data = {}
        self._errors = [form._errors for form in self.forms]
        self._non_form_errors = self.error_class()


class LinkInline(DependentSelects, PartTable):
    """Link monitor to component."""

    model = ComponentLink
    formset = LinkFormSet
    error_path = "link_components"
    template = "admin/integrations/links.html"
    fields = ["component", "success_status", "failure_status"]
    autocomplete_fields = ["component"]
    dependent_fields = {"component": {"page": "page_id"}}
    verbose_name = "component"
    verbose_name_plural = "link monitor to component"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.filter(archived_at__isnull=True).select_related("component")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """One empty row, so that a component can be added without scripts too; and those of a copy."""
        return 1 + len(getattr(request, "copied_links", ()))

    def get_autocomplete_fields(self, request: HttpRequest) -> Any:
        return [] if is_plain(request) else super().get_autocomplete_fields(request)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        fields = formset.form.base_fields
        component = fields.get("component")
        if component is None:
            return formset  # Read only.
        for allowed in ("can_add_related", "can_change_related", "can_view_related"):
            setattr(component.widget, allowed, False)
        if is_plain(request):
            list_choices(component, group="page")
        for name, label in (
            ("success_status", "Component success status"),
            ("failure_status", "Component failure status"),
        ):
            fields[name].label = label
        return formset
