"""Correct an update, merge two incidents."""

from __future__ import annotations

from typing import Any

from django.forms import ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse

from apps.core.errors import DomainError
from apps.core.markdown import render
from apps.incidents.admin import access
from apps.incidents.admin.forms import EditUpdateForm, MergeForm
from apps.incidents.admin.screens import Button, refuse, show
from apps.incidents.admin.submitting import answer, iso, submit
from apps.incidents.drafting import digest_of_text
from apps.incidents.models import Draft, Incident, Maintenance
from apps.incidents.selectors import mergeable_into


def edit_update(
    request: HttpRequest,
    *,
    model_admin: Any,
    row: Incident | Maintenance,
    kind: str,
) -> HttpResponse:
    """Correct the text or the shown time of the update that the address names (404 when it is none of this).

    `kind` is the draft's, should a second person have to approve it.
    """
    update = row.updates.filter(public_id=request.GET.get("update", "")).first()
    if update is None:
        raise Http404("There is no such update.")
    posted = request.method == "POST"
    form = EditUpdateForm.in_zone(row.page.time_zone)(
        data=request.POST if posted else None,
        initial={
            "body": update.body,
            "display_at": update.display_at,
            "seen": digest_of_text(update.body),
        },
    )
    preview, shown_now = "", None
    if posted and form.is_valid():
        data = form.cleaned_data
        if request.POST.get("do") == "preview":
            preview = render(data["body"])
        else:
            # The input knows whole seconds only: a time that was not touched stays as exact as it is.
            moved = "display_at" in form.changed_data
            asked = {
                "update": update.public_id,
                "body": data["body"],
                "display_at": iso(data["display_at"]) if moved else None,
                "seen": data["seen"],
            }
            try:
                outcome = submit(request, page=row.page, kind=kind, asked=asked, event=row)
            except DomainError as refusal:
                if refusal.code == "text_moved":
                    update.refresh_from_db()
                    form = form.once_more(update.body)
                    shown_now = {"title": "It says now", "body": render(update.body)}
                else:
                    refuse(form, refusal)
            else:
                return answer(request, outcome, "The update is corrected.")
    waits = access.waits(request, row.page)
    return show(
        request,
        model_admin,
        row,
        title=f"Correct update {update.sequence} of {row}",
        text=(
            "Readers see the new text and time. The order of updates, and what they said about components, stay. "
            "The history keeps what was there before."
        ),
        form=form,
        buttons=(
            Button("save", "Ask for approval" if waits else "Save"),
            Button("preview", "Preview", "default"),
        ),
        status=409 if posted and not preview else 200,
        preview=preview,
        shown_now=shown_now,
    )


def merge(request: HttpRequest, *, model_admin: Any, incident: Incident) -> HttpResponse:
    """Ask which open incident of the page keeps going, and merge."""
    posted = request.method == "POST"
    form = MergeForm(data=request.POST if posted else None)
    others = mergeable_into(incident)
    field = form.fields["into"]
    assert isinstance(field, ModelChoiceField)
    field.queryset = others
    if posted and form.is_valid():
        data = form.cleaned_data
        try:
            outcome = submit(
                request,
                page=incident.page,
                kind=Draft.Kind.MERGE,
                asked={
                    "into": data["into"].public_id,
                    "message": data["message"],
                    "deliver_notifications": data["deliver_notifications"],
                },
                event=incident,
            )
        except DomainError as refusal:
            refuse(form, refusal)
        else:
            return answer(request, outcome, f"{incident} is part of this incident now.")
    nothing = "" if others else " There is no other open incident on this page."
    return show(
        request,
        model_admin,
        incident,
        title=f"Merge {incident} into another",
        text=(
            "This one is resolved and leads readers to the other, which keeps going and takes over what was said about "
            "components. Automation does not touch this one any more; if it tends both, the other is yours to "
            f"resolve too. It cannot be undone.{nothing}"
        ),
        form=form,
        buttons=(
            Button("merge", "Ask for approval")
            if access.waits(request, incident.page)
            else Button("merge", "Merge", "danger"),
        ),
        status=409 if posted else 200,
    )
