"""Which page something new is for, before it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.accounts.roles import EDITORS
from apps.core.adminkit.access import is_superuser
from apps.incidents.admin import using
from apps.incidents.admin.compose.screen import Composer, compose
from apps.incidents.admin.screens import MEDIA, address
from apps.pages.access import pages_for
from apps.pages.models import Page

TEMPLATE = "admin/incidents/choose_page.html"


def compose_on_page(
    request: HttpRequest,
    *,
    model_admin: Any,
    title: str,
    begin: Callable[[Page], Composer],
    kind: str,
) -> HttpResponse:
    """Let the person choose a page where they may write (the only one is chosen already), then write there."""
    chosen = page_or_choice(request, model_admin=model_admin, title=title, kind=kind)
    if isinstance(chosen, Page):
        return compose(request, model_admin=model_admin, composer=begin(chosen))
    return chosen


def page_or_choice(
    request: HttpRequest,
    *,
    model_admin: Any,
    title: str,
    roles: frozenset[str] = EDITORS,
    kind: str = "",
) -> Page | HttpResponse:
    """Return the page that the address names, or the only one; else a screen that asks for it.

    `kind`: templates of it may be chosen there as well, and name their page. 403 for who has none of the roles.
    """
    user: Any = request.user
    pages = list(pages_for(user, roles).order_by("name", "pk"))
    if not pages and not is_superuser(request):
        raise PermissionDenied
    page = _chosen(request, pages, kind)
    if page is not None:
        return page
    keys = [page.pk for page in pages]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": title,
        "pages": pages,
        "picker": using.picker(None, kind=kind, among=keys) if kind else None,
        "media": model_admin.media + MEDIA,
        "back": address(model_admin.model),
    }
    return TemplateResponse(request, TEMPLATE, context)


def _chosen(request: HttpRequest, pages: list[Page], kind: str) -> Page | None:
    wanted = request.GET.get("page", "")
    by_key = {str(page.pk): page for page in pages}
    if wanted in by_key:
        return by_key[wanted]
    template = using.chosen(request, kind=kind) if kind else None
    if template is not None and str(template.page_id) in by_key:
        return by_key[str(template.page_id)]
    return pages[0] if len(pages) == 1 else None
