"""Pages and their components by the names that a file uses, for sections that speak of our own pages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from apps.configuration.context import Context
from apps.configuration.problems import shortened
from apps.configuration.reading import Entry
from apps.core.errors import Invalid
from apps.pages.models import Component, Page


def live_pages() -> dict[str, int]:
    """Return {slug: internal key} of the live pages."""
    return dict(Page.objects.live().order_by("slug").values_list("slug", "pk"))


class ComponentNames:
    """The live components of pages; two queries.

    A component is named by its name where it is the only one of it on its page, or the one outside of groups;
    else as `Group / Name`.
    """

    def __init__(self) -> None:
        self._on: defaultdict[int, list[Component]] = defaultdict(list)
        rows = Component.objects.live().filter(page__archived_at__isnull=True)
        for row in rows.select_related("group").order_by("position", "name", "pk"):
            self._on[row.page_id or 0].append(row)

    def of(self, page_id: int) -> dict[int, str]:
        """Return {internal key: what names it in a file} of a page."""
        counts = Counter(row.name for row in self._on[page_id])
        return {
            row.pk: row.name if counts[row.name] == 1 or not row.group else _full(row)
            for row in self._on[page_id]
        }

    def find(self, page_id: int, text: str, *, field: str) -> int:
        """Return the internal key of what the text names. Invalid at `field` unless it is one."""
        rows = self._on[page_id]
        plain = [row for row in rows if row.name == text]
        top = [row for row in plain if row.group is None]
        found = top or plain or [row for row in rows if _full(row) == text]
        if len(found) == 1:
            return found[0].pk
        if found:
            names = shortened(_full(row) for row in found)
            raise Invalid("invalid", f"{text!r} is ambiguous; write one of: {names}", field=field)
        names = shortened(self.of(page_id).values())
        raise Invalid("invalid", f"there is no {text!r}; allowed: {names}", field=field)

    def find_all(self, page_id: int, texts: Sequence[str], *, field: str) -> list[int]:
        """Return the internal keys of what the texts name, each once."""
        found = [
            self.find(page_id, text, field=f"{field}[{index}]") for index, text in enumerate(texts)
        ]
        return list(dict.fromkeys(found))


def page_of(context: Context, entry: Entry, pages: dict[str, int]) -> int | None:
    """Return the key of the page that the entry names. None, with a problem unless it has one already."""
    slug = entry.values["page"]
    if slug not in pages and not context.is_broken("pages", slug):
        context.refuse(entry.node, "page", f"there is no {slug!r}; allowed: {shortened(pages)}")
    return pages.get(slug)


def _full(component: Component) -> str:
    return f"{component.group.name} / {component.name}" if component.group else component.name
