"""Which pages a person sees, and what they may do there."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.roles import VIEWERS
from apps.accounts.selectors import may_log_in
from apps.pages.models import Page, PageMembership


def pages_for(user: User, roles: frozenset[str] = VIEWERS) -> QuerySet[Page]:
    """Return the live pages where the person has one of the roles: superusers all.

    None for who may not log in to the admin.
    """
    pages: QuerySet[Page] = Page.objects.live()
    if not may_log_in(user):
        return pages.none()
    if user.is_superuser:
        return pages
    memberships = PageMembership.objects.filter(user=user, role__in=roles)
    return pages.filter(pk__in=memberships.values("page_id"))


def page_roles(user: User) -> dict[int, str]:
    """Return {page's key: the person's role} of the live pages, by membership alone."""
    if not may_log_in(user):
        return {}
    live = PageMembership.objects.filter(user=user, page__archived_at__isnull=True)
    return dict(live.values_list("page_id", "role"))
