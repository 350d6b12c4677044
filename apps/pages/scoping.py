"""Screens of rows that belong to a page: people see those of the pages that they are members of."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest

from apps.accounts.scoping import RoleScoped
from apps.pages.access import page_roles, pages_for
from apps.pages.models import Page


class PageScoped(RoleScoped):
    """Mixin before ModelAdmin. `page_path` is the lookup from the model to its page."""

    page_path = "page"
    scope_model = Page

    def scope_path(self) -> str:
        return self.page_path

    def roles_held(self, request: HttpRequest) -> dict[int, str]:
        return roles_on_pages(request)

    def scopes(self, request: HttpRequest, roles: frozenset[str]) -> models.QuerySet[Any]:
        user: Any = request.user
        return pages_for(user, roles)


def roles_on_pages(request: HttpRequest) -> dict[int, str]:
    """Return {page's key: the person's role}, read once per request."""
    held: dict[int, str] | None = request.__dict__.get("console_page_roles")
    if held is None:
        user: Any = request.user
        held = request.__dict__["console_page_roles"] = page_roles(user)
    return held
