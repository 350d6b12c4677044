"""A maintenance announced with a template: its texts, components and switches are filled in, its variables asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.forms import Field
from django.http import HttpRequest, HttpResponse

from apps.core.errors import Invalid
from apps.incidents.admin import using
from apps.incidents.admin.maintenance_parts import CoveredInline
from apps.incidents.models import IncidentTemplate
from apps.incidents.services import fill_texts

KIND = IncidentTemplate.Kind.MAINTENANCE


class FromTemplate:
    """Mixin for the maintenance's ModelAdmin: the form of a new one begins with the template that its address names."""

    change_form_outer_before_template = "admin/incidents/pick_for_new.html"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)  # type: ignore[misc]
        template = self.template_of(request)
        if template is None:
            return initial
        return initial | {
            "page": template.page_id,
            "name": template.title,
            "message": template.message,
            "deliver_notifications": template.deliver_notifications,
        }

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: Any, prefix: str
    ) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)  # type: ignore[misc]
        is_new = obj is None or obj.pk is None
        if isinstance(inline, CoveredInline) and is_new and request.method == "GET":
            kwargs["initial"] = [{"component": pk} for pk in self._covered(request)]
        return kwargs

    def get_formsets_with_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        for formset, inline in super().get_formsets_with_inlines(request, obj):  # type: ignore[misc]
            if isinstance(inline, CoveredInline) and obj is None:
                formset.extra = len(self._covered(request))
            yield formset, inline

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        picker = using.picker(self.template_of(request), kind=KIND)
        answer: HttpResponse = super().add_view(  # type: ignore[misc]
            request, form_url, {**(extra_context or {}), "picker": picker}
        )
        return answer

    def template_of(self, request: HttpRequest) -> IncidentTemplate | None:
        """Return the template that the address names, read once per request."""
        known = request.__dict__
        if "console_template" not in known:
            known["console_template"] = using.chosen(request, kind=KIND)
        template: IncidentTemplate | None = known["console_template"]
        return template

    def variables(self, request: HttpRequest) -> dict[str, Field]:
        """Return a field for each variable that its texts ask for."""
        template = self.template_of(request)
        texts = (template.title, template.message) if template else ()
        return using.variable_fields(template, *texts)

    def filled(
        self, request: HttpRequest, data: dict[str, Any], components: Sequence[int], at: datetime
    ) -> tuple[str, str]:
        """Return name and message; with a template its variables are filled in, `{{date}}` and `{{time}}` at `at`."""
        template = self.template_of(request)
        page = data["page"]
        if template is None:
            return data["name"], data["message"]
        if template.page_id != page.pk:
            text = f"the template is for {template.page}; pick another"
            raise Invalid("invalid", text, field="page")
        texts = using.texts_in(data)
        return fill_texts(page=page, component_ids=components, texts=texts, at=at)

    def _covered(self, request: HttpRequest) -> list[int]:
        template = self.template_of(request)
        if template is None:
            return []
        rows = template.components.filter(archived_at__isnull=True, page=template.page_id)
        return list(rows.order_by("position", "name", "pk").values_list("pk", flat=True))
