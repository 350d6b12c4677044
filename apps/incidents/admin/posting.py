"""Post the next update: with a template if wanted, and without overwriting a colleague's step."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.core.adminkit import actor_of
from apps.core.errors import Conflict, DomainError
from apps.core.markdown import render
from apps.incidents import services
from apps.incidents.admin import using
from apps.incidents.admin.forms import UpdateForm, said_in
from apps.incidents.admin.inlines import said_by
from apps.incidents.admin.screens import Button, done, refuse, show
from apps.incidents.admin.times import in_zone
from apps.incidents.models import Incident, IncidentTemplate, IncidentUpdate
from apps.pages.models import Component

TEXT = (
    "Readers see it at once. Resolving ends what the incident says about components; any other status "
    "reopens a resolved one."
)
MEANWHILE = "Somebody posted meanwhile. Nothing of yours was posted, and nothing is lost: read it, then post again."


def post_update(request: HttpRequest, *, model_admin: Any, incident: Incident) -> HttpResponse:
    """Show the form; on POST publish. A colleague's step in between is shown, and what was typed stays (409)."""
    template = using.chosen(request, page_id=incident.page_id)
    components = _offered(incident)
    form_class = UpdateForm.for_components(
        components,
        using.variable_fields(template, template.message if template else ""),
        incident.page.time_zone,
    )
    if request.method != "POST":
        initial = _initial(incident, template)
        return _show(request, model_admin, incident, template, form_class(initial=initial))
    form = form_class(data=request.POST)
    news: list[IncidentUpdate] = []
    if form.is_valid():
        try:
            update = _post(request, incident, form.cleaned_data, template)
        except Conflict as refusal:
            if refusal.code != "sequence_moved":
                refuse(form, refusal)
            else:
                seen = form.cleaned_data["sequence"]
                news = list(incident.updates.filter(sequence__gt=seen).order_by("sequence"))
                form = _going_on(form_class, request, news[-1].sequence if news else seen)
        except DomainError as refusal:
            refuse(form, refusal, {"components": ""})
        else:
            return done(request, incident, f"Posted: {update.get_status_display()}.")
    return _show(request, model_admin, incident, template, form, news=news, status=409)


def _offered(incident: Incident) -> list[Component]:
    """Return the page's components and those that the incident affects, these first."""
    affected = list(incident.affected.values_list("component_id", flat=True))
    on_page = models.Q(archived_at__isnull=True, page=incident.page_id)
    components = list(
        Component.objects.filter(on_page | models.Q(pk__in=affected)).select_related("group")
    )
    components.sort(key=lambda component: component.pk not in affected)
    return components


def _initial(incident: Incident, template: IncidentTemplate | None) -> dict[str, Any]:
    initial: dict[str, Any] = {"status": incident.status, "sequence": incident.last_sequence}
    if template is None:
        return initial
    initial |= {
        "status": template.update_status or incident.status,
        "message": template.message,
        "deliver_notifications": template.deliver_notifications,
    }
    if template.component_status:
        said = template.components.values_list("pk", flat=True)
        initial |= {f"component_{pk}": template.component_status for pk in said}
    return initial


def _post(
    request: HttpRequest,
    incident: Incident,
    data: dict[str, Any],
    template: IncidentTemplate | None,
) -> IncidentUpdate:
    at = timezone.now()
    said = said_in(data)
    message = data["message"]
    if template is not None:
        named = said or dict(incident.affected.values_list("component_id", "status"))
        _, message = services.fill_texts(
            page=incident.page, component_ids=list(named), texts=using.texts_in(data), at=at
        )
    return services.post_update(
        incident_id=incident.pk,
        status=data["status"],
        message=message,
        components=said,
        expected_sequence=data["sequence"],
        display_at=data["display_at"],
        deliver_notifications=data["deliver_notifications"],
        actor=actor_of(request),
        at=at,
    )


def _going_on(form_class: type[UpdateForm], request: HttpRequest, sequence: int) -> UpdateForm:
    """Return the form with all that was typed, after the update that is the latest now."""
    data = request.POST.copy()
    data["sequence"] = str(sequence)
    form = form_class(data=data)
    form.add_error(None, MEANWHILE)
    return form


def _show(
    request: HttpRequest,
    model_admin: Any,
    incident: Incident,
    template: IncidentTemplate | None,
    form: UpdateForm,
    *,
    news: list[IncidentUpdate] | None = None,
    status: int = 200,
) -> HttpResponse:
    return show(
        request,
        model_admin,
        incident,
        title=f"Post an update to {incident}",
        text=TEXT,
        form=form,
        buttons=(Button("post", "Post update"),),
        status=status,
        picker=using.picker(template, page_id=incident.page_id),
        posted_meanwhile=[
            {
                "by": said_by(one),
                "label": one.get_status_display(),
                "at": in_zone(one.display_at, incident.page.time_zone),
                "body": render(one.body) if one.body else "",
            }
            for one in news or ()
        ],
    )
