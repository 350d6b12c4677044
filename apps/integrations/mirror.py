"""Keep what a connector has (pages, components, metrics) as rows of our own, in bulk.

For `native` they follow the pages in the same transaction; for another provider they are what it last
listed. A row that is gone is archived, and comes back under its own id when it is there again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from apps.integrations.models import (
    Connector,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
)
from apps.integrations.providers.base import RemotePage
from apps.pages.models import Component, ComponentGroup, Metric, Page

ItemT = TypeVar("ItemT", ConnectorComponent, ConnectorMetric)


@dataclass(frozen=True, slots=True)
class Seen:
    """A component or metric as it is now. `page_id` None: it is on no page, so nobody can link it."""

    remote_id: str
    page_id: int | None
    name: str
    group_name: str = ""
    is_gone: bool = False


def native_connector() -> Connector:
    """Return the connector of this platform's own pages, which always exists."""
    return Connector.objects.get(
        provider=Connector.Provider.NATIVE, name=Connector.NATIVE_NAME, archived_at__isnull=True
    )


def mirror_native(
    *,
    pages: Collection[Page],
    components: Collection[Component],
    metrics: Collection[Metric],
    at: datetime,
) -> list[int]:
    """Bring the mirror of these rows up to date.

    Returns the ids of the mirrored components that came back, whose links have to be planned again.
    """
    connector = native_connector()
    _mirror_pages(
        connector,
        {page.public_id: (page.name, page.slug, page.is_archived) for page in pages},
        at,
    )
    mirrored = _native_pages(
        connector,
        {row.page_id for row in components if row.page_id is not None}
        | {row.page_id for row in metrics},
    )
    groups = dict(
        ComponentGroup.objects.filter(
            pk__in={row.group_id for row in components if row.group_id is not None}
        ).values_list("pk", "name")
    )
    back = _mirror_items(
        ConnectorComponent,
        connector,
        [
            Seen(
                remote_id=row.public_id,
                page_id=mirrored.get(row.page_id or 0),
                name=row.name,
                group_name=groups.get(row.group_id or 0, ""),
                is_gone=row.is_archived,
            )
            for row in components
        ],
        at,
    )
    _mirror_items(
        ConnectorMetric,
        connector,
        [
            Seen(row.public_id, mirrored.get(row.page_id), row.name, is_gone=row.is_archived)
            for row in metrics
        ],
        at,
    )
    return back


def _native_pages(connector: Connector, page_ids: Collection[int]) -> dict[int, int]:
    """Return {page id: mirrored page id} of live pages."""
    if not page_ids:
        return {}
    public_ids = dict(Page.objects.live().filter(pk__in=page_ids).values_list("public_id", "pk"))
    return {
        public_ids[remote_id]: pk
        for pk, remote_id in ConnectorPage.objects.filter(
            connector=connector, remote_id__in=public_ids
        ).values_list("pk", "remote_id")
    }


def mirror_catalogue(*, connector: Connector, pages: Sequence[RemotePage], at: datetime) -> None:
    """Bring the mirror to the whole catalogue of a connector; what it lists no more is archived."""
    listed = {page.remote_id for page in pages}
    known = set(
        ConnectorPage.objects.filter(connector=connector).values_list("remote_id", flat=True)
    )
    _mirror_pages(
        connector,
        {page.remote_id: (page.name, page.slug, False) for page in pages}
        | dict.fromkeys(known - listed, ("", "", True)),
        at,
    )
    mirrored = dict(
        ConnectorPage.objects.filter(connector=connector).values_list("remote_id", "pk")
    )
    _mirror_items(
        ConnectorComponent,
        connector,
        [
            *(
                Seen(item.remote_id, mirrored[page.remote_id], item.name, item.group_name)
                for page in pages
                for item in page.components
            ),
            *_gone(
                ConnectorComponent.objects.filter(page__connector=connector).values_list(
                    "remote_id", flat=True
                ),
                {item.remote_id for page in pages for item in page.components},
            ),
        ],
        at,
    )
    _mirror_items(
        ConnectorMetric,
        connector,
        [
            *(
                Seen(item.remote_id, mirrored[page.remote_id], item.name)
                for page in pages
                for item in page.metrics
            ),
            *_gone(
                ConnectorMetric.objects.filter(page__connector=connector).values_list(
                    "remote_id", flat=True
                ),
                {item.remote_id for page in pages for item in page.metrics},
            ),
        ],
        at,
    )


def _gone(known: Iterable[str], listed: Collection[str]) -> list[Seen]:
    return [
        Seen(remote_id, None, "", is_gone=True) for remote_id in known if remote_id not in listed
    ]


def _mirror_pages(
    connector: Connector, seen: Mapping[str, tuple[str, str, bool]], at: datetime
) -> None:
    if not seen:
        return
    held = {
        row.remote_id: row
        for row in ConnectorPage.objects.filter(connector=connector, remote_id__in=seen)
    }
    changed, new = [], []
    for remote_id, (name, slug, is_gone) in seen.items():
        row = held.get(remote_id)
        if row is None:
            row = ConnectorPage(
                connector=connector, remote_id=remote_id, created_at=at, updated_at=at
            )
            new.append(row)
        else:
            changed.append(row)
        if not is_gone:
            row.name, row.slug = name, slug
        row.archived_at = (row.archived_at or at) if is_gone else None
        row.updated_at = at
    ConnectorPage.objects.bulk_update(changed, ["name", "slug", "archived_at", "updated_at"])
    ConnectorPage.objects.bulk_create([row for row in new if row.archived_at is None])


def _mirror_items(
    model: type[ItemT], connector: Connector, seen: Sequence[Seen], at: datetime
) -> list[int]:
    """Write components or metrics; return the ids of those that were gone and are back."""
    if not seen:
        return []
    held = {
        row.remote_id: row
        for row in model._default_manager.filter(
            page__connector=connector, remote_id__in=[one.remote_id for one in seen]
        )
    }
    changed: list[ItemT] = []
    new: list[ItemT] = []
    back: list[int] = []
    for one in seen:
        row = held.get(one.remote_id)
        is_live = one.page_id is not None and not one.is_gone
        if row is None and not is_live:
            continue
        if row is None:
            row = model(remote_id=one.remote_id, created_at=at)
            new.append(row)
        else:
            changed.append(row)
        if is_live:
            if row.is_archived:
                back.append(row.pk)
            assert one.page_id is not None
            row.page_id, row.name, row.archived_at = one.page_id, one.name, None
            if isinstance(row, ConnectorComponent):
                row.group_name = one.group_name
        else:
            row.archived_at = row.archived_at or at
        row.updated_at = at
    fields = ["page", "name", "archived_at", "updated_at"]
    if model is ConnectorComponent:
        fields.append("group_name")
    model._default_manager.bulk_update(changed, fields)
    model._default_manager.bulk_create(new)
    return back
