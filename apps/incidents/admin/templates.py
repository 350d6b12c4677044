"""Prepared texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.accounts.roles import EDITORS
from apps.core.actors import Actor
from apps.core.adminkit import ArchivedFilter, DependentSelects, ServiceModelAdmin
from apps.core.unfold import ModelForm, Select, action, display
from apps.incidents import services
from apps.incidents.admin.markdown import MarkdownInput
from apps.incidents.admin.using import PARAMETER
from apps.incidents.filling import variables_in
from apps.incidents.models import IncidentStatus, IncidentTemplate, MaintenanceStatus
from apps.pages.scoping import PageScoped

VARIABLES = (
    "Markdown. {{page}}, {{components}}, {{date}} and {{time}} (now, in the page's zone) are filled in; any other "
    "{{name}} is asked for when the template is used."
)


class TemplateForm(ModelForm):
    """A template with the components that it speaks of."""

    update_status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=[
            ("", "As it stands"),
            ("Incident", IncidentStatus.choices),
            ("Maintenance", MaintenanceStatus.choices),
        ],
        widget=Select,
        help_text="The status that the update gives, one of its kind.",
    )

    class Meta:
        model = IncidentTemplate
        fields = [
            "page",
            "name",
            "kind",
            "title",
            "message",
            "update_status",
            "impact_override",
            "components",
            "component_status",
            "deliver_notifications",
        ]
        labels = {"deliver_notifications": "Notify subscribers"}
        help_texts = {
            "deliver_notifications": "Pages have no subscribers yet: nothing is sent.",
            "title": "The incident's name. Variables as in the message.",
            "message": VARIABLES,
            "impact_override": "Empty: from the components. For a new incident.",
        }
        widgets = {"message": MarkdownInput(attrs={"rows": 6})}


@admin.register(IncidentTemplate)
class IncidentTemplateAdmin(PageScoped, DependentSelects, ServiceModelAdmin):
    """Texts prepared for incidents and maintenance."""

    form = TemplateForm
    list_display = ["name", "page", "kind", "title", "variables"]
    list_filter = ["kind", "page", ArchivedFilter]
    list_select_related = ["page"]
    search_fields = ["name", "title", "page__name"]
    autocomplete_fields = ["page", "components"]
    dependent_fields = {"components": {"page": "page_id"}}
    actions_detail = ["use", "archive_row"]
    error_fields = {"page_id": "page"}
    archive_text = "It is offered no more. Incidents that were written with it stay as they are."
    fieldsets = [
        (None, {"fields": ["page", "name", "kind"]}),
        ("What readers get", {"fields": ["title", "message", "update_status", "impact_override"]}),
        ("Components", {"fields": ["components", "component_status"]}),
        ("Subscribers", {"fields": ["deliver_notifications"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["page"] if obj else []

    @display(description="Variables asked for")
    def variables(self, template: IncidentTemplate) -> str:
        return ", ".join(variables_in(template.title, template.message)) or "–"

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
    ) -> IncidentTemplate:
        values = dict(form.cleaned_data)
        components = [component.pk for component in values.pop("components")]
        page = values.pop("page", None)
        if is_new:
            return services.create_template(
                page_id=page.pk, component_ids=components, actor=actor, at=at, **values
            )
        return services.update_template(
            template_id=row.pk, component_ids=components, actor=actor, at=at, **values
        )

    def archive(self, *, row: IncidentTemplate, actor: Actor, at: datetime) -> None:
        services.archive_template(template_id=row.pk, actor=actor, at=at)

    @action(description="Write with it", permissions=["use"], url_path="use", icon="report")
    def use(self, request: HttpRequest, object_id: str) -> HttpResponse:
        template = self.get_row(request, object_id)
        is_work = template.kind == IncidentTemplate.Kind.MAINTENANCE
        url = reverse(f"admin:incidents_{'maintenance' if is_work else 'incident'}_add")
        return HttpResponseRedirect(f"{url}?{PARAMETER}={template.public_id}")

    def has_use_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        template = self.row_of_page(request, object_id)
        return (
            template is not None
            and not template.is_archived
            and self.may(request, template, EDITORS)
        )
