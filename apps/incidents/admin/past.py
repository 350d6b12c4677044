"""Tell an incident after it was over."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.accounts.roles import PUBLISHERS
from apps.core.errors import DomainError, Invalid
from apps.incidents.admin import access
from apps.incidents.admin.compose import page_or_choice
from apps.incidents.admin.compose.forms import offered
from apps.incidents.admin.past_form import PastForm, said_of, time_of
from apps.incidents.admin.screens import Button, refuse, show
from apps.incidents.admin.submitting import answer, submit
from apps.incidents.models import Draft
from apps.incidents.services import Outcome
from apps.pages.models import Component, Page

TITLE = "Tell a past incident"
TEXT = (
    "For what was over before it was told. Readers find it in the history at its own time. It changes no component's "
    "status or uptime, and nobody is notified."
)
# A row for the beginning and one for the end, which every story has.
BEGINNING = [
    {"at": "", "status": "investigating", "message": ""},
    {"at": "", "status": "resolved", "message": ""},
]

_ROW = re.compile(r"updates\[(\d+)\]\.(\w+)")
_LABELS = {"at": "time", "body": "message"}


def tell_past(request: HttpRequest, *, model_admin: Any) -> HttpResponse:
    """Ask for the page, then show the form; on POST tell the incident, or let it wait."""
    page = page_or_choice(request, model_admin=model_admin, title=TITLE, roles=PUBLISHERS)
    if not isinstance(page, Page):
        return page
    posted = request.method == "POST"
    components = offered(page.pk, ())
    form_class = PastForm.of_page(page, components)
    form = form_class(data=request.POST if posted else None, initial={"updates": BEGINNING})
    if posted and form.is_valid():
        try:
            outcome = _tell(request, page, components, form.cleaned_data)
        except DomainError as refusal:
            refuse(form, _by_row(refusal))
        else:
            return answer(request, outcome, f"{form.cleaned_data['name']} is in the history.")
    waits = access.waits(request, page)
    return show(
        request,
        model_admin,
        None,
        title=f"{TITLE} of {page}",
        text=TEXT,
        form=form,
        buttons=(Button("tell", "Ask for approval" if waits else "Publish"),),
        status=409 if posted else 200,
    )


def _tell(
    request: HttpRequest, page: Page, components: list[Component], data: dict[str, Any]
) -> Outcome:
    said = said_of(data["components"], components, len(data["updates"]))
    updates = [
        {
            "status": str(row.get("status") or ""),
            "message": str(row.get("message") or ""),
            "at": time_of(row.get("at"), page.time_zone, index).isoformat(),
            "components": said.get(index, {}),
        }
        for index, row in enumerate(data["updates"])
    ]
    asked = {
        "name": data["name"],
        "impact_override": data["impact_override"],
        "updates": updates,
    }
    return submit(request, page=page, kind=Draft.Kind.TELL_PAST, asked=asked)


def _by_row(refusal: DomainError) -> DomainError:
    """Return the refusal with what it says of single updates said of their rows."""
    if not isinstance(refusal, Invalid):
        return refusal
    return Invalid(
        refusal.code,
        refusal.message,
        errors=tuple(_of_row(path, message) for path, message in refusal.errors),
    )


def _of_row(path: str, message: str) -> tuple[str, str]:
    row = _ROW.fullmatch(path)
    if row is None:
        return path, message
    return "updates", f"Row {int(row[1]) + 1}, {_LABELS.get(row[2], row[2])}: {message}"
