"""A text in Markdown that is written beside what readers will see of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from apps.core.markdown import render
from apps.core.unfold import Textarea
from apps.incidents.admin.using import values_in
from apps.incidents.filling import built_in, fill_what_is_known
from apps.pages.access import pages_for
from apps.pages.models import Component, Page

AT_MOST = 50_000


class MarkdownInput(Textarea):
    """A textarea with a live preview (static/console/incident-preview.js). `page_id`: whose variables are filled in.

    `affected`: the keys of the components that are named while none is chosen.
    """

    template_name = "admin/incidents/markdown_input.html"
    page_id: int | None = None
    affected: Sequence[int] = ()

    class Media:
        css = {"all": ["console/incident.css"]}
        js = ["console/incident-preview.js"]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["preview_url"] = reverse("admin:incidents_incident_preview")
        context["widget"]["page_id"] = self.page_id or ""
        context["widget"]["affected"] = ",".join(str(key) for key in self.affected)
        context["widget"]["heading"] = f"{context['widget']['attrs'].get('id', name)}_preview"
        return context


class MarkdownField(forms.CharField):
    """A text of several lines. Browsers send CRLF; kept is LF, as every other source writes."""

    def __init__(self, *, rows: int = 6, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Markdown. Shown to readers.")
        kwargs.setdefault("widget", MarkdownInput(attrs={"rows": rows}))
        super().__init__(required=False, strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


def preview(request: HttpRequest) -> HttpResponse:
    """Answer with the posted `text` as readers would see it: the HTML of apps.core.markdown, nothing else.

    With `page` a template's variables are filled in as far as the form has values for them; the others stay as
    they are. Nothing is stored. 403 for who sees no page.
    """
    user: Any = request.user
    pages = pages_for(user)
    text = request.POST.get("text", "")[:AT_MOST].replace("\r\n", "\n")
    page_id = request.POST.get("page", "")
    page = pages.filter(pk=page_id).first() if page_id.isdecimal() else None
    if page is None and not pages.exists():
        raise PermissionDenied
    if page is not None and "{{" in text:
        text = fill_what_is_known(text, _values(page, request.POST))
    return HttpResponse(render(text) if text.strip() else "")


def _values(page: Page, data: Any) -> dict[str, str]:
    named = [
        int(name.removeprefix("component_"))
        for name in data
        if name.startswith("component_") and name[10:].isdecimal() and data.get(name)
    ]
    affected = [int(key) for key in data.get("affected", "").split(",") if key.isdecimal()]
    rows = Component.objects.live().filter(page=page, pk__in=named or affected, hidden=False)
    names = rows.order_by("position", "name", "pk").values_list("name", flat=True)
    now = timezone.now()
    known = built_in(page=page.name, components=names, time_zone=page.time_zone, at=now)
    return {**values_in(data), **known}
