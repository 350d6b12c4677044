"""`pages[]`: by slug, with what is on them (page_parts.py)."""

from __future__ import annotations

from apps.configuration.context import Context
from apps.configuration.reading import Entry
from apps.configuration.sections import page_parts
from apps.configuration.sections.bringing import Bringer, NameKey, Present, Values
from apps.pages import services
from apps.pages.models import Page

OWN_KEYS = ("slug", "name", "description", "time_zone", "domain", "requires_approval")


def present() -> dict[NameKey, Present]:
    """Return the live pages, by slug, without what is on them."""
    return {
        (page.slug,): Present(page.pk, {key: getattr(page, key) for key in OWN_KEYS})
        for page in Page.objects.live().order_by("slug")
    }


def bring(context: Context) -> None:
    pages = present()
    _free_domains(context, pages)
    own = [
        Entry(entry.node, {key: entry.values[key] for key in OWN_KEYS})
        for entry in context.entries("pages")
    ]
    _bringer(context).bring(context, own, pages)
    ids = {key[0]: row.id for key, row in present().items()}
    for entry in context.entries("pages"):
        slug = entry.values["slug"]
        if slug in ids:
            page_parts.bring(context, entry, page_id=ids[slug], slug=slug)


def remove_missing(context: Context) -> None:
    """Archive what is missing from the lists that each page of the file has, then pages."""
    if not context.has("pages"):
        return
    pages = present()
    for entry in context.entries("pages"):
        if row := pages.get((entry.values["slug"],)):
            page_parts.remove_missing(context, entry, page_id=row.id)
    _bringer(context).remove_missing(context, pages)


def _bringer(context: Context) -> Bringer:
    who = context.who

    def update(page_id: int, values: Values) -> None:
        services.update_page(page_id=page_id, **values, **who)

    return Bringer(
        section="pages",
        kind="page",
        key_of=lambda values: (values["slug"],),
        create=lambda values: services.create_page(**values, **who),
        update=update,
        archive=lambda page_id: services.archive_page(page_id=page_id, **who),
    )


def _free_domains(context: Context, pages: dict[NameKey, Present]) -> None:
    """Take domains from pages that give them up, so that others of the file can have them in any order."""
    wanted = {entry.values["slug"]: entry.values["domain"] for entry in context.entries("pages")}
    for (slug,), row in pages.items():
        domain = row.values["domain"]
        gives_up = wanted.get(slug, "" if context.prune and context.has("pages") else domain)
        if domain and gives_up != domain and domain in wanted.values():
            services.update_page(page_id=row.id, domain="", actor=context.actor, at=context.at)
