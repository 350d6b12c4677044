"""Changes of pages."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, Unpack

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import record_many
from apps.core.editing import archive_row, create_row, edit_row, live_row
from apps.pages.models import Component, ComponentGroup, Metric, Page
from apps.pages.services.addresses import take_slug
from apps.pages.services.announcing import announce


class PageFields(TypedDict, total=False):
    name: str
    slug: str
    description: str
    time_zone: str
    domain: str
    requires_approval: bool


@transaction.atomic
def create_page(
    *,
    name: str,
    slug: str,
    description: str = "",
    time_zone: str = "UTC",
    domain: str = "",
    requires_approval: bool = False,
    actor: Actor,
    at: datetime,
) -> Page:
    """Create a page. Invalid when a live one has the slug or the domain."""
    page = Page(
        name=name,
        slug=slug,
        description=description,
        time_zone=time_zone,
        domain=domain,
        requires_approval=requires_approval,
        created_at=at,
        updated_at=at,
    )
    create_row(page, action="page.created", actor=actor, at=at)
    take_slug(page, at=at)
    announce(at=at, page_ids=[page.pk], pages=[page])
    return page


@transaction.atomic
def update_page(*, page_id: int, actor: Actor, at: datetime, **fields: Unpack[PageFields]) -> Page:
    """Change the given fields. Nothing is written or told when nothing differs.

    A slug that it leaves leads readers to the new one, until a page takes it.
    """
    page = live_row(Page, page_id, lock=True)
    slug = page.slug
    if edit_row(page, fields, action="page.updated", actor=actor, at=at):
        if page.slug != slug:
            take_slug(page, left=slug, at=at)
        announce(at=at, page_ids=[page.pk], pages=[page])
    return page


@transaction.atomic
def archive_page(*, page_id: int, actor: Actor, at: datetime) -> Page:
    """Archive a page and what is on it: groups, components, metrics. Slug and domain become free.

    Contributions and periods stay as history; statuses are derived no more.
    """
    # The components first, as everywhere: whoever changes a status locks its page last.
    components = list(
        Component.objects.live().filter(page=page_id).order_by("pk").select_for_update(no_key=True)
    )
    page = live_row(Page, page_id, lock=True)
    groups = list(ComponentGroup.objects.live().filter(page=page))
    metrics = list(Metric.objects.live().filter(page=page))
    archive_row(page, action="page.archived", actor=actor, at=at)
    for model, rows in ((Component, components), (ComponentGroup, groups), (Metric, metrics)):
        for row in rows:
            row.archived_at = row.updated_at = at
        model._default_manager.filter(pk__in=[row.pk for row in rows]).update(
            archived_at=at, updated_at=at
        )
        if not actor.is_automation:
            action = f"{model._meta.model_name}.archived"
            record_many(actor=actor, at=at, action=action, rows=rows)
    announce(at=at, page_ids=[page.pk], pages=[page], components=components, metrics=metrics)
    return page
