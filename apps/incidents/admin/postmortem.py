"""Write, preview, publish and take back a post-mortem."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from apps.core.adminkit import Confirmation, actor_of
from apps.core.errors import DomainError
from apps.core.markdown import render
from apps.incidents import services
from apps.incidents.admin import access
from apps.incidents.admin.forms import PostmortemForm
from apps.incidents.admin.screens import Button, address, done, refuse, show
from apps.incidents.admin.submitting import answer, submit
from apps.incidents.admin.times import in_zone
from apps.incidents.drafting import digest_of_text
from apps.incidents.models import Draft, Incident, Postmortem
from apps.incidents.selectors import postmortem_of

PUBLISHED = "The post-mortem is published."
TEXT = (
    "What was learnt. A draft is seen by staff only. Should the incident be reopened, a published one becomes a "
    "draft again."
)


def edit_postmortem(request: HttpRequest, *, model_admin: Any, incident: Incident) -> HttpResponse:
    """Show the draft; on POST do what the pressed button says. A preview stores nothing."""
    row = postmortem_of(incident)
    if request.method != "POST":
        text = row.draft if row else ""
        initial: dict[str, Any] = {"body": text, "seen": digest_of_text(text)}
        if row is not None:
            initial["deliver_notifications"] = row.deliver_notifications
        return _show(request, model_admin, incident, row, PostmortemForm(initial=initial))
    form = PostmortemForm(data=request.POST)
    form.is_valid()
    wish = request.POST.get("do", "")
    if wish == "preview":
        return _show(request, model_admin, incident, row, form, preview=form.cleaned_data["body"])
    if wish in ("publish", "revert") and not access.may_publish(request, incident.page):
        raise PermissionDenied
    try:
        if wish == "publish":
            return answer(request, _publish(request, incident, form.cleaned_data), PUBLISHED)
        sentence = _do(request, incident, wish, form.cleaned_data)
    except DomainError as refusal:
        if refusal.code == "text_moved":
            row = postmortem_of(incident)
            text = row.draft if row else ""
            again = form.once_more(text)
            return _show(request, model_admin, incident, row, again, theirs=text, status=409)
        refuse(form, refusal)
        return _show(request, model_admin, incident, row, form, status=409)
    return done(request, incident, sentence)


def delete_postmortem(
    request: HttpRequest, *, model_admin: Any, incident: Incident
) -> HttpResponse:
    """Ask, then delete it."""
    row = postmortem_of(incident)
    if row is None:
        raise Http404("There is no post-mortem.")

    def run(_: dict[str, Any]) -> str:
        services.delete_postmortem(
            incident_id=incident.pk, actor=actor_of(request), at=timezone.now()
        )
        return "The post-mortem is deleted."

    public = "Readers do not see it any more. " if row.is_published else "Readers never saw it. "
    return Confirmation(
        title=f"Delete the post-mortem of {incident}?",
        text=f"{public}It cannot be taken back; the audit trail keeps the text.",
        button="Delete",
        run=run,
        is_dangerous=True,
    ).respond(request, model_admin=model_admin, row=incident)


def _publish(request: HttpRequest, incident: Incident, data: dict[str, Any]) -> services.Outcome:
    asked = {name: data[name] for name in ("body", "deliver_notifications", "seen")}
    kind = Draft.Kind.POSTMORTEM
    if not access.waits(request, incident.page):
        return submit(request, page=incident.page, kind=kind, asked=asked, event=incident)
    # What waits is kept as the incident's draft too, so that the screen goes on with it.
    with transaction.atomic():
        services.save_postmortem(
            incident_id=incident.pk,
            body=data["body"],
            seen=data["seen"],
            actor=actor_of(request),
            at=timezone.now(),
        )
        asked["seen"] = digest_of_text(data["body"])
        return submit(request, page=incident.page, kind=kind, asked=asked, event=incident)


def _do(request: HttpRequest, incident: Incident, wish: str, data: dict[str, Any]) -> str:
    who: dict[str, Any] = {
        "incident_id": incident.pk,
        "actor": actor_of(request),
        "at": timezone.now(),
    }
    if wish == "revert":
        services.revert_postmortem(**who)
        return "The post-mortem is a draft again; readers do not see it any more."
    services.save_postmortem(body=data["body"], seen=data["seen"], **who)
    return "The draft is kept."


def _show(
    request: HttpRequest,
    model_admin: Any,
    incident: Incident,
    row: Postmortem | None,
    form: PostmortemForm,
    *,
    preview: str = "",
    theirs: str | None = None,
    status: int = 200,
) -> HttpResponse:
    published = row is not None and row.is_published
    buttons = [
        Button("save", "Keep as draft", "default" if preview else "primary"),
        Button("preview", "Preview", "default"),
    ]
    links = []
    if access.may_publish(request, incident.page):
        asks = access.waits(request, incident.page)
        label = "Publish again" if published else "Publish"
        buttons.append(Button("publish", "Ask for approval" if asks else label, "default"))
        if published:
            buttons.append(Button("revert", "Take back to draft", "default"))
        if row is not None:
            links.append({"url": address(incident, "delete_postmortem"), "label": "Delete it"})
    shown_now = None
    if row is not None and row.published_at is not None:
        zone = incident.page.time_zone
        title = f"Readers see this since {in_zone(row.published_at, zone)}"
        shown_now = {"title": title, "body": render(row.body)}
    if theirs is not None:
        shown_now = {"title": "The draft says now", "body": render(theirs)}
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
        links=links,
        preview=render(preview) if preview else "",
    )
