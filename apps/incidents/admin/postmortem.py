"""Write, preview, publish and take back a post-mortem."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.core.adminkit import actor_of
from apps.core.errors import DomainError
from apps.core.markdown import render
from apps.incidents import services
from apps.incidents.admin.forms import PostmortemForm
from apps.incidents.admin.screens import Button, done, refuse, show
from apps.incidents.admin.times import in_zone
from apps.incidents.models import Incident, Postmortem
from apps.incidents.selectors import postmortem_of

TEXT = (
    "What was learnt. A draft is seen by staff only. Should the incident be reopened, a published one becomes a "
    "draft again."
)


def edit_postmortem(request: HttpRequest, *, model_admin: Any, incident: Incident) -> HttpResponse:
    """Show the draft; on POST do what the pressed button says. A preview stores nothing."""
    row = postmortem_of(incident)
    if request.method != "POST":
        initial: dict[str, Any] = {"body": row.draft if row else ""}
        if row is not None:
            initial["deliver_notifications"] = row.deliver_notifications
        return _show(request, model_admin, incident, row, PostmortemForm(initial=initial))
    form = PostmortemForm(data=request.POST)
    form.is_valid()
    wish = request.POST.get("do", "")
    if wish == "preview":
        return _show(request, model_admin, incident, row, form, preview=form.cleaned_data["body"])
    try:
        sentence = _do(request, incident, wish, form.cleaned_data)
    except DomainError as refusal:
        refuse(form, refusal)
        return _show(request, model_admin, incident, row, form, status=409)
    return done(request, incident, sentence)


def _do(request: HttpRequest, incident: Incident, wish: str, data: dict[str, Any]) -> str:
    who: dict[str, Any] = {
        "incident_id": incident.pk,
        "actor": actor_of(request),
        "at": timezone.now(),
    }
    if wish == "revert":
        services.revert_postmortem(**who)
        return "The post-mortem is a draft again; readers do not see it any more."
    if wish == "delete":
        services.delete_postmortem(**who)
        return "The post-mortem is deleted."
    if wish == "publish":
        services.publish_postmortem(
            body=data["body"], deliver_notifications=data["deliver_notifications"], **who
        )
        return "The post-mortem is published."
    services.save_postmortem(body=data["body"], **who)
    return "The draft is kept."


def _show(
    request: HttpRequest,
    model_admin: Any,
    incident: Incident,
    row: Postmortem | None,
    form: PostmortemForm,
    *,
    preview: str = "",
    status: int = 200,
) -> HttpResponse:
    published = row is not None and row.is_published
    buttons = [
        Button("save", "Keep as draft", "default" if preview else "primary"),
        Button("preview", "Preview", "default"),
        Button("publish", "Publish again" if published else "Publish", "default"),
    ]
    if published:
        buttons.append(Button("revert", "Take back to draft", "default"))
    if row is not None:
        buttons.append(Button("delete", "Delete", "danger"))
    shown_now = None
    if row is not None and row.published_at is not None:
        zone = incident.page.time_zone
        title = f"Readers see this since {in_zone(row.published_at, zone)}"
        shown_now = {"title": title, "body": render(row.body)}
    return show(
        request,
        model_admin,
        incident,
        title=f"Post-mortem of {incident}",
        text=TEXT,
        form=form,
        buttons=tuple(buttons),
        status=status,
        shown_now=shown_now,
        preview=render(preview) if preview else "",
    )
