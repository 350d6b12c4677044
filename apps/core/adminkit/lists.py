"""Lists that stay cheap: bounded counts, live rows first, times in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

COUNT_AT_MOST = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than 10,000 rows, so that a history's list costs the same however long it is.

    Older rows are reached by searching and filtering.
    """

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if isinstance(rows, models.QuerySet):
            return rows.order_by()[:COUNT_AT_MOST].count()
        return len(rows)


class ArchivedFilter(admin.SimpleListFilter):
    """Show live rows unless archived ones are asked for."""

    title = "archived"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Archived"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        chosen = self.value()
        yield {
            "selected": chosen is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": "Live",
        }
        for value, title in self.lookup_choices:
            yield {
                "selected": chosen == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(archived_at__isnull=self.value() != "yes")


def utc(value: datetime | None) -> str:
    """Return an instant as staff read it, in UTC; a dash for none."""
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if value else "–"


def local(value: datetime | None, zone_name: str) -> str:
    """Return an instant as staff read it on the clocks of a zone; a dash for none."""
    if value is None:
        return "–"
    return f"{value.astimezone(ZoneInfo(zone_name)):%a %Y-%m-%d %H:%M} ({zone_name})"


def local_span(since: datetime, until: datetime, zone_name: str) -> str:
    """Return a stretch of time on the clocks of a zone; its day once where it is one."""
    first, last = (value.astimezone(ZoneInfo(zone_name)) for value in (since, until))
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%a %Y-%m-%d %H:%M}"
    return f"{first:%a %Y-%m-%d %H:%M} – {end} ({zone_name})"


def tag(kind: str, text: str) -> SafeString:
    """Return a coloured label; the text says all that the colour does."""
    return format_html('<span class="console-tag console-{}">{}</span>', kind, text)


def link(row: models.Model | None, text: str | None = None) -> SafeString | str:
    """Return a link to the row's change page; a dash for no row."""
    if row is None:
        return "–"
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, text or str(row))


def lasting(since: datetime, until: datetime) -> str:
    """Return a duration as people say it, such as 1 h 4 min 5 s."""
    seconds = max(0, round((until - since) / timedelta(seconds=1)))
    parts = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    words = []
    for unit, size in parts:
        count, seconds = divmod(seconds, size)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words) or "0 s"
