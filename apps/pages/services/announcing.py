"""Tell the apps above what changed on pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from apps.pages import signals
from apps.pages.models import Component, Metric, Page


def touch_pages(*, page_ids: Iterable[int | None], at: datetime) -> None:
    """Note that the public content of these pages changed. Called in the transaction of the change."""
    changed = {page_id for page_id in page_ids if page_id is not None}
    if not changed:
        return
    pages = Page.objects.filter(pk__in=changed)
    if len(changed) > 1:
        # An UPDATE takes its locks in no fixed order; two of them over the same pages would deadlock.
        list(pages.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    pages.filter(updated_at__lt=at).update(updated_at=at)
    signals.pages_changed.send(sender=Page, page_ids=changed, at=at)


def announce(
    *,
    at: datetime,
    page_ids: Iterable[int | None],
    pages: Sequence[Page] = (),
    components: Sequence[Component] = (),
    metrics: Sequence[Metric] = (),
) -> None:
    """Tell of rows created, renamed, moved or archived, and that their pages changed."""
    if pages or components or metrics:
        signals.catalogue_changed.send(
            sender=Page,
            pages=list(pages),
            components=list(components),
            metrics=list(metrics),
            at=at,
        )
    touch_pages(page_ids=page_ids, at=at)
