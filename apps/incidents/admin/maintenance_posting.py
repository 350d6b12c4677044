"""Post the next update of a maintenance: with a template if wanted."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.core.adminkit import actor_of
from apps.core.errors import DomainError
from apps.incidents import services
from apps.incidents.admin import using
from apps.incidents.admin.maintenance_forms import UpdateForm, said_in
from apps.incidents.admin.screens import Button, done, refuse, show
from apps.incidents.models import IncidentTemplate, Maintenance, MaintenanceUpdate
from apps.pages.models import Component

KIND = IncidentTemplate.Kind.MAINTENANCE
TEXT = "Readers see it at once. While it is in progress or being verified, its components are under maintenance."


def post_update(
    request: HttpRequest, *, model_admin: Any, maintenance: Maintenance
) -> HttpResponse:
    """Show the form; on POST publish. The form shows an update that came in between, and keeps what was typed (409)."""
    page_id = maintenance.page_id
    template = using.chosen(request, page_id=page_id, kind=KIND)
    form_class = UpdateForm.for_maintenance(
        maintenance,
        _offered(maintenance),
        using.variable_fields(template, template.message if template else ""),
    )
    posted = request.method == "POST"
    form = form_class(
        data=request.POST if posted else None, initial=_initial(maintenance, template, form_class)
    )
    if posted and form.is_valid():
        try:
            update = _post(request, maintenance, form.cleaned_data, template)
        except DomainError as refusal:
            refuse(form, refusal, {"components": ""})
        else:
            return done(request, maintenance, f"Posted: {update.get_status_display()}.")
    return show(
        request,
        model_admin,
        maintenance,
        title=f"Post an update to {maintenance}",
        text=TEXT,
        form=form,
        buttons=(Button("post", "Post update"),),
        status=409 if posted else 200,
        picker=using.picker(template, page_id=page_id, kind=KIND),
    )


def _offered(maintenance: Maintenance) -> list[Component]:
    """Return the page's components and those that it covers, these first."""
    covered = list(maintenance.affected.values_list("component_id", flat=True))
    on_page = models.Q(archived_at__isnull=True, page=maintenance.page_id)
    components = list(
        Component.objects.filter(on_page | models.Q(pk__in=covered)).select_related("group")
    )
    components.sort(key=lambda component: component.pk not in covered)
    return components


def _initial(
    maintenance: Maintenance, template: IncidentTemplate | None, form_class: type[UpdateForm]
) -> dict[str, Any]:
    """Return what the form begins with; of a template's statuses those that can be said now."""
    initial: dict[str, Any] = {"sequence": maintenance.last_sequence}
    if template is None:
        return initial
    said: dict[str, str] = {"status": template.update_status}
    for pk in template.components.values_list("pk", flat=True):
        said[f"component_{pk}"] = template.component_status
    for name, value in said.items():
        field = form_class.base_fields.get(name)
        if field is not None and field.valid_value(value):  # type: ignore[attr-defined]  # each is a ChoiceField
            initial[name] = value
    return initial | {
        "message": template.message,
        "deliver_notifications": template.deliver_notifications,
    }


def _post(
    request: HttpRequest,
    maintenance: Maintenance,
    data: dict[str, Any],
    template: IncidentTemplate | None,
) -> MaintenanceUpdate:
    at = timezone.now()
    said = said_in(data)
    message = data["message"]
    if template is not None:
        named = said or maintenance.affected.values_list("component_id", flat=True)
        _, message = services.fill_texts(
            page=maintenance.page, component_ids=list(named), texts=using.texts_in(data), at=at
        )
    return services.post_maintenance_update(
        maintenance_id=maintenance.pk,
        status=data["status"] or None,
        message=message,
        components=said,
        expected_sequence=data["sequence"],
        stays_automated=data["stays_automated"],
        deliver_notifications=data["deliver_notifications"],
        actor=actor_of(request),
        at=at,
    )
