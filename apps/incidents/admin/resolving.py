"""Resolve an incident with one confirmation, which shows what becomes of its components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from apps.core.adminkit import tag
from apps.core.errors import Conflict, DomainError
from apps.incidents.admin import access
from apps.incidents.admin.compose.forms import full_name, notify
from apps.incidents.admin.compose.incidents import resolution
from apps.incidents.admin.markdown import MarkdownField
from apps.incidents.admin.screens import MEDIA, address, refuse
from apps.incidents.admin.submitting import answer, submit
from apps.incidents.admin.timeline import Told, timeline_of, told
from apps.incidents.filling import listed
from apps.incidents.models import Draft, Incident
from apps.pages.models import StatusContribution
from apps.pages.status import ComponentStatus, Opinion, derive

TEMPLATE = "admin/incidents/resolve.html"
SOURCE = StatusContribution.Source.INCIDENT
MEANWHILE = "Somebody posted meanwhile. Nothing of yours was posted, and nothing is lost: read it, then resolve again."


class ResolveForm(forms.Form):
    """The last text."""

    message = MarkdownField(rows=4)
    deliver_notifications = notify()
    sequence = forms.IntegerField(widget=forms.HiddenInput)


@dataclass(frozen=True, slots=True)
class After:
    """A component: its status now, the one that it comes to, and who keeps it from being operational."""

    name: str
    now: SafeString
    then: SafeString
    why: str


def resolve(request: HttpRequest, *, model_admin: Any, incident: Incident) -> HttpResponse:
    """Ask once, then post the last update: every component that it affects is operational to it."""
    posted = request.method == "POST"
    form = ResolveForm(
        data=request.POST if posted else None,
        initial={"message": default_text(incident), "sequence": incident.last_sequence},
    )
    news: list[Told] = []
    if posted and form.is_valid():
        data = form.cleaned_data
        try:
            outcome = submit(
                request,
                page=incident.page,
                kind=Draft.Kind.POST_UPDATE,
                asked=resolution(
                    incident,
                    data["message"],
                    deliver_notifications=data["deliver_notifications"],
                ),
                event=incident,
                expected_sequence=data["sequence"],
            )
        except Conflict as refusal:
            if refusal.code == "sequence_moved":
                incident.refresh_from_db()
                since = incident.updates.filter(sequence__gt=data["sequence"]).order_by("sequence")
                news = [told(row, incident.page.time_zone) for row in since[:20]]
                again = request.POST.copy()
                again["sequence"] = str(incident.last_sequence)
                form = ResolveForm(data=again)
                form.add_error(None, MEANWHILE)
            else:
                refuse(form, refusal)
        except DomainError as refusal:
            refuse(form, refusal)
        else:
            return answer(request, outcome, f"{incident} is resolved.")
    waits = access.waits(request, incident.page)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": incident,
        "title": f"Resolve {incident}?",
        "form": form,
        "rows": afterwards(incident),
        "button": "Ask for approval" if waits else "Resolve",
        "waits": waits,
        "news": news,
        "timeline": timeline_of(incident),
        "media": model_admin.media + form.media + MEDIA,
        "back": address(incident),
    }
    return TemplateResponse(request, TEMPLATE, context, status=409 if posted else 200)


def default_text(incident: Incident) -> str:
    """Return a good last sentence, which names what readers see of its components."""
    rows = incident.affected.filter(
        component__hidden=False, component__page=incident.page_id
    ).select_related("component")
    names = [row.component.name for row in rows]
    if not names:
        return "This incident is resolved."
    verb = "is" if len(names) == 1 else "are"
    return f"This incident is resolved. {listed(names)} {verb} operational again."


def afterwards(incident: Incident) -> list[After]:
    """Return what each affected component comes to once the incident says no more. Three queries."""
    affected = list(incident.affected.select_related("component__group"))
    held = StatusContribution.objects.filter(
        component__in=[row.component_id for row in affected]
    ).order_by("pk")
    others: dict[int, list[StatusContribution]] = {}
    for one in held:
        if (one.source, one.key) != (SOURCE, incident.public_id):
            others.setdefault(one.component_id, []).append(one)
    return [_after(row.component, others.get(row.component_id, [])) for row in affected]


def _after(component: Any, held: list[StatusContribution]) -> After:
    opinions = [Opinion(one.source, one.key, one.status, one.muted, one.label) for one in held]
    derived = derive(opinions)
    sources = dict(StatusContribution.Source.choices)
    saying = [
        f"{sources[one.opinion.source]} {one.opinion.label}".strip()
        for one in derived.explained
        if one.role == "decides" and derived.status != ComponentStatus.OPERATIONAL
    ]
    return After(
        name=full_name(component),
        now=tag(component.status, component.get_status_display()),
        then=tag(derived.status, str(ComponentStatus(derived.status).label)),
        why=f"still said by {listed(saying)}" if saying else "",
    )
