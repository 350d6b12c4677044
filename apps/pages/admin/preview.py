"""A page as it will be: the public templates over a form's unsaved values. Nothing is kept or published."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils import timezone

from apps.core.csp import HEADER
from apps.pages.admin.drafts import draft_of, problems_of
from apps.pages.admin.outlets import outlet

# It may stand in a frame of the admin; it runs nothing and fetches nothing.
_POLICY = "; ".join(
    (
        "sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
_JSON = "application/json"


def preview(request: HttpRequest, screen: Any, row: Any) -> HttpResponse:
    """Show what the sent form makes of the page (`row`, None for a new one); without a form the page as it is.

    Where JSON is asked for: {"html": the document, "problems": [what is wrong in the form]}.
    """
    if request.method not in {"GET", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    may = (
        screen.has_change_permission(request, row)
        if row is not None
        else screen.has_add_permission(request)
    )
    if not may:
        raise PermissionDenied
    form_class = screen.get_form(request, row, change=row is not None)
    posted = request.POST if request.method == "POST" else None
    form = form_class(posted, instance=row)
    formsets, _ = screen._create_formsets(request, form.instance, change=row is not None)
    parts = formsets[:3]
    draft = draft_of(form, *parts)
    html = outlet().preview(draft, timezone.now())
    response: HttpResponse
    if _JSON in request.headers.get("Accept", ""):
        response = JsonResponse({"html": html, "problems": problems_of(form, parts)})
    else:
        response = HttpResponse(html)
        response.headers[HEADER] = _POLICY
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Cache-Control"] = "no-store, private"
    return response
