"""Who may write, and who may tell readers, on a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.accounts.roles import PUBLISHERS
from apps.core.adminkit import actor_of
from apps.core.adminkit.access import is_superuser
from apps.incidents.services import approval
from apps.pages.models import Page
from apps.pages.scoping import roles_on_pages


def may_on(request: HttpRequest, page_id: int, roles: frozenset[str]) -> bool:
    """Tell whether the person has one of the roles on the page; superusers may all."""
    return is_superuser(request) or roles_on_pages(request).get(page_id, "") in roles


def may_publish(request: HttpRequest, page: Page) -> bool:
    """Tell whether the person decides what readers of the page are told."""
    return may_on(request, page.pk, PUBLISHERS)


def waits(request: HttpRequest, page: Page) -> bool:
    """Tell whether what the person posts on the page needs a second one."""
    return approval.is_needed(page, actor_of(request))


def acts_alone(request: HttpRequest) -> bool:
    """Tell whether the person may post without a second one, for a reason."""
    return is_superuser(request)


def actor_key(request: HttpRequest) -> Any:
    """Return what stands for the person in audit and drafts."""
    return actor_of(request).key
