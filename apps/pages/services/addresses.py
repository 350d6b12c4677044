"""Addresses that pages had: who comes by one is led to the page's present address."""

from __future__ import annotations

from datetime import datetime

from apps.pages.models import FormerSlug, Page


def take_slug(page: Page, *, left: str = "", at: datetime) -> None:
    """Let a page's slug lead to it alone, and the one that it `left` lead to it from now on.

    Called in the transaction that gave the page its slug.
    """
    FormerSlug.objects.filter(slug=page.slug).delete()
    if left:
        FormerSlug.objects.update_or_create(slug=left, defaults={"page": page, "left_at": at})
