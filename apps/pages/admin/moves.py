"""What a changed slug means to readers, said to who changes it."""

from __future__ import annotations

from django.contrib import messages

from apps.pages.models import FormerSlug, Page


def moves_of(page: Page, slug: str) -> list[tuple[int, str]]:
    """Return (level, sentence) about who will come by which address. Asked before the page (a new one without a key)
    takes the slug, said when everything is saved.
    """
    before = Page.objects.filter(pk=page.pk).values_list("slug", flat=True).first()
    if slug == before:
        return []
    found = []
    if before:
        text = f"Readers who come by /status/{before}/ are led to /status/{slug}/."
        found.append((messages.INFO, text))
    other = FormerSlug.objects.filter(slug=slug, page__archived_at__isnull=True)
    taken_from = other.exclude(page=page.pk).select_related("page").first()
    if taken_from is not None:
        text = f"/status/{slug}/ led readers to {taken_from.page} until now. From now on they find this page there."
        found.append((messages.WARNING, text))
    return found
